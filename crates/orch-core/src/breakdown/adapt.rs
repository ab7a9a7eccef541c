//! A plan brought in line with other requirements, without being drafted anew: whoever planned a task,
//! rules, a model or a person, it stays while it serves a requirement that asks for work.

use std::collections::HashSet;

use super::by_model::fill;
use super::checks::Checks;
use super::merge::{Rewiring, break_cycles, tidy};
use super::model::{Breakdown, Finished, Origin, Task};
use super::standing::{Standing, standing};
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
    let filled = fill(&mut plan, document, checks, None, kept);
    break_cycles(&mut plan.tasks, kept);
    tidy(&mut plan);
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
    if !filled.is_empty() {
        let shown = filled[..filled.len().min(MOST_NAMED)].join(", ");
        plan.notes
            .push(format!("no task served {shown}: rules planned some"));
    }
    plan
}
