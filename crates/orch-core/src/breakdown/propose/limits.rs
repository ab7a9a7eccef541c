//! Constraints and qualities that are somebody's field, and success criteria: for each, who sees to it, and when that can be.

use super::desk::{Desk, Ends, Words, Work};
use super::estimating;
use super::foundation::Foundation;
use super::groups::{Class, Group, Keeper};
use super::wording::{MOST_OF_TITLE, holds, one_line, statement, title};
use crate::requirements::ItemKind;
use crate::work_item::Kind;

/// Drafts what keeps the limits of `groups`. What needs the product waits for `built`.
pub fn limits<'d>(
    desk: &mut Desk<'_>,
    foundation: &Foundation,
    built: Option<&Ends<'d>>,
    groups: &[Group<'d>],
) -> Vec<Ends<'d>> {
    let mut ends = Vec::new();
    for group in groups {
        let Class::Limit { kind, keeper } = group.class else {
            continue;
        };
        let way = Way::of(keeper);
        let waits = match (way.begins, built) {
            (Begins::Infrastructure, _) => {
                let after = foundation.infrastructure.as_ref();
                vec![after.unwrap_or(&foundation.scaffold).clone()]
            }
            (Begins::Design, _) => vec![foundation.architecture.clone()],
            (Begins::Product, Some(built)) => built.tasks.clone(),
            (Begins::Product, None) => vec![foundation.scaffold.clone()],
        };
        ends.push(keep(desk, group, kind, &way, waits));
    }
    ends
}

/// What there has to be before a task can begin.
#[derive(Debug, Clone, Copy)]
enum Begins {
    Design,
    Infrastructure,
    Product,
}

/// How a limit is kept.
struct Way {
    verb: &'static str,
    what: &'static str,
    role: &'static str,
    kind: Kind,
    estimate: super::super::model::Estimate,
    begins: Begins,
}

impl Way {
    fn of(keeper: Keeper) -> Self {
        match keeper {
            Keeper::Security => Self {
                verb: "Check the security",
                what: "Check as an attacker would that this holds, and mend what does not.",
                role: "security",
                kind: Kind::Task,
                estimate: estimating::LIMIT,
                begins: Begins::Product,
            },
            Keeper::Infra => Self {
                verb: "Provide",
                what: "Set up what this asks for, as code.",
                role: "infra",
                kind: Kind::Infra,
                estimate: estimating::PROVIDE,
                begins: Begins::Infrastructure,
            },
            Keeper::Writer => Self {
                verb: "Write",
                what: "Write what this asks for.",
                role: "tech_writer",
                kind: Kind::Task,
                estimate: estimating::LIMIT,
                begins: Begins::Product,
            },
            Keeper::Planner => Self {
                verb: "Plan for",
                what: "Work out what this leaves room for, and say where the plan does not fit.",
                role: "planner",
                kind: Kind::Task,
                estimate: estimating::WATCH,
                begins: Begins::Design,
            },
            Keeper::Architect => Self {
                verb: "Check the design and the code",
                what: "Check that what was designed and built keeps this, and have mended what does not.",
                role: "architect",
                kind: Kind::Task,
                estimate: estimating::LIMIT,
                begins: Begins::Product,
            },
        }
    }
}

fn keep<'d>(
    desk: &mut Desk<'_>,
    group: &Group<'d>,
    kind: ItemKind,
    way: &Way,
    waits: Vec<String>,
) -> Ends<'d> {
    let epic = desk.epic(&format!("kind/{}", kind.name()), kind.section());
    let name = group.name();
    let text = &group.first().text;
    let story = desk.story(
        &epic,
        format!("story/{name}"),
        one_line(text, MOST_OF_TITLE),
        &group.items,
        holds(&group.items),
    );
    let task = desk.task(
        &story,
        Words {
            key: format!("limit/{name}"),
            title: title(way.verb, text),
            what: way.what.to_owned(),
            acceptance: holds(&group.items),
        },
        Work {
            kind: way.kind,
            role: way.role,
            estimate: estimating::each(way.estimate, group),
            waits,
        },
        &group.items,
    );
    Ends {
        tasks: vec![task],
        items: group.items.clone(),
    }
}

/// Drafts how one will know that the success criteria of `groups` are met: before anything is released,
/// since what nobody measures from the first day on cannot be told later.
pub fn success<'d>(
    desk: &mut Desk<'_>,
    foundation: Option<&Foundation>,
    groups: &[Group<'d>],
) -> Vec<Ends<'d>> {
    let mut ends = Vec::new();
    for group in groups.iter().filter(|group| group.class == Class::Success) {
        let epic = desk.epic(
            "kind/success_criterion",
            ItemKind::SuccessCriterion.section(),
        );
        let name = group.name();
        let text = &group.first().text;
        let acceptance = vec![statement(
            "It is written down what is counted, where, by whom and when",
        )];
        let story = desk.story(
            &epic,
            format!("story/{name}"),
            one_line(text, MOST_OF_TITLE),
            &group.items,
            acceptance.clone(),
        );
        let waits = foundation.map(|foundation| foundation.architecture.clone());
        let task = desk.task(
            &story,
            Words {
                key: format!("measure/{name}"),
                title: title("Make measurable", text),
                what: "Say how one will know whether this is met.".to_owned(),
                acceptance,
            },
            Work {
                kind: Kind::Task,
                role: "planner",
                estimate: estimating::each(estimating::MEASURABLE, group),
                waits: waits.into_iter().collect(),
            },
            &group.items,
        );
        ends.push(Ends {
            tasks: vec![task],
            items: group.items.clone(),
        });
    }
    ends
}
