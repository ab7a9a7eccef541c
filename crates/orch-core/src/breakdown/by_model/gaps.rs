//! What is demanded and not served by a model's tasks gets the tasks that rules draft for it.

use std::collections::{HashMap, HashSet};

use super::super::added::release_waits;
use super::super::merge::next_id;
use super::super::model::{Breakdown, Finished, Origin, Task};
use super::super::own::TaskField;
use super::super::rewire::drop_marked;
use super::super::standing::{Standing, standing};
use super::super::wholes::is_whole;
use crate::requirements::Document;

/// Who makes the work on the whole, such as the release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wholes {
    /// Rules: what of it is missing is added.
    OfRules,
    /// An answer, or whoever planned before: nothing is added.
    OfTheAnswer,
}

/// Adds those of the tasks of `rules` to `plan`, and answers the requirements that had none: neither there nor
/// among `staying`, tasks of before that stay in any case. Releases that are not `kept` wait for what is added.
pub fn fill(
    plan: &mut Breakdown,
    document: &Document,
    staying: &[&Task],
    kept: &Finished,
    wholes: Wholes,
    rules: impl FnOnce() -> Breakdown,
) -> Vec<String> {
    let open = unserved(plan, document, staying);
    if open.is_empty() {
        return open;
    }
    let present: HashSet<String> = plan.tasks.iter().map(|task| task.key.clone()).collect();
    let is_missing = |task: &Task| {
        wholes == Wholes::OfRules && is_whole(&task.key) && !present.contains(&task.key)
    };
    let mut rules = of_requirements(rules(), document, &open, is_missing);
    // What a person removed is not brought back; what waited for it waits for what it waited for.
    let removed: HashSet<&String> = plan.removed.iter().collect();
    let is_removed = |task: &Task| removed.contains(&task.key);
    rules = without(rules, is_removed);
    let stories = join_stories(plan, &mut rules);
    let mut ids: HashMap<String, String> = HashMap::new();
    for task in &rules.tasks {
        let id = next_id('T', &mut plan.next_task);
        ids.insert(task.id.clone(), id);
    }
    for mut task in rules.tasks {
        task.depends_on = task
            .depends_on
            .iter()
            .filter_map(|id| ids.get(id).cloned())
            .collect();
        if let Some(id) = ids.get(&task.id) {
            task.id.clone_from(id);
        }
        if let Some(story) = stories.get(&task.story) {
            task.story.clone_from(story);
        }
        if present.contains(&task.key) {
            task.key = format!("rules/{}", task.key);
        }
        plan.tasks.push(task);
    }
    let added: HashSet<&String> = ids.values().collect();
    release_waits(
        plan,
        |task| added.contains(&task.id),
        |plan, task| !kept.contains(&task.id) && !plan.owns(task, TaskField::DependsOn),
    );
    open
}

/// The tasks of `previous` that an answer does not replace.
pub(super) fn staying<'p>(previous: Option<&'p Breakdown>, kept: &Finished) -> Vec<&'p Task> {
    let before = previous.map_or(&[][..], |previous| &previous.tasks);
    let staying = before.iter();
    staying
        .filter(|task| task.edited || task.origin == Origin::Person || kept.contains(&task.id))
        .collect()
}

/// What is demanded, and served neither by the plan nor by what stays of before in any case.
fn unserved(plan: &Breakdown, document: &Document, staying: &[&Task]) -> Vec<String> {
    let tasks = plan.tasks.iter().chain(staying.iter().copied());
    let served = plan.served_of(tasks, &document.items);
    document
        .items
        .iter()
        .filter(|item| standing(item) == Standing::Demanded && !served.contains(item.id.as_str()))
        .map(|item| item.id.clone())
        .collect()
}

/// Of the rules' plan what stands for one requirement of `open` each; what is common to all is the model's.
fn of_requirements(
    mut rules: Breakdown,
    document: &Document,
    open: &[String],
    is_missing: impl Fn(&Task) -> bool,
) -> Breakdown {
    let open: HashSet<&str> = open.iter().map(String::as_str).collect();
    let items: HashSet<&str> = document.items.iter().map(|item| item.id.as_str()).collect();
    let stories: HashSet<&str> = rules
        .stories
        .iter()
        .filter(|story| {
            let name = story.key.strip_prefix("story/");
            name.is_some_and(|name| items.contains(name))
        })
        .map(|story| story.id.as_str())
        .collect();
    let is_gone: Vec<bool> = rules
        .tasks
        .iter()
        .map(|task| {
            let mut cited = task.requirements.iter();
            let is_wanted = stories.contains(task.story.as_str()) || is_missing(task);
            !is_wanted || !cited.any(|id| open.contains(id.as_str()))
        })
        .collect();
    drop_marked(&mut rules, &is_gone, &Finished::default());
    rules
}

fn without(mut rules: Breakdown, is_out: impl Fn(&Task) -> bool) -> Breakdown {
    let is_gone: Vec<bool> = rules.tasks.iter().map(is_out).collect();
    drop_marked(&mut rules, &is_gone, &Finished::default());
    rules
}

/// Takes the stories and epics of the rules' tasks over; answers what each is called now.
fn join_stories(drafted: &mut Breakdown, rules: &mut Breakdown) -> HashMap<String, String> {
    let used: HashSet<&str> = rules.tasks.iter().map(|task| task.story.as_str()).collect();
    let epics_of_keys: HashMap<String, String> = drafted
        .epics
        .iter()
        .map(|epic| (epic.key.clone(), epic.id.clone()))
        .collect();
    let stories_of_keys: HashMap<String, String> = drafted
        .stories
        .iter()
        .map(|story| (story.key.clone(), story.id.clone()))
        .collect();
    let mut epics: HashMap<String, String> = HashMap::new();
    for mut epic in rules.epics.drain(..) {
        let id = match epics_of_keys.get(&epic.key) {
            Some(id) => id.clone(),
            None => next_id('E', &mut drafted.next_epic),
        };
        epics.insert(std::mem::replace(&mut epic.id, id.clone()), id);
        if !epics_of_keys.contains_key(&epic.key) {
            drafted.epics.push(epic);
        }
    }
    let mut stories: HashMap<String, String> = HashMap::new();
    for mut story in rules.stories.drain(..) {
        if !used.contains(story.id.as_str()) {
            continue;
        }
        let known = stories_of_keys.get(&story.key).cloned();
        let id = match &known {
            Some(id) => id.clone(),
            None => next_id('S', &mut drafted.next_story),
        };
        stories.insert(std::mem::replace(&mut story.id, id.clone()), id);
        if let Some(epic) = epics.get(&story.epic) {
            story.epic.clone_from(epic);
        }
        if known.is_none() {
            drafted.stories.push(story);
        }
    }
    stories
}
