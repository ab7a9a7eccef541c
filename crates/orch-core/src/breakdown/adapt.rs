//! A plan brought in line with other requirements, without being drafted anew: whoever planned a task,
//! rules, a model or a person, it stays while it serves a requirement that asks for work.

use std::collections::{HashMap, HashSet};

use super::by_model::fill;
use super::checks::Checks;
use super::merge::{Rewiring, break_cycles, tidy};
use super::model::{Breakdown, Finished, Origin, Task};
use super::own::TaskField;
use super::propose::draft;
use super::renew::{self, Change};
use super::standing::{Standing, standing};
use super::texts::Texts;
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
            || cited.any(|id| asks.contains(id.as_str()))
    };
    let is_gone: Vec<bool> = plan.tasks.iter().map(|task| !stays(task)).collect();
    for (at, waits) in Rewiring::of(&plan.tasks, &is_gone).waits() {
        let task = &mut plan.tasks[at];
        match kept.contains(&task.id) {
            true => task.depends_on.retain(|on| waits.contains(on)),
            false => task.depends_on = waits,
        }
    }
    let mut marks = is_gone.iter();
    let mut gone = Vec::new();
    plan.tasks.retain(|task| {
        let goes = marks.next().copied().unwrap_or(false);
        if goes {
            gone.push(task.id.clone());
        }
        !goes
    });
    let known: HashSet<&str> = document.items.iter().map(|item| item.id.as_str()).collect();
    let open = plan.tasks.iter_mut();
    let open = open.filter(|task| !kept.contains(&task.id));
    let cited = open.map(|task| &mut task.requirements);
    let cited = cited.chain(plan.stories.iter_mut().map(|story| &mut story.requirements));
    for cited in cited.chain(plan.epics.iter_mut().map(|epic| &mut epic.requirements)) {
        cited.retain(|id| known.contains(id.as_str()));
    }
    let words = words(document, checks, &plan);
    let outdated = reword(&mut plan, document, kept, &words);
    let change = Change {
        items: &document.items,
        kept,
        words: &words,
        dealt: &HashSet::new(),
    };
    change.renew(&mut plan);
    let filled = fill(&mut plan, document, checks, None, kept);
    break_cycles(&mut plan, kept);
    tidy(&mut plan);
    plan.forget_gone();
    plan.serve(&document.items, kept);
    if !gone.is_empty() {
        let more = gone.len().saturating_sub(MOST_NAMED);
        gone.truncate(MOST_NAMED);
        let named = gone.join(", ");
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        plan.notes.push(format!(
            "left out, for they serve no requirement that asks for work now: {named}{more}"
        ));
    }
    if !outdated.is_empty() {
        let shown = outdated[..outdated.len().min(MOST_NAMED)].join(", ");
        plan.notes.push(format!(
            "written for what requirements said before, so read them again: {shown}"
        ));
    }
    if !filled.is_empty() {
        let shown = filled[..filled.len().min(MOST_NAMED)].join(", ");
        plan.notes
            .push(format!("no task served {shown}: rules planned some"));
    }
    plan
}

/// How rules would draft the tasks of `plan` now, by key, with the dependencies of the plan.
fn words(document: &Document, checks: &Checks, plan: &Breakdown) -> HashMap<String, Task> {
    let drafted = draft(document, checks).tasks;
    let ids: HashMap<&str, &str> = plan
        .tasks
        .iter()
        .map(|task| (task.key.as_str(), task.id.as_str()))
        .collect();
    let now: HashMap<String, String> = drafted
        .iter()
        .filter_map(|task| Some((task.id.clone(), (*ids.get(task.key.as_str())?).to_owned())))
        .collect();
    let known = drafted
        .into_iter()
        .filter(|task| ids.contains_key(task.key.as_str()));
    known
        .map(|mut task| {
            let waits = task.depends_on.iter();
            task.depends_on = waits.filter_map(|id| now.get(id).cloned()).collect();
            (task.key.clone(), task)
        })
        .collect()
}

/// Open tasks whose requirements read otherwise by now get the words of the rules, where rules made them; the
/// ids of the others are the answer.
fn reword(
    plan: &mut Breakdown,
    document: &Document,
    kept: &Finished,
    words: &HashMap<String, Task>,
) -> Vec<String> {
    let texts = Texts::of(&document.items);
    let mut others = Vec::new();
    for at in 0..plan.tasks.len() {
        let task = &plan.tasks[at];
        let mut cited = task.requirements.iter();
        let is_other = cited.any(|id| plan.is_outdated(&task.id, id, &texts));
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
