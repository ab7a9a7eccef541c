//! What is demanded and not served by a model's tasks gets the tasks that rules draft for it.

use std::collections::{HashMap, HashSet};

use super::super::checks::Checks;
use super::super::merge::{next_id, sort_ids};
use super::super::model::{Breakdown, Finished, MOST_DEPENDENCIES, Origin, Task};
use super::super::propose::draft;
use super::super::rewire::drop_marked;
use super::super::standing::{Standing, standing};
use crate::requirements::Document;

/// Adds those tasks to `drafted`, and answers the requirements that had none.
pub fn fill(
    drafted: &mut Breakdown,
    document: &Document,
    checks: &Checks,
    previous: Option<&Breakdown>,
    kept: &Finished,
) -> Vec<String> {
    let open = unserved(drafted, document, previous, kept);
    if open.is_empty() {
        return open;
    }
    let mut rules = of_requirements(draft(document, checks), document, &open);
    // What a person removed is not brought back; what waited for it waits for what it waited for.
    let removed: HashSet<&String> = drafted.removed.iter().collect();
    let is_removed = |task: &Task| removed.contains(&task.key);
    rules = without(rules, is_removed);
    let stories = join_stories(drafted, &mut rules);
    let taken: HashSet<String> = drafted.tasks.iter().map(|task| task.key.clone()).collect();
    let mut ids: HashMap<String, String> = HashMap::new();
    for task in &rules.tasks {
        let id = next_id('T', &mut drafted.next_task);
        ids.insert(task.id.clone(), id);
    }
    let awaited: HashSet<String> = rules
        .tasks
        .iter()
        .flat_map(|task| task.depends_on.iter().cloned())
        .collect();
    let ends = rules
        .tasks
        .iter()
        .filter(|task| !awaited.contains(&task.id));
    let ends: Vec<String> = ends.filter_map(|task| ids.get(&task.id).cloned()).collect();
    for task in drafted.tasks.iter_mut() {
        if task.role == "release_manager" && !kept.contains(&task.id) {
            task.depends_on.extend(ends.iter().cloned());
            task.depends_on.truncate(MOST_DEPENDENCIES);
            sort_ids(&mut task.depends_on);
        }
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
        if taken.contains(&task.key) {
            task.key = format!("rules/{}", task.key);
        }
        drafted.tasks.push(task);
    }
    open
}

/// What is demanded, and served neither by the draft nor by what stays of before in any case.
fn unserved(
    drafted: &Breakdown,
    document: &Document,
    previous: Option<&Breakdown>,
    kept: &Finished,
) -> Vec<String> {
    let before = previous.map_or(&[][..], |previous| &previous.tasks);
    let staying = before
        .iter()
        .filter(|task| task.edited || task.origin == Origin::Person || kept.contains(&task.id));
    let served: HashSet<&str> = drafted
        .tasks
        .iter()
        .chain(staying)
        .flat_map(|task| task.requirements.iter().map(String::as_str))
        .collect();
    document
        .items
        .iter()
        .filter(|item| standing(item) == Standing::Demanded && !served.contains(item.id.as_str()))
        .map(|item| item.id.clone())
        .collect()
}

/// Of the rules' plan what stands for one requirement of `open` each; what is common to all is the model's.
fn of_requirements(mut rules: Breakdown, document: &Document, open: &[String]) -> Breakdown {
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
            !stories.contains(task.story.as_str()) || !cited.any(|id| open.contains(id.as_str()))
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
