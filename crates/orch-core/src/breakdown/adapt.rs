//! A plan brought in line with other requirements, without being drafted anew: whoever planned a task,
//! rules, a model or a person, it stays while it serves a requirement that asks for work.

use std::collections::{HashMap, HashSet};

use super::by_model::{Wholes, fill};
use super::checks::Checks;
use super::commands;
use super::left_over;
use super::merge::{cite_known, settle};
use super::model::{Breakdown, Finished, Origin, Task};
use super::own::TaskField;
use super::propose::draft;
use super::renew::{self, Change};
use super::rewire::drop_marked;
use super::standing::{Standing, standing};
use super::texts::Texts;
use super::wholes;
use crate::requirements::{Document, ItemKind};

/// The most tasks that a note names.
const MOST_NAMED: usize = 100;

/// The version after `previous` for `document`. What is done stays, and what persons changed or added; what
/// serves nothing any more goes; what is demanded and served by nothing gets the tasks of the rules.
pub fn adapt(
    document: &Document,
    checks: &Checks,
    previous: &Breakdown,
    kept: &Finished,
) -> Breakdown {
    let mut plan = previous.clone();
    plan.notes.clear();
    let asks: HashSet<&str> = document
        .items
        .iter()
        .filter(|item| {
            let is_later = matches!(standing(item), Standing::Later { .. });
            !is_later && item.kind != ItemKind::OutOfScope
        })
        .map(|item| item.id.as_str())
        .collect();
    let stays = |task: &Task| {
        let mut cited = task.requirements.iter();
        kept.contains(&task.id)
            || task.edited
            || task.origin == Origin::Person
            || task.requirements.is_empty()
            || renew::base_of(&task.key).is_some()
            || wholes::base_of(&task.key).is_some()
            || cited.any(|id| asks.contains(id.as_str()))
    };
    let is_gone: Vec<bool> = plan.tasks.iter().map(|task| !stays(task)).collect();
    let marked = plan.tasks.iter().zip(&is_gone);
    let gone = marked.filter(|(_, goes)| **goes);
    let gone: Vec<String> = gone.map(|(task, _)| task.id.clone()).collect();
    drop_marked(&mut plan, &is_gone, kept);
    cite_known(&mut plan, &document.items, kept);
    let drafted = draft(document, checks);
    let texts = Texts::of(&document.items);
    let before = words(&drafted, &plan);
    let outdated = reword(&mut plan, &texts, kept, &before);
    let of_whole = match wholes::are_of_rules(&plan) {
        true => Wholes::OfRules,
        false => Wholes::OfTheAnswer,
    };
    let filled = fill(&mut plan, document, &[], kept, of_whole, || drafted.clone());
    let words = words(&drafted, &plan);
    let change = Change {
        items: &document.items,
        texts: &texts,
        kept,
        words: &words,
        dealt: &HashSet::new(),
    };
    change.follow(&mut plan, previous);
    change.drop_idle(&mut plan);
    change.renew(&mut plan);
    change.do_anew(&mut plan);
    settle(&mut plan, &texts, kept);
    if !gone.is_empty() {
        plan.notes.push(format!(
            "left out, for they serve no requirement that asks for work now: {}",
            named(&gone)
        ));
    }
    if !outdated.is_empty() {
        plan.notes.push(format!(
            "written for what requirements said before, so read them again: {}",
            named(&outdated)
        ));
    }
    if !filled.is_empty() {
        plan.notes.push(format!(
            "no task served {}: rules planned some",
            named(&filled)
        ));
    }
    commands::follow(
        &mut plan,
        previous,
        &commands::drafted(&drafted, previous),
        kept,
    );
    plan.notes
        .extend(left_over::note(&plan, &document.items, kept));
    plan
}

/// The first of `ids`, and how many more there are.
fn named(ids: &[String]) -> String {
    let (shown, more) = ids.split_at(ids.len().min(MOST_NAMED));
    let shown = shown.join(", ");
    match more.len() {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// How rules would draft the tasks of `plan` now, by key, with the dependencies of the plan.
fn words(drafted: &Breakdown, plan: &Breakdown) -> HashMap<String, Task> {
    let ids: HashMap<&str, &str> = plan
        .tasks
        .iter()
        .map(|task| (task.key.as_str(), task.id.as_str()))
        .collect();
    let known = drafted.tasks.iter();
    let known = known.filter_map(|task| Some((task, *ids.get(task.key.as_str())?)));
    let now: HashMap<&str, &str> = known
        .clone()
        .map(|(task, id)| (task.id.as_str(), id))
        .collect();
    known
        .map(|(task, _)| {
            let waits = task.depends_on.iter();
            let waits = waits.filter_map(|id| now.get(id.as_str()));
            let depends_on = waits.map(|id| (*id).to_owned()).collect();
            let task = Task {
                depends_on,
                ..task.clone()
            };
            (task.key.clone(), task)
        })
        .collect()
}

/// Open tasks whose requirements read otherwise by now get the words of the rules, where rules made them; the
/// ids of the others are the answer.
fn reword(
    plan: &mut Breakdown,
    texts: &Texts<'_>,
    kept: &Finished,
    words: &HashMap<String, Task>,
) -> Vec<String> {
    let mut others = Vec::new();
    for at in 0..plan.tasks.len() {
        let task = &plan.tasks[at];
        let mut cited = task.requirements.iter();
        let is_other = cited.any(|id| plan.is_outdated(&task.id, id, texts));
        // A change is drafted anew in any case.
        if !is_other || kept.contains(&task.id) || renew::base_of(&task.key).is_some() {
            continue;
        }
        match words
            .get(&task.key)
            .filter(|_| task.origin == Origin::Rules)
        {
            Some(now) => {
                let mut reworded = task.clone();
                for field in [
                    TaskField::Title,
                    TaskField::Description,
                    TaskField::Acceptance,
                ] {
                    if !plan.owns(task, field) {
                        field.copy(now, &mut reworded);
                    }
                }
                plan.tasks[at] = reworded;
            }
            None => others.push(task.id.clone()),
        }
    }
    others
}
