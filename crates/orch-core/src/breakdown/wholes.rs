//! Work on the whole: what is tried together, written for users and released. Where it is done and something
//! new is asked for, it is done anew for that, once, and waits for it; where it is open, it takes that along.

use std::collections::{HashMap, HashSet};

use super::graph::{Graph, places};
use super::merge::{next_id, sort_ids};
use super::model::{
    Breakdown, LONGEST_TEXT, LONGEST_TITLE, MOST_CRITERIA, MOST_DEPENDENCIES, MOST_REQUIREMENTS,
    MOST_TASKS, Origin, Task,
};
use super::own::TaskField;
use super::propose::{anew_description, holds, one_line, tried_together};
use super::renew::{self, Change};
use super::replan;
use super::rewire::drop_marked;
use super::standing::{Standing, standing};
use crate::digest::Digest;
use crate::requirements::{ItemKind, Requirement};

/// Keys of what does a whole anew: `anew/{the texts}/{key of the task that is done}`.
const PREFIX: &str = "anew/";
const DOMAIN: &str = "orch/anew/v1";

/// The key of the whole that is done and that this task does anew.
pub(super) fn base_of(key: &str) -> Option<&str> {
    Some(key.strip_prefix(PREFIX)?.split_once('/')?.1)
}

/// Whether rules draft a task of this key for many requirements together.
pub(super) fn is_whole(key: &str) -> bool {
    family(key).is_some()
}

/// Wholes of one family cover each other's requirements: a feature may move from one part to another.
fn family(key: &str) -> Option<&str> {
    match key {
        "check" | "documentation" | "release" => Some(key),
        _ => {
            let mut parts = ["check/", "check-part/", "limits-part/"].into_iter();
            parts.find(|part| key.starts_with(part))
        }
    }
}

/// The key without what says that it is a change, or done anew.
fn plain(key: &str) -> &str {
    renew::base_of(key).or_else(|| base_of(key)).unwrap_or(key)
}

/// Whether rules made the work on the whole of this plan.
pub(super) fn are_of_rules(plan: &Breakdown) -> bool {
    let mut tasks = plan.tasks.iter();
    tasks.any(|task| task.origin == Origin::Rules && is_whole(&task.key))
}

impl Change<'_> {
    /// Open wholes of rules serve and wait for what rules would draft them for now, those that `before` has not in
    /// any case.
    pub fn follow(&self, plan: &mut Breakdown, before: &Breakdown) {
        let old: HashSet<&String> = before.tasks.iter().map(|task| &task.id).collect();
        for at in 0..plan.tasks.len() {
            let task = &plan.tasks[at];
            let is_open = !self.kept.contains(&task.id) && task.origin == Origin::Rules;
            let Some(now) = self.words.get(&task.key) else {
                continue;
            };
            let known: HashSet<&String> = task.requirements.iter().collect();
            let is_new =
                !old.contains(&task.id) || now.requirements.iter().any(|id| !known.contains(id));
            if !is_open || !is_new || !is_whole(&task.key) {
                continue;
            }
            let mut next = task.clone();
            for field in [
                TaskField::Requirements,
                TaskField::Description,
                TaskField::Acceptance,
                TaskField::Estimate,
            ] {
                if !plan.owns(task, field) {
                    field.copy(now, &mut next);
                }
            }
            if !plan.owns(task, TaskField::DependsOn) {
                next.depends_on.extend(now.depends_on.iter().cloned());
                sort_ids(&mut next.depends_on);
                next.depends_on.truncate(MOST_DEPENDENCIES);
            }
            plan.tasks[at] = next;
        }
    }

    /// Drops open wholes that rules would no longer draft, where nothing that is open is left to be tried with them.
    pub fn drop_idle(&self, plan: &mut Breakdown) {
        let mut idle: HashSet<String> = HashSet::new();
        let Ok(order) = Graph::of(&plan.tasks).order() else {
            return;
        };
        let mut is_gone = vec![false; plan.tasks.len()];
        for at in order {
            let task = &plan.tasks[at];
            let is_settled = |on: &String| self.kept.contains(on) || idle.contains(on);
            is_gone[at] = is_whole(&task.key)
                && !self.words.contains_key(&task.key)
                && task.origin == Origin::Rules
                && !task.edited
                && !self.kept.contains(&task.id)
                && task.depends_on.iter().all(is_settled);
            if is_gone[at] {
                idle.insert(task.id.clone());
            }
        }
        drop_marked(plan, &is_gone, self.kept);
    }

    /// Does wholes that are done anew for what they do not cover, and drops those that were added before and
    /// that nothing asks for any more. A change of the whole that is open takes what is new along.
    pub fn do_anew(&self, plan: &mut Breakdown) {
        let mut is_gone = vec![false; plan.tasks.len()];
        for (at, task) in plan.tasks.iter().enumerate() {
            is_gone[at] =
                base_of(&task.key).is_some() && !task.edited && !self.kept.contains(&task.id);
        }
        let mut made = Made::default();
        for head in self.heads(plan) {
            let members = self.members(plan, head);
            let new = self.new_of(plan, head, &members);
            if new.is_empty() {
                continue;
            }
            let last = members.last().copied().unwrap_or(head);
            let (last, whole) = (plan.tasks[last].id.clone(), plan.tasks[head].clone());
            let anew = self.anew(plan, &whole, &last, &new);
            let open = |of: fn(&str) -> Option<&str>| {
                let is_it = |task: &Task| of(&task.key) == Some(whole.key.as_str());
                let mut tasks = plan.tasks.iter();
                tasks.position(|task| is_it(task) && !self.kept.contains(&task.id))
            };
            let (change, before) = (open(renew::base_of), open(base_of));
            let (id, since) = match (change, before) {
                (Some(change), _) => (extend(plan, change, anew), Since::Before),
                (None, Some(before)) => {
                    is_gone[before] = false;
                    let old = &plan.tasks[before];
                    let id = old.id.clone();
                    let anew = plan.with_own(old, anew);
                    plan.tasks[before] = Task {
                        id: id.clone(),
                        ..anew
                    };
                    (id, Since::Before)
                }
                (None, None)
                    if plan.removed.contains(&anew.key) || plan.tasks.len() >= MOST_TASKS =>
                {
                    continue;
                }
                (None, None) => {
                    let id = next_id('T', &mut plan.next_task);
                    plan.tasks.push(Task {
                        id: id.clone(),
                        ..anew
                    });
                    (id, Since::Now)
                }
            };
            for member in members {
                let member = plan.tasks[member].id.clone();
                made.instead.insert(member, (id.clone(), since));
            }
            made.last.insert(id, last);
        }
        self.put_between(plan, &made);
        is_gone.resize(plan.tasks.len(), false);
        drop_marked(plan, &is_gone, self.kept);
    }

    /// The wholes that are done: those that rules would draft again, and, where nothing is left to be released,
    /// the last release of a model.
    fn heads(&self, plan: &Breakdown) -> Vec<usize> {
        let is_first = |task: &Task| {
            plain(&task.key) == task.key
                && replan::base_of(&task.key).is_none()
                && task.origin != Origin::Person
        };
        let tasks = plan.tasks.iter().enumerate();
        let firsts = tasks.filter(|(_, task)| is_first(task));
        let is_done = |task: &Task| self.kept.contains(&task.id);
        let drafted = firsts.clone().filter(|(_, task)| {
            is_done(task) && is_whole(&task.key) && self.words.contains_key(&task.key)
        });
        let mut heads: Vec<usize> = drafted.map(|(at, _)| at).collect();
        let mut releases = firsts.filter(|(_, task)| task.role == "release_manager");
        let is_left = releases.clone().any(|(_, task)| !is_done(task));
        let of_model = releases.rfind(|(_, task)| is_done(task));
        let of_model = of_model.filter(|(at, _)| !is_left && !heads.contains(at));
        heads.extend(of_model.map(|(at, _)| at));
        heads
    }

    /// What is done of a whole: itself first, the latest last.
    fn members(&self, plan: &Breakdown, head: usize) -> Vec<usize> {
        let key = &plan.tasks[head].key;
        let tasks = plan.tasks.iter().enumerate();
        let done = tasks.filter(|(at, task)| {
            *at != head && plain(&task.key) == key && self.kept.contains(&task.id)
        });
        std::iter::once(head)
            .chain(done.map(|(at, _)| at))
            .collect()
    }

    /// What is demanded of the whole, and was not yet when it was done.
    fn new_of(&self, plan: &Breakdown, head: usize, members: &[usize]) -> Vec<&Requirement> {
        let whole = &plan.tasks[head];
        let drafted = self.words.get(&whole.key).filter(|_| is_whole(&whole.key));
        let (asked, covered) = match drafted {
            Some(drafted) => self.of_rules(plan, whole, drafted),
            None => self.of_model(plan, members),
        };
        let items = self.items.iter().filter(|item| {
            let id = item.id.as_str();
            let is_new = asked.contains(id) && !covered.contains(id);
            is_new && standing(item) == Standing::Demanded && !self.dealt.contains(&item.id)
        });
        items.take(MOST_REQUIREMENTS).collect()
    }

    fn of_rules<'p>(
        &'p self,
        plan: &'p Breakdown,
        whole: &'p Task,
        drafted: &'p Task,
    ) -> (HashSet<&'p str>, HashSet<&'p str>) {
        let places = places(&plan.tasks);
        let named = |ids: &'p [String]| {
            let found = ids.iter().filter_map(|id| places.get(id.as_str()));
            found.map(|at| &plan.tasks[*at]).collect::<Vec<&Task>>()
        };
        let open = named(&drafted.depends_on);
        let open = open
            .into_iter()
            .filter(|task| !self.kept.contains(&task.id));
        let open = open.flat_map(|task| &task.requirements);
        let asked = drafted.requirements.iter().chain(open).map(String::as_str);
        let mut covered: HashSet<&str> = HashSet::new();
        let mut earlier = named(&whole.depends_on);
        let family_of = family(&whole.key);
        let tasks = plan.tasks.iter();
        earlier.extend(
            tasks.filter(|task| {
                family(plain(&task.key)) == family_of && self.kept.contains(&task.id)
            }),
        );
        for task in earlier {
            covered.extend(self.covered(plan, task));
        }
        (asked.collect(), covered)
    }

    /// A model's release covers what came before it; something new is what is open and asks for a feature.
    fn of_model<'p>(
        &'p self,
        plan: &'p Breakdown,
        members: &[usize],
    ) -> (HashSet<&'p str>, HashSet<&'p str>) {
        let graph = Graph::of(&plan.tasks);
        let mut is_before = vec![false; plan.tasks.len()];
        let mut open: Vec<usize> = members.to_vec();
        while let Some(task) = open.pop() {
            if !std::mem::replace(&mut is_before[task], true) {
                open.extend(&graph.before[task]);
            }
        }
        let mut covered: HashSet<&str> = HashSet::new();
        for (at, task) in plan.tasks.iter().enumerate() {
            if is_before[at] {
                covered.extend(self.covered(plan, task));
            }
        }
        let features: HashSet<&str> = self
            .items
            .iter()
            .filter(|item| {
                matches!(
                    item.kind,
                    ItemKind::Functional | ItemKind::Scope | ItemKind::NonFunctional
                )
            })
            .map(|item| item.id.as_str())
            .collect();
        let open = plan.tasks.iter();
        let open = open
            .filter(|task| !self.kept.contains(&task.id) && renew::base_of(&task.key).is_none());
        let asked = open.flat_map(|task| &task.requirements).map(String::as_str);
        (asked.filter(|id| features.contains(id)).collect(), covered)
    }

    /// What a task that is done serves as it reads now. Whether the first of a whole is out of date is seen to
    /// where texts change.
    fn covered<'p>(&'p self, plan: &'p Breakdown, task: &'p Task) -> impl Iterator<Item = &'p str> {
        let is_first = plain(&task.key) == task.key;
        let cited = task.requirements.iter();
        let cited = cited.filter(move |id| is_first || !plan.is_outdated(&task.id, id, self.texts));
        cited.map(String::as_str)
    }

    /// The task that does the whole anew; it has no id yet.
    fn anew(&self, plan: &Breakdown, whole: &Task, last: &str, new: &[&Requirement]) -> Task {
        let ids: Vec<String> = new.iter().map(|item| item.id.clone()).collect();
        let texts: Vec<Option<&[u8]>> = ids
            .iter()
            .flat_map(|id| [Some(id), self.texts.get(id)])
            .map(|text| text.map(|text| text.as_bytes()))
            .collect();
        let mark = Digest::of(DOMAIN, &texts).to_hex();
        let drafted = self.words.get(&whole.key).filter(|_| !whole.edited);
        let said = drafted.unwrap_or(whole);
        let mut acceptance = holds(new);
        acceptance.extend(said.acceptance.iter().cloned());
        acceptance.truncate(MOST_CRITERIA);
        let description = anew_description(last, new);
        let estimate = match family(&whole.key) {
            Some("release") | None => said.estimate,
            Some(_) => tried_together(new.len()),
        };
        let mut depends_on = match drafted {
            Some(drafted) => drafted.depends_on.clone(),
            None => self.ends_for(plan, &ids),
        };
        depends_on.extend(whole.depends_on.iter().cloned());
        depends_on.push(last.to_owned());
        Task {
            id: String::new(),
            title: one_line(&format!("Change: {}", said.title), LONGEST_TITLE - 1),
            description: description.chars().take(LONGEST_TEXT).collect(),
            requirements: ids,
            acceptance,
            depends_on,
            estimate,
            origin: Origin::Rules,
            key: format!("{PREFIX}{}/{}", &mark[..8], whole.key),
            edited: false,
            story: whole.story.clone(),
            ..said.clone()
        }
    }

    /// The open tasks that serve one of these and for which no other of them waits.
    fn ends_for(&self, plan: &Breakdown, ids: &[String]) -> Vec<String> {
        let ids: HashSet<&String> = ids.iter().collect();
        let tasks = plan.tasks.iter();
        let open = tasks.filter(|task| {
            let serves = task.requirements.iter().any(|id| ids.contains(id));
            serves && !self.kept.contains(&task.id) && base_of(&task.key).is_none()
        });
        let open: Vec<&Task> = open.collect();
        let waited: HashSet<&String> = open.iter().flat_map(|task| &task.depends_on).collect();
        let ends = open.iter().filter(|task| !waited.contains(&task.id));
        let ends = ends.take(MOST_DEPENDENCIES - 1);
        ends.map(|task| task.id.clone()).collect()
    }

    /// What is done anew waits for what is open and for what is changed of what it waited for; what waited for
    /// what is done waits for that.
    fn put_between(&self, plan: &mut Breakdown, made: &Made) {
        if made.last.is_empty() {
            return;
        }
        let changes = plan
            .tasks
            .iter()
            .filter(|task| renew::base_of(&task.key).is_some() && !self.kept.contains(&task.id));
        let mut changed: HashMap<String, Vec<String>> = HashMap::new();
        for task in changes {
            for on in task.depends_on.iter().filter(|on| self.kept.contains(on)) {
                let of_it = changed.entry(on.clone()).or_default();
                of_it.push(task.id.clone());
            }
        }
        for at in 0..plan.tasks.len() {
            let task = &plan.tasks[at];
            if self.kept.contains(&task.id) {
                continue;
            }
            let (is_own, id) = (plan.owns(task, TaskField::DependsOn), task.id.clone());
            let last = made.last.get(&task.id);
            let is_change = renew::base_of(&task.key).is_some();
            if (last.is_none() && is_change) || (last.is_some() && is_own) {
                continue;
            }
            let mut waits = Vec::with_capacity(task.depends_on.len());
            for on in &task.depends_on {
                match (made.instead.get(on), last) {
                    (_, Some(last)) if last == on => waits.push(on.clone()),
                    (Some((_, Since::Before)), None) if is_own => waits.push(on.clone()),
                    (Some((anew, _)), _) => waits.push(anew.clone()),
                    (None, Some(_)) if self.kept.contains(on) => {}
                    (None, _) => waits.push(on.clone()),
                }
                if last.is_some() {
                    waits.extend(changed.get(on).into_iter().flatten().cloned());
                }
            }
            waits.retain(|on| *on != id);
            sort_ids(&mut waits);
            waits.truncate(MOST_DEPENDENCIES);
            plan.tasks[at].depends_on = waits;
        }
    }
}

/// What was done anew.
#[derive(Default)]
struct Made {
    /// What stands for a task that is done.
    instead: HashMap<String, (String, Since)>,
    /// By what does it anew: the last of what is done of it.
    last: HashMap<String, String>,
}

/// A change of the whole that is open takes along what is new; answers its id.
fn extend(plan: &mut Breakdown, change: usize, anew: Task) -> String {
    let mut next = plan.tasks[change].clone();
    let known: HashSet<String> = next.requirements.iter().cloned().collect();
    let more = anew.requirements.into_iter();
    next.requirements
        .extend(more.filter(|id| !known.contains(id)));
    next.requirements.truncate(MOST_REQUIREMENTS);
    next.description = format!("{}\n\n{}", next.description, anew.description);
    next.description = next.description.chars().take(LONGEST_TEXT).collect();
    let mut acceptance = std::mem::take(&mut next.acceptance);
    acceptance.extend(anew.acceptance);
    for one in acceptance {
        if next.acceptance.len() < MOST_CRITERIA && !next.acceptance.contains(&one) {
            next.acceptance.push(one);
        }
    }
    next.depends_on.extend(anew.depends_on);
    let next = plan.with_own(&plan.tasks[change], next);
    let id = next.id.clone();
    plan.tasks[change] = next;
    id
}

/// Since when it is in the plan.
#[derive(Debug, Clone, Copy)]
enum Since {
    Before,
    Now,
}
