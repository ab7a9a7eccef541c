//! Work that is done for one text of a requirement, where the text is another by now: it stands, and a
//! task that builds on it serves the new text.

use std::collections::{HashMap, HashSet};

use super::merge::{next_id, sort_ids};
use super::model::{
    Breakdown, Finished, LONGEST_TEXT, LONGEST_TITLE, MOST_CRITERIA, MOST_TASKS, Origin, Task,
};
use super::own::TaskField;
use super::propose::{changed_description, holds, one_line};
use super::renew_shared::SHARED;
use super::replan;
use super::rewire::drop_marked;
use super::standing::{Standing, standing};
use super::texts::Texts;
use super::wholes;
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

/// The changes that a plan has, by the key of what they change, and what does wholes anew, by the key of these.
struct Found {
    chains: HashMap<String, Chain>,
    shared: Chain,
    anew: HashMap<String, Chain>,
}

impl Found {
    fn of(plan: &Breakdown, kept: &Finished) -> Self {
        let chains_of = |of: fn(&str) -> Option<&str>| {
            let mut chains: HashMap<String, Chain> = HashMap::new();
            for (at, task) in plan.tasks.iter().enumerate() {
                if let Some(base) = of(&task.key) {
                    let chain = chains.entry(base.to_owned()).or_default();
                    match kept.contains(&task.id) {
                        true => chain.done.push(at),
                        false => chain.open = Some(at),
                    }
                }
            }
            chains
        };
        let mut chains = chains_of(base_of);
        let shared = chains.remove(SHARED).unwrap_or_default();
        Self {
            chains,
            shared,
            anew: chains_of(wholes::base_of),
        }
    }

    /// What does the same whole anew.
    fn anew(&self, head: &Task) -> Option<&Chain> {
        self.anew.get(wholes::base_of(&head.key)?)
    }

    fn open(&self, head: &Task) -> Option<usize> {
        self.chains.get(&head.key)?.open
    }

    /// All that is done of a task, the latest first.
    fn done(&self, plan: &Breakdown, head: usize) -> Vec<usize> {
        let own = self.chains.get(&plan.tasks[head].key);
        let own = own.map_or_else(Vec::new, |chain| chain.done.clone());
        let shared = match is_named_by_a_requirement(&plan.tasks[head]) {
            true => [].iter(),
            false => self.shared.done.iter(),
        };
        let anew = self.anew(&plan.tasks[head]).into_iter();
        let anew = anew.flat_map(|chain| &chain.done).copied();
        let mut done: Vec<usize> = own.into_iter().chain(shared.copied()).chain(anew).collect();
        done.sort_unstable_by(|a, b| b.cmp(a));
        done.push(head);
        done
    }

    /// What a change of this task builds on.
    fn last(&self, plan: &Breakdown, head: usize) -> String {
        let own = self.chains.get(&plan.tasks[head].key);
        let last = own.and_then(|chain| chain.done.last());
        plan.tasks[last.copied().unwrap_or(head)].id.clone()
    }
}

/// Whether it is the work on one requirement, and not on the whole or a part of it.
fn is_named_by_a_requirement(task: &Task) -> bool {
    let name = task.key.rsplit('/').next().unwrap_or_default();
    task.requirements.len() == 1 || task.requirements.iter().any(|id| id == name)
}

/// A task that is done, by its place, and what it serves of which the text is another by now.
pub(super) struct Stale<'i> {
    pub head: usize,
    pub items: Vec<&'i Requirement>,
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

impl<'c> Change<'c> {
    /// Adds a task for each that is done for texts that are others by now, takes those along that were added
    /// before, and drops those that nothing asks for any more. Tasks that are named by no requirement and cite
    /// the same changed ones share one.
    pub fn renew(&self, plan: &mut Breakdown) {
        let found = Found::of(plan, self.kept);
        let mut is_gone = vec![false; plan.tasks.len()];
        let chains = found.chains.values().chain([&found.shared]);
        for open in chains.filter_map(|chain| chain.open) {
            is_gone[open] = !plan.tasks[open].edited;
        }
        let (shared, own) = divided(plan, &found, self.stale(plan, &found));
        let mut instead: HashMap<String, (String, Since)> = HashMap::new();
        for Stale { head, items } in own {
            let head_task = &plan.tasks[head];
            let last = found.last(plan, head);
            let made = self.change(head_task, &last, &items);
            let open = found.open(head_task);
            if let Some((at, since)) = put(plan, open, made) {
                let id = plan.tasks[at].id.clone();
                is_gone.resize(plan.tasks.len(), false);
                is_gone[at] = false;
                instead.insert(last, (id, since));
            }
        }
        self.put_before(plan, &instead);
        if !shared.is_empty() {
            let lasts = shared.iter().map(|stale| found.last(plan, stale.head));
            let lasts: Vec<String> = lasts.collect();
            let made = self.shared_change(plan, &shared, &lasts, &instead);
            if let Some((at, since)) = put(plan, found.shared.open, made) {
                is_gone.resize(plan.tasks.len(), false);
                is_gone[at] = false;
                self.wait_for_shared(plan, at, &lasts, since);
            }
        }
        is_gone.resize(plan.tasks.len(), false);
        drop_marked(plan, &is_gone, self.kept);
    }

    /// Each task that is done, and what it serves that nothing that is done of it serves as it reads now.
    fn stale(&self, plan: &Breakdown, found: &Found) -> Vec<Stale<'c>> {
        let heads = (0..plan.tasks.len()).filter(|at| {
            let task = &plan.tasks[*at];
            let is_added = base_of(&task.key).is_some() || replan::base_of(&task.key).is_some();
            // What rules do anew for the whole is done anew again.
            let whole = wholes::base_of(&task.key).filter(|base| wholes::is_whole(base));
            let is_added = is_added || whole.is_some_and(|base| self.words.contains_key(base));
            self.kept.contains(&task.id) && !task.key.is_empty() && !is_added
        });
        let stale = heads.map(|head| Stale {
            head,
            items: self.stale_of(plan, found, head),
        });
        stale.filter(|stale| !stale.items.is_empty()).collect()
    }

    fn stale_of(&self, plan: &Breakdown, found: &Found, head: usize) -> Vec<&'c Requirement> {
        let cited: HashSet<&str> = plan.tasks[head]
            .requirements
            .iter()
            .map(String::as_str)
            .collect();
        let done = found.done(plan, head);
        let is_stale = |item: &&Requirement| {
            let mut latest = done.iter().map(|at| &plan.tasks[*at]);
            let told = |task: &&Task| {
                let told = plan.served.get(&task.id);
                told.is_some_and(|told| told.contains_key(&item.id))
            };
            let latest = latest.find(told);
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
        let description = changed_description(&format!("{last} is done"), stale);
        Task {
            id: String::new(),
            title: one_line(&format!("Change: {}", said.title), LONGEST_TITLE - 1),
            description: description.chars().take(LONGEST_TEXT).collect(),
            key: self.key(&ids, &head.key),
            requirements: ids,
            acceptance,
            depends_on,
            origin: Origin::Rules,
            edited: false,
            story: head.story.clone(),
            ..said.clone()
        }
    }

    /// The key of a change: other texts make another one.
    pub fn key(&self, ids: &[String], base: &str) -> String {
        let now: Vec<Option<&[u8]>> = ids
            .iter()
            .flat_map(|id| [Some(id), self.texts.get(id)])
            .map(|text| text.map(|text| text.as_bytes()))
            .collect();
        let mark = Digest::of(DOMAIN, &now).to_hex();
        format!("{PREFIX}{}/{base}", &mark[..8])
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

/// Puts a change into the plan, in the place of the one that is open; answers its place. What a person removed
/// does not come back.
fn put(plan: &mut Breakdown, open: Option<usize>, made: Task) -> Option<(usize, Since)> {
    if let Some(open) = open {
        let old = &plan.tasks[open];
        let id = old.id.clone();
        let made = plan.with_own(old, made);
        plan.tasks[open] = Task { id, ..made };
        return Some((open, Since::Before));
    }
    if plan.removed.contains(&made.key) || plan.tasks.len() >= MOST_TASKS {
        return None;
    }
    let id = next_id('T', &mut plan.next_task);
    plan.tasks.push(Task { id, ..made });
    Some((plan.tasks.len() - 1, Since::Now))
}

/// Those that share a change: tasks that are named by no requirement, of which several cite one that changed.
/// What is changed by itself already, and was edited, stays by itself.
fn divided<'i>(
    plan: &Breakdown,
    found: &Found,
    stale: Vec<Stale<'i>>,
) -> (Vec<Stale<'i>>, Vec<Stale<'i>>) {
    let may_share = |stale: &Stale<'_>| {
        let head = &plan.tasks[stale.head];
        let open = found.open(head);
        !is_named_by_a_requirement(head) && !open.is_some_and(|open| plan.tasks[open].edited)
    };
    let mut citing: HashMap<&str, usize> = HashMap::new();
    for one in stale.iter().filter(|one| may_share(one)) {
        for item in &one.items {
            *citing.entry(item.id.as_str()).or_default() += 1;
        }
    }
    stale.into_iter().partition(|one| {
        let mut items = one.items.iter();
        let is_others = |item: &&Requirement| citing.get(item.id.as_str()).is_some_and(|n| *n > 1);
        may_share(one) && items.any(is_others)
    })
}

impl Breakdown {
    /// Whether a task is done for what a requirement said before, and nothing is planned for what it says now.
    pub fn is_behind(&self, items: &[Requirement], done: &Finished) -> bool {
        let (texts, words, dealt) = (Texts::of(items), HashMap::new(), HashSet::new());
        let change = Change {
            items,
            texts: &texts,
            kept: done,
            words: &words,
            dealt: &dealt,
        };
        let found = Found::of(self, done);
        let mut stale = change.stale(self, &found).into_iter();
        stale.any(|stale| {
            let head = &self.tasks[stale.head];
            let anew = found.anew(head).and_then(|chain| chain.open);
            let open = found.open(head).or(found.shared.open).or(anew);
            open.is_none()
        })
    }
}

/// Since when a change is in the plan.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    Before,
    Now,
}
