//! One change for all tasks that are named by no requirement and cite the same changed ones, such as the
//! scaffold, the documentation and the release: each of them would be told the same otherwise.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::graph::Graph;
use super::merge::sort_ids;
use super::model::{
    Breakdown, Criterion, LONGEST_TEXT, LONGEST_TITLE, MOST_CRITERIA, MOST_DEPENDENCIES,
    MOST_NAMES, MOST_REQUIREMENTS, Origin, Task,
};
use super::own::TaskField;
use super::propose::{changed_description, holds, one_line, statement};
use super::renew::{Change, Since, Stale};
use crate::requirements::Requirement;

/// Stands in keys of shared changes for what they change: no task has it as its key.
pub(super) const SHARED: &str = "shared";
/// Of so many tasks a shared change waits for what is done of them: the others are done as well.
const MOST_LASTS: usize = MOST_DEPENDENCIES / 2;
/// How many tasks a description names.
const MOST_NAMED: usize = 20;

impl Change<'_> {
    /// The task in which all of `heads` are brought in line; it has no id yet. It comes after what they came
    /// after, so that it sees what is changed before them.
    pub fn shared_change(
        &self,
        plan: &Breakdown,
        heads: &[Stale<'_>],
        lasts: &[String],
        instead: &HashMap<String, (String, Since)>,
    ) -> Task {
        let changed: HashSet<&str> = heads
            .iter()
            .flat_map(|stale| stale.items.iter().map(|item| item.id.as_str()))
            .collect();
        let items = self.items.iter();
        let items = items.filter(|item| changed.contains(item.id.as_str()));
        let items: Vec<&Requirement> = items.take(MOST_REQUIREMENTS).collect();
        let ids: Vec<String> = items.iter().map(|item| item.id.clone()).collect();
        let tasks = || heads.iter().map(|stale| &plan.tasks[stale.head]);
        let longest = tasks().max_by_key(|task| task.estimate.likely_minutes);
        let first = tasks().next().cloned().unwrap_or_default();
        let title = format!("Change: what else serves {}", ids.join(", "));
        let description = changed_description(&done(lasts), &items);
        Task {
            id: String::new(),
            title: one_line(&title, LONGEST_TITLE - 1),
            description: description.chars().take(LONGEST_TEXT).collect(),
            capabilities: names(tasks().flat_map(|task| &task.capabilities)),
            tools: names(tasks().flat_map(|task| &task.tools)),
            acceptance: criteria(&items, tasks()),
            depends_on: self.waits(tasks(), lasts, instead),
            estimate: longest.map_or(first.estimate, |task| task.estimate),
            origin: Origin::Rules,
            key: self.key(&ids, SHARED),
            requirements: ids,
            edited: false,
            ..first
        }
    }

    fn waits<'t>(
        &self,
        tasks: impl Iterator<Item = &'t Task>,
        lasts: &[String],
        instead: &HashMap<String, (String, Since)>,
    ) -> Vec<String> {
        let mut waits: Vec<String> = lasts.iter().take(MOST_LASTS).cloned().collect();
        let mut open = Vec::new();
        for task in tasks {
            let drafted = self.words.get(&task.key).filter(|_| !task.edited);
            for on in &drafted.unwrap_or(task).depends_on {
                match instead.get(on) {
                    Some((change, _)) => open.push(change.clone()),
                    None if self.kept.contains(on) => {}
                    None => open.push(on.clone()),
                }
            }
        }
        sort_ids(&mut open);
        open.truncate(MOST_DEPENDENCIES - waits.len());
        waits.extend(open);
        sort_ids(&mut waits);
        waits
    }

    /// What waited for what is done waits for the shared change in this place, but for what that one waits for.
    pub fn wait_for_shared(&self, plan: &mut Breakdown, at: usize, lasts: &[String], since: Since) {
        let id = plan.tasks[at].id.clone();
        let graph = Graph::of(&plan.tasks);
        let mut is_before = vec![false; plan.tasks.len()];
        is_before[at] = true;
        let mut open = vec![at];
        while let Some(task) = open.pop() {
            for earlier in &graph.before[task] {
                if !std::mem::replace(&mut is_before[*earlier], true) {
                    open.push(*earlier);
                }
            }
        }
        let lasts: HashSet<&str> = lasts.iter().map(String::as_str).collect();
        for (later, is_before) in is_before.into_iter().enumerate() {
            let task = &plan.tasks[later];
            let is_own = plan.owns(task, TaskField::DependsOn) && since == Since::Before;
            if is_before || is_own || self.kept.contains(&task.id) {
                continue;
            }
            let task = &mut plan.tasks[later];
            let waits = task.depends_on.iter_mut();
            for on in waits.filter(|on| lasts.contains(on.as_str())) {
                on.clone_from(&id);
            }
            sort_ids(&mut task.depends_on);
        }
    }
}

/// `T-2, T-5 and 3 more are done`.
fn done(lasts: &[String]) -> String {
    let (named, more) = lasts.split_at(lasts.len().min(MOST_NAMED));
    let named = named.join(", ");
    match more.len() {
        0 => format!("{named} are done"),
        more => format!("{named} and {more} more are done"),
    }
}

/// That the requirements hold, that each of the tasks is in line with them, and the commands that show it.
fn criteria<'t>(
    items: &[&Requirement],
    tasks: impl Iterator<Item = &'t Task> + Clone,
) -> Vec<Criterion> {
    let mut criteria = holds(items);
    let commands = tasks.clone().flat_map(|task| &task.acceptance);
    let mut known = HashSet::new();
    let commands = commands.filter(|one| one.command.is_some() && known.insert(&one.command));
    criteria.extend(commands.cloned());
    let in_line = tasks.map(|task| {
        let text = format!("{} is in line with them: {}", task.id, task.title);
        statement(one_line(&text, LONGEST_TITLE))
    });
    criteria.extend(in_line);
    criteria.truncate(MOST_CRITERIA);
    criteria
}

/// Each once, as many as a task may have.
fn names<'n>(given: impl Iterator<Item = &'n String>) -> Vec<String> {
    let each: BTreeSet<&String> = given.collect();
    each.into_iter().take(MOST_NAMES).cloned().collect()
}
