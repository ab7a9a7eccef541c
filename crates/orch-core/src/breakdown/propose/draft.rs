//! The plan as rules draft it: foundation, features, limits, success, and the release of them all.

use std::collections::{HashMap, HashSet};

use super::super::checks::Checks;
use super::super::merge::merge;
use super::super::model::{Breakdown, Finished, MOST_REQUIREMENTS, Story};
use super::desk::{Desk, Ends, Words, Work};
use super::estimating;
use super::features::features;
use super::foundation::foundation;
use super::groups::groups;
use super::limits::{limits, success};
use super::toolchain;
use super::wording::{statement, title};
use crate::requirements::{Document, ItemKind, Priority, Requirement};
use crate::work_item::Kind;

/// The most goals that are looked into where nothing else is demanded.
const MOST_GOALS: usize = 20;

/// Proposes a plan for `document`, and for code that is checked by `checks`. What was there before keeps its ids, what persons changed and what is
/// done stays as it is, and what persons removed does not come back.
pub fn propose(
    document: &Document,
    checks: &Checks,
    previous: Option<&Breakdown>,
    kept: &Finished,
) -> Breakdown {
    merge(draft(document, checks), previous, kept, &document.items)
}

/// The plan of rules alone; its ids only hold within it.
pub fn draft(document: &Document, checks: &Checks) -> Breakdown {
    let groups = groups(document);
    let mut desk = Desk::new(toolchain::of(document), checks);
    if groups.is_empty() {
        goals(&mut desk, document);
        return desk.plan;
    }
    let foundation = foundation(&mut desk, document, &groups);
    let built = foundation
        .as_ref()
        .and_then(|foundation| features(&mut desk, foundation, &groups));
    let mut ends: Vec<Ends<'_>> = built.iter().cloned().collect();
    if let Some(foundation) = &foundation {
        ends.extend(limits(&mut desk, foundation, built.as_ref(), &groups));
    }
    ends.extend(success(&mut desk, foundation.as_ref(), &groups));
    if let Some(built) = built {
        let infrastructure = foundation.and_then(|foundation| foundation.infrastructure);
        release(&mut desk, built, ends, infrastructure);
    }
    cite(&mut desk.plan);
    desk.plan
}

/// Documentation, and the release, which waits for everything.
fn release<'d>(
    desk: &mut Desk<'_>,
    built: Ends<'d>,
    mut ends: Vec<Ends<'d>>,
    infrastructure: Option<String>,
) {
    let epic = desk.epic("release", "First version");
    let items = &built.items[..built.items.len().min(MOST_REQUIREMENTS)];
    let name = "Write for its users how it is used".to_owned();
    let acceptance = vec![statement(
        "Somebody who does not know it can do with the text alone what each requirement says",
    )];
    let story = desk.story(
        &epic,
        "story/documentation".to_owned(),
        name.clone(),
        items,
        acceptance.clone(),
    );
    let written = desk.task(
        &story,
        Words {
            key: "documentation".to_owned(),
            title: name,
            what: "Write down how the features are used, for those who use them.".to_owned(),
            acceptance,
        },
        Work {
            kind: Kind::Task,
            role: "tech_writer",
            estimate: estimating::together(items.len()),
            waits: built.tasks.clone(),
        },
        items,
    );
    ends.push(Ends {
        tasks: vec![written],
        items: Vec::new(),
    });
    let gathered = desk.gathered(&epic, "limits-part", "Go through what has to hold", ends);
    let mut waits = gathered.tasks;
    waits.extend(infrastructure);
    let name = "Release the first version".to_owned();
    let acceptance = vec![
        statement(
            "Version, notes for users, steps of the rollout and the way back are written down",
        ),
        statement("A person said that it may go out"),
    ];
    let story = desk.story(
        &epic,
        "story/release".to_owned(),
        name.clone(),
        items,
        acceptance.clone(),
    );
    desk.task(
        &story,
        Words {
            key: "release".to_owned(),
            title: name,
            what: "Prepare the release of what was built, tested and checked.".to_owned(),
            acceptance,
        },
        Work {
            kind: Kind::Task,
            role: "release_manager",
            estimate: estimating::RELEASE,
            waits,
        },
        items,
    );
}

/// Where goals are all that is said, what has to be built for them is still to be found out.
fn goals(desk: &mut Desk<'_>, document: &Document) {
    let goals = document.items.iter().filter(|item| is_wanted_goal(item));
    for goal in goals.take(MOST_GOALS) {
        let epic = desk.epic("kind/goal", ItemKind::Goal.section());
        let name = title("Find out what has to be built", &goal.text);
        let acceptance = vec![statement(
            "The requirements that the goal leads to are written down, for a person to approve",
        )];
        let story = desk.story(
            &epic,
            format!("story/{}", goal.id),
            name.clone(),
            &[goal],
            acceptance.clone(),
        );
        desk.task(
            &story,
            Words {
                key: format!("goal/{}", goal.id),
                title: name,
                what: "Nothing that could be built is demanded yet.".to_owned(),
                acceptance,
            },
            Work {
                kind: Kind::Spike,
                role: "planner",
                estimate: estimating::SPIKE,
                waits: Vec::new(),
            },
            &[goal],
        );
    }
    cite(&mut desk.plan);
}

fn is_wanted_goal(item: &Requirement) -> bool {
    item.kind == ItemKind::Goal
        && matches!(item.priority, Priority::Must | Priority::Should)
        && item.mvp.as_ref().is_none_or(|mvp| mvp.included)
}

/// An epic cites what its stories cite.
pub fn cite(plan: &mut Breakdown) {
    let mut stories: HashMap<&str, Vec<&Story>> = HashMap::new();
    for story in &plan.stories {
        stories.entry(&story.epic).or_default().push(story);
    }
    for epic in &mut plan.epics {
        let mut seen = HashSet::new();
        let cited = stories.get(epic.id.as_str()).into_iter().flatten();
        let cited = cited.flat_map(|story| &story.requirements);
        epic.requirements = cited.filter(|id| seen.insert(*id)).cloned().collect();
    }
}
