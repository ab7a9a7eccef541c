//! Work that is done for one text of a requirement, where the text is another by now: it stands, and a
//! task that builds on it serves the new text.

use std::collections::{HashMap, HashSet};

use super::merge::{next_id, sort_ids};
use super::model::{
    Breakdown, Finished, LONGEST_TEXT, LONGEST_TITLE, MOST_CRITERIA, MOST_TASKS, Origin, Task,
};
use super::own::TaskField;
use super::propose::{changed_description, holds, one_line};
use super::replan;
use super::rewire::drop_marked;
use super::standing::{Standing, standing};
use super::texts::Texts;
use crate::digest::Digest;
use crate::requirements::Requirement;

/// Keys of what stands for a change: `change/{the texts}/{key of the task that is done}`.
const PREFIX: &str = "change/";
const DOMAIN: &str = "orch/change/v1";

/// The key of the task that is done and that this one changes.
pub(super) fn base_of(key: &str) -> Option<&str> {
    Some(key.strip_prefix(PREFIX)?.split_once('/')?.1)
}

/// What is done of one task: the last of it, and what is open to change it.
#[derive(Default)]
struct Chain {
    done: Vec<usize>,
    open: Option<usize>,
}

/// What changes are made of.
pub(super) struct Change<'c> {
    pub items: &'c [Requirement],
    /// How these read.
    pub texts: &'c Texts<'c>,
    pub kept: &'c Finished,
    /// By key: how tasks that are done would be drafted now, with the dependencies of this plan.
    pub words: &'c HashMap<String, Task>,
    /// Requirements of which an answer took care in its own way.
    pub dealt: &'c HashSet<String>,
}

impl Change<'_> {
    /// Adds a task for each that is done for texts that are others by now, takes those along that were added
    /// before, and drops those that nothing asks for any more.
    pub fn renew(&self, plan: &mut Breakdown) {
        let chains = self.chains(plan);
        let mut is_gone = vec![false; plan.tasks.len()];
        for chain in chains.values() {
            if let Some(open) = chain.open {
                is_gone[open] = !plan.tasks[open].edited;
            }
        }
        let mut instead: HashMap<String, (String, Since)> = HashMap::new();
        for at in 0..is_gone.len() {
            let head = &plan.tasks[at];
            let is_added = base_of(&head.key).is_some() || replan::base_of(&head.key).is_some();
            if !self.kept.contains(&head.id) || head.key.is_empty() || is_added {
                continue;
            }
            let nothing = Chain::default();
            let chain = chains.get(&head.key).unwrap_or(&nothing);
            let stale = self.stale(plan, at, chain);
            if stale.is_empty() {
                continue;
            }
            let last = plan.tasks[chain.done.last().copied().unwrap_or(at)]
                .id
                .clone();
            let made = self.change(head, &last, &stale);
            match chain.open {
                Some(open) => {
                    is_gone[open] = false;
                    let old = &plan.tasks[open];
                    let id = old.id.clone();
                    let made = plan.with_own(old, made);
                    plan.tasks[open] = Task {
                        id: id.clone(),
                        ..made
                    };
                    instead.insert(last, (id, Since::Before));
                }
                None if plan.removed.contains(&made.key) || plan.tasks.len() >= MOST_TASKS => {}
                None => {
                    let id = next_id('T', &mut plan.next_task);
                    plan.tasks.push(Task {
                        id: id.clone(),
                        ..made
                    });
                    instead.insert(last, (id, Since::Now));
                }
            }
        }
        self.put_before(plan, &instead);
        is_gone.resize(plan.tasks.len(), false);
        drop_marked(plan, &is_gone, self.kept);
    }

    fn chains(&self, plan: &Breakdown) -> HashMap<String, Chain> {
        let mut chains: HashMap<String, Chain> = HashMap::new();
        for (at, task) in plan.tasks.iter().enumerate() {
            if let Some(base) = base_of(&task.key) {
                let chain = chains.entry(base.to_owned()).or_default();
                match self.kept.contains(&task.id) {
                    true => chain.done.push(at),
                    false => chain.open = Some(at),
                }
            }
        }
        chains
    }

    /// What the task serves and nothing that is done of it serves as it reads now.
    fn stale(&self, plan: &Breakdown, head: usize, chain: &Chain) -> Vec<&Requirement> {
        let cited: HashSet<&str> = plan.tasks[head]
            .requirements
            .iter()
            .map(String::as_str)
            .collect();
        let is_stale = |item: &&Requirement| {
            let done = chain.done.iter().rev();
            let latest = done.map(|at| &plan.tasks[*at]);
            let latest = latest.chain(std::iter::once(&plan.tasks[head]));
            let told = |task: &&Task| {
                let told = plan.served.get(&task.id);
                told.is_some_and(|told| told.contains_key(&item.id))
            };
            let latest = { latest }.find(told);
            latest.is_some_and(|task| plan.is_outdated(&task.id, &item.id, self.texts))
        };
        let items = self.items.iter();
        let items = items.filter(|item| cited.contains(item.id.as_str()));
        items
            .filter(|item| standing(item) == Standing::Demanded && !self.dealt.contains(&item.id))
            .filter(is_stale)
            .collect()
    }

    /// The task that serves the new texts; it has no id yet.
    fn change(&self, head: &Task, last: &str, stale: &[&Requirement]) -> Task {
        let ids: Vec<String> = stale.iter().map(|item| item.id.clone()).collect();
        let now: Vec<Option<&[u8]>> = ids
            .iter()
            .flat_map(|id| [Some(id), self.texts.get(id)])
            .map(|text| text.map(|text| text.as_bytes()))
            .collect();
        let mark = Digest::of(DOMAIN, &now).to_hex();
        let drafted = self.words.get(&head.key).filter(|_| !head.edited);
        let said = drafted.unwrap_or(head);
        let mut acceptance = holds(stale);
        let old = |text: &str| {
            let mut ids = ids.iter();
            ids.any(|id| text.starts_with(&format!("{id} holds: ")))
        };
        let others = said.acceptance.iter();
        acceptance.extend(others.filter(|one| !old(&one.text)).cloned());
        acceptance.truncate(MOST_CRITERIA);
        let mut depends_on = said.depends_on.clone();
        depends_on.push(last.to_owned());
        let description = changed_description(last, stale);
        Task {
            id: String::new(),
            title: one_line(&format!("Change: {}", said.title), LONGEST_TITLE - 1),
            description: description.chars().take(LONGEST_TEXT).collect(),
            requirements: ids,
            acceptance,
            depends_on,
            origin: Origin::Rules,
            key: format!("{PREFIX}{}/{}", &mark[..8], head.key),
            edited: false,
            story: head.story.clone(),
            ..said.clone()
        }
    }

    /// What waited for what is done waits for its change; a change waits for what is done, and for what is open.
    fn put_before(&self, plan: &mut Breakdown, instead: &HashMap<String, (String, Since)>) {
        if instead.is_empty() {
            return;
        }
        let changes: HashMap<&str, &str> = instead
            .iter()
            .map(|(last, (change, _))| (change.as_str(), last.as_str()))
            .collect();
        for at in 0..plan.tasks.len() {
            let task = &plan.tasks[at];
            if self.kept.contains(&task.id) {
                continue;
            }
            let is_own = plan.owns(task, TaskField::DependsOn);
            let last = changes.get(task.id.as_str()).copied();
            let task = &mut plan.tasks[at];
            for on in &mut task.depends_on {
                match instead.get(on) {
                    Some(_) if last == Some(on.as_str()) => {}
                    Some((_, Since::Before)) if is_own => {}
                    Some((change, _)) => on.clone_from(change),
                    None => {}
                }
            }
            if last.is_some() && !is_own {
                let id = task.id.clone();
                task.depends_on.retain(|on| {
                    *on != id && (last == Some(on.as_str()) || !self.kept.contains(on))
                });
            }
            sort_ids(&mut task.depends_on);
        }
    }
}

/// Since when a change is in the plan.
#[derive(Clone, Copy)]
enum Since {
    Before,
    Now,
}
