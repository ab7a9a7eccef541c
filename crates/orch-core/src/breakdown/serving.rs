//! Whether a task serves a requirement by itself: what is to be built is not served by what is tried, written
//! or released as a whole, however many requirements that cites.

use std::collections::{HashMap, HashSet};

use super::model::{Breakdown, Origin, Task};
use super::own::TaskField;
use super::propose::is_feature;
use super::{renew, replan, wholes};
use crate::requirements::Requirement;
use crate::work_item::Kind;

/// What rules draft for all requirements, or for many, besides the wholes.
const COMMON: [&str; 4] = ["architecture", "scaffold", "infrastructure", "threats"];

/// What serves a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// Tasks that build or test it, or do it in another way.
    ForItself,
    /// Whatever cites it.
    ToBeKept,
}

/// What each of `items` asks for, by its id.
pub(super) fn asks(items: &[Requirement]) -> HashMap<&str, Asks> {
    let items = items.iter();
    items
        .map(|item| match is_feature(item) {
            true => (item.id.as_str(), Asks::ForItself),
            false => (item.id.as_str(), Asks::ToBeKept),
        })
        .collect()
}

impl Breakdown {
    /// What of `items` the `tasks` serve by themselves.
    pub(super) fn served_of<'t>(
        &self,
        tasks: impl Iterator<Item = &'t Task>,
        items: &[Requirement],
    ) -> HashSet<&'t str> {
        let asks = asks(items);
        let cited = tasks.flat_map(|task| task.requirements.iter().map(move |id| (task, id)));
        let served = cited.filter(|(task, id)| {
            let asks = asks.get(id.as_str());
            asks.is_some_and(|asks| self.serves(task, *asks))
        });
        served.map(|(_, id)| id.as_str()).collect()
    }

    /// Whether `task` serves what it cites and what asks so. A person's word is taken.
    pub(super) fn serves(&self, task: &Task, asks: Asks) -> bool {
        let is_said = task.origin == Origin::Person || self.owns(task, TaskField::Requirements);
        if is_said || asks == Asks::ToBeKept {
            return true;
        }
        // To find something out makes nothing.
        if task.kind == Kind::Spike || task.role == "release_manager" {
            return false;
        }
        let key = plain(&task.key);
        !COMMON.contains(&key) && !wholes::is_whole(key)
    }
}

/// The key of what a change, a replan or a filled gap stands for.
fn plain(mut key: &str) -> &str {
    while let Some(base) = renew::base_of(key)
        .or_else(|| wholes::base_of(key))
        .or_else(|| replan::base_of(key))
        .or_else(|| key.strip_prefix("rules/"))
    {
        key = base;
    }
    key
}
