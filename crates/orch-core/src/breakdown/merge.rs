//! Joins what was drafted anew with the version before: ids stay, what persons changed and what is done
//! stays as it is, what persons added stays, and what they removed does not come back.

use std::collections::{HashMap, HashSet};

use super::added::release_waits;
use super::commands;
use super::graph::Graph;
use super::left_over;
use super::model::{Breakdown, Epic, Finished, Origin, Story, Task};
use super::own::TaskField;
use super::renew::{self, Change};
use super::replan;
use super::rewire::drop_marked;
use super::texts::Texts;
use super::wholes;
use crate::requirements::Requirement;

/// After so many cycles that are broken one by one, all that could be one are broken at once.
const MOST_CYCLES: usize = 64;

/// `drafted` (whose ids only hold within it) as the version after `previous`. Entries are found again by
/// their keys. What is not done cites no requirement that is not among `items`.
pub fn merge(
    drafted: Breakdown,
    previous: Option<&Breakdown>,
    kept: &Finished,
    items: &[Requirement],
) -> Breakdown {
    let nothing = Breakdown::default();
    let previous = previous.unwrap_or(&nothing);
    let drafted = without_removed(drafted, &previous.removed);
    let criteria = commands::drafted(&drafted, previous);
    let mut plan = Breakdown {
        next_epic: previous.next_epic,
        next_story: previous.next_story,
        next_task: previous.next_task,
        removed: previous.removed.clone(),
        served: previous.served.clone(),
        own: previous.own.clone(),
        ..Breakdown::default()
    };
    let epics = take_epics(&mut plan, drafted.epics, previous);
    let stories = take_stories(&mut plan, drafted.stories, previous, &epics);
    let Taken { gone, words, dealt } =
        take_tasks(&mut plan, drafted.tasks, previous, kept, &stories);
    drop_gone(&mut plan, gone, kept);
    let texts = Texts::of(items);
    let change = Change {
        items,
        texts: &texts,
        kept,
        words: &words,
        dealt: &dealt,
    };
    change.renew(&mut plan);
    change.do_anew(&mut plan);
    replan::keep_cuts(&mut plan, kept);
    release_waits(
        &mut plan,
        |task| task.origin == Origin::Person && !kept.contains(&task.id),
        |plan, task| !kept.contains(&task.id) && !plan.owns(task, TaskField::DependsOn),
    );
    cite_known(&mut plan, items, kept);
    settle(&mut plan, &texts, kept);
    commands::follow(&mut plan, previous, &criteria, kept);
    plan.notes.extend(left_over::note(&plan, items, kept));
    plan
}

/// What is not done cites no requirement that is not among `items`.
pub(super) fn cite_known(plan: &mut Breakdown, items: &[Requirement], kept: &Finished) {
    let known: HashSet<&str> = items.iter().map(|item| item.id.as_str()).collect();
    let open = plan.tasks.iter_mut();
    let open = open.filter(|task| !kept.contains(&task.id));
    let cited = open.map(|task| &mut task.requirements);
    let cited = cited.chain(plan.stories.iter_mut().map(|story| &mut story.requirements));
    for cited in cited.chain(plan.epics.iter_mut().map(|epic| &mut epic.requirements)) {
        cited.retain(|requirement| known.contains(requirement.as_str()));
    }
}

/// How each new version ends: without cycles, without what is empty, and with the texts that its open work
/// serves.
pub(super) fn settle(plan: &mut Breakdown, texts: &Texts<'_>, kept: &Finished) {
    break_cycles(plan, kept);
    tidy(plan);
    plan.forget_gone();
    plan.serve(texts, kept);
}

fn without_removed(mut drafted: Breakdown, removed: &[String]) -> Breakdown {
    let removed: HashSet<&String> = removed.iter().collect();
    let is_gone: Vec<bool> = drafted
        .tasks
        .iter()
        .map(|task| removed.contains(&task.key))
        .collect();
    drop_marked(&mut drafted, &is_gone, &Finished::default());
    drafted
}

/// Gives the next id of this kind.
pub(super) fn next_id(letter: char, next: &mut u64) -> String {
    let id = format!("{letter}-{next}");
    *next += 1;
    id
}

/// Answers the final id for each drafted one.
fn take_epics(
    plan: &mut Breakdown,
    drafted: Vec<Epic>,
    previous: &Breakdown,
) -> HashMap<String, String> {
    let old: HashMap<&str, &Epic> = previous
        .epics
        .iter()
        .map(|epic| (epic.key.as_str(), epic))
        .collect();
    let mut ids = HashMap::new();
    for mut epic in drafted {
        let given = match old.get(epic.key.as_str()) {
            Some(old) => {
                if old.edited {
                    epic.title.clone_from(&old.title);
                    epic.edited = true;
                }
                old.id.clone()
            }
            None => next_id('E', &mut plan.next_epic),
        };
        ids.insert(std::mem::replace(&mut epic.id, given.clone()), given);
        plan.epics.push(epic);
    }
    let present: HashSet<String> = plan.epics.iter().map(|epic| epic.id.clone()).collect();
    let kept = previous.epics.iter();
    plan.epics
        .extend(kept.filter(|epic| !present.contains(&epic.id)).cloned());
    ids
}

fn take_stories(
    plan: &mut Breakdown,
    drafted: Vec<Story>,
    previous: &Breakdown,
    epics: &HashMap<String, String>,
) -> HashMap<String, String> {
    let old: HashMap<&str, &Story> = previous
        .stories
        .iter()
        .map(|story| (story.key.as_str(), story))
        .collect();
    let mut ids = HashMap::new();
    for mut story in drafted {
        if let Some(epic) = epics.get(&story.epic) {
            story.epic.clone_from(epic);
        }
        let given = match old.get(story.key.as_str()) {
            Some(old) => {
                if old.edited {
                    story.title.clone_from(&old.title);
                    story.edited = true;
                }
                old.id.clone()
            }
            None => next_id('S', &mut plan.next_story),
        };
        ids.insert(std::mem::replace(&mut story.id, given.clone()), given);
        plan.stories.push(story);
    }
    let present: HashSet<String> = plan.stories.iter().map(|story| story.id.clone()).collect();
    let kept = previous.stories.iter();
    plan.stories
        .extend(kept.filter(|story| !present.contains(&story.id)).cloned());
    ids
}

/// What becomes of a draft's tasks besides those that are taken over.
struct Taken {
    /// Tasks of before that have no place any more.
    gone: Vec<Task>,
    /// By key: how what is done would be drafted now.
    words: HashMap<String, Task>,
    /// What open tasks of a model's answer serve.
    dealt: HashSet<String>,
}

/// Takes the tasks over.
fn take_tasks(
    plan: &mut Breakdown,
    drafted: Vec<Task>,
    previous: &Breakdown,
    kept: &Finished,
    stories: &HashMap<String, String>,
) -> Taken {
    let old: HashMap<&str, &Task> = previous
        .tasks
        .iter()
        .filter(|task| !task.key.is_empty())
        .map(|task| (task.key.as_str(), task))
        .collect();
    let mut ids: HashMap<String, String> = HashMap::with_capacity(drafted.len());
    let mut taken: HashSet<&str> = HashSet::new();
    let mut fresh = Vec::with_capacity(drafted.len());
    for mut task in drafted {
        let old = old.get(task.key.as_str()).copied();
        let old = old.filter(|old| taken.insert(&old.id));
        let given = match old {
            Some(old) => old.id.clone(),
            None => next_id('T', &mut plan.next_task),
        };
        ids.insert(std::mem::replace(&mut task.id, given.clone()), given);
        fresh.push((task, old));
    }
    let (mut words, mut dealt) = (HashMap::new(), HashSet::new());
    for (mut task, old) in fresh {
        if let Some(story) = stories.get(&task.story) {
            task.story.clone_from(story);
        }
        task.depends_on = task
            .depends_on
            .iter()
            .filter_map(|id| ids.get(id).cloned())
            .collect();
        sort_ids(&mut task.depends_on);
        let task = match old {
            Some(old) if kept.contains(&old.id) => {
                words.insert(task.key.clone(), task);
                old.clone()
            }
            Some(old) => previous.with_own(old, task),
            None => task,
        };
        if task.origin == Origin::Model && !kept.contains(&task.id) {
            dealt.extend(task.requirements.iter().cloned());
        }
        plan.tasks.push(task);
    }
    let keys: HashSet<String> = plan.tasks.iter().map(|task| task.key.clone()).collect();
    let mut gone = Vec::new();
    let rest = previous.tasks.iter();
    for task in rest.filter(|task| !taken.contains(task.id.as_str())) {
        let is_kept = task.edited
            || task.origin == Origin::Person
            || kept.contains(&task.id)
            || renew::base_of(&task.key).is_some()
            || wholes::base_of(&task.key).is_some()
            || replan::base_of(&task.key).is_some_and(|base| keys.contains(base));
        if is_kept {
            plan.tasks.push(task.clone());
        } else {
            gone.push(task.clone());
        }
    }
    Taken { gone, words, dealt }
}

/// What waited for tasks that are gone waits for what those waited for; what is done waits for nothing new.
fn drop_gone(plan: &mut Breakdown, gone: Vec<Task>, kept: &Finished) {
    let staying = plan.tasks.len();
    plan.tasks.extend(gone);
    let is_gone: Vec<bool> = (0..plan.tasks.len()).map(|at| at >= staying).collect();
    drop_marked(plan, &is_gone, kept);
}

/// Sorts `T-2` before `T-10`, each once.
pub(super) fn sort_ids(ids: &mut Vec<String>) {
    let number = |id: &String| -> Option<u64> { id.split_once('-')?.1.parse().ok() };
    ids.sort_unstable_by(|a, b| number(a).cmp(&number(b)).then_with(|| a.cmp(b)));
    ids.dedup();
}

/// Dependencies that persons set and those of new rules may close a cycle: the rules give way.
fn break_cycles(plan: &mut Breakdown, kept: &Finished) {
    for _ in 0..MOST_CYCLES {
        let Err(cycle) = Graph::of(&plan.tasks).order() else {
            return;
        };
        let of_rules = |at: &usize| {
            let task = &plan.tasks[*at];
            !plan.owns(task, TaskField::DependsOn) && !kept.contains(&task.id)
        };
        let step = (0..cycle.len()).find(|step| of_rules(&cycle[*step]));
        let step = step.unwrap_or(cycle.len() - 1);
        let on = plan.tasks[cycle[(step + 1) % cycle.len()]].id.clone();
        let waits = &mut plan.tasks[cycle[step]].depends_on;
        waits.retain(|id| *id != on);
    }
    let tasks = &mut plan.tasks;
    let places: HashMap<String, usize> = super::graph::places(tasks)
        .into_iter()
        .map(|(id, at)| (id.to_owned(), at))
        .collect();
    for (at, task) in tasks.iter_mut().enumerate() {
        task.depends_on
            .retain(|id| places.get(id).is_none_or(|earlier| *earlier < at));
    }
}

/// Drops stories without a task and epics without a story, but for those that persons added.
pub(super) fn tidy(plan: &mut Breakdown) {
    let is_own = |key: &str| key.starts_with("person/");
    let used: HashSet<&str> = plan.tasks.iter().map(|task| task.story.as_str()).collect();
    plan.stories
        .retain(|story| is_own(&story.key) || used.contains(story.id.as_str()));
    let used: HashSet<&str> = plan
        .stories
        .iter()
        .map(|story| story.epic.as_str())
        .collect();
    plan.epics
        .retain(|epic| is_own(&epic.key) || used.contains(epic.id.as_str()));
}
