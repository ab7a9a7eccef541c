//! What is built although nobody asks for it any more: work that is done stands, so a plan says so.

use std::collections::HashMap;

use super::model::{Breakdown, Finished, Task};
use super::propose::one_line;
use super::serving::Asks;
use crate::requirements::{ItemKind, Priority, Requirement};
use crate::work_item::Kind;

/// The most requirements that the note names.
const MOST_NAMED: usize = 20;
/// Characters of a title that it shows.
const LONGEST_TITLE: usize = 80;

/// A note of what is done for requirements that are gone, left out or not wanted; none where nothing is.
pub(super) fn note(plan: &Breakdown, items: &[Requirement], kept: &Finished) -> Option<String> {
    let asked: HashMap<&str, &Requirement> =
        items.iter().map(|item| (item.id.as_str(), item)).collect();
    let is_over = |id: &str| {
        asked
            .get(id)
            .is_none_or(|item| item.kind == ItemKind::OutOfScope || item.priority == Priority::Wont)
    };
    let is_built = |task: &&Task| {
        let makes = task.kind != Kind::Test && plan.serves(task, Asks::ForItself);
        makes && kept.contains(&task.id)
    };
    let mut found: Vec<(&String, &Task)> = Vec::new();
    for task in plan.tasks.iter().filter(is_built) {
        for id in task.requirements.iter().filter(|id| is_over(id)) {
            if !found.iter().any(|(known, _)| *known == id) {
                found.push((id, task));
            }
            if found.len() > MOST_NAMED {
                break;
            }
        }
    }
    if found.is_empty() {
        return None;
    }
    let more = match found.len() > MOST_NAMED {
        true => " and more",
        false => "",
    };
    let named = found.iter().take(MOST_NAMED).map(|(id, task)| {
        let title = one_line(&task.title, LONGEST_TITLE);
        format!("{id} ({} “{title}”)", task.id)
    });
    let named: Vec<String> = named.collect();
    Some(format!(
        "still built, though nobody asks for it any more: {}{more}; add a task that takes it out, where it is to go",
        named.join(", ")
    ))
}
