//! A command that a person replaced wherever it stood is replaced in what is planned later as well; where it
//! still stands somewhere, new tasks keep it, and a note says so.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::model::{Breakdown, Criterion, Finished, Origin, Task};
use super::own::TaskField;

/// The most commands that are followed, and the most tasks that a note names.
const MOST: usize = 20;

/// By key: the criteria as they are drafted, for the tasks of `previous` whose criteria are set by hand.
pub(super) fn drafted(plan: &Breakdown, previous: &Breakdown) -> HashMap<String, Vec<Criterion>> {
    let owned = previous.tasks.iter();
    let owned: HashSet<&str> = owned
        .filter(|task| previous.owns(task, TaskField::Acceptance))
        .map(|task| task.key.as_str())
        .collect();
    let tasks = plan.tasks.iter();
    let tasks = tasks.filter(|task| owned.contains(task.key.as_str()));
    tasks
        .map(|task| (task.key.clone(), task.acceptance.clone()))
        .collect()
}

/// Replaces what a person replaced in `previous`, and notes it.
pub(super) fn follow(
    plan: &mut Breakdown,
    previous: &Breakdown,
    drafted: &HashMap<String, Vec<Criterion>>,
    kept: &Finished,
) {
    let replaced = replaced(previous, drafted);
    let known: HashSet<&String> = previous.tasks.iter().map(|task| &task.id).collect();
    for (old, (new, by)) in replaced.into_iter().take(MOST) {
        let of_it =
            |task: &Task| (task.acceptance.iter()).any(|one| one.command.as_ref() == Some(&old));
        let is_free = |plan: &Breakdown, task: &Task| {
            let is_own = plan.owns(task, TaskField::Acceptance) || task.origin == Origin::Person;
            !is_own && !kept.contains(&task.id) && of_it(task)
        };
        let still = previous.tasks.iter().any(|task| is_free(previous, task));
        let places: Vec<usize> = (0..plan.tasks.len())
            .filter(|at| is_free(plan, &plan.tasks[*at]))
            .collect();
        let fresh = places.iter().map(|at| &plan.tasks[*at].id);
        let fresh: Vec<String> = fresh.filter(|id| !known.contains(id)).cloned().collect();
        if !still {
            for at in places {
                let criteria = plan.tasks[at].acceptance.iter_mut();
                for one in criteria.filter(|one| one.command.as_ref() == Some(&old)) {
                    one.command = Some(new.clone());
                }
            }
        }
        if fresh.is_empty() {
            continue;
        }
        let more = match fresh.len().saturating_sub(MOST) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = fresh[..fresh.len().min(MOST)].join(", ");
        plan.notes.push(match still {
            false => {
                format!("{named}{more}: `{new}` in place of `{old}`, as a person set it for {by}")
            }
            true => format!(
                "{named}{more}: `{old}`, which a person replaced by `{new}` in {by} and left elsewhere"
            ),
        });
    }
}

/// By command as it is drafted: the one that a person set in its place, and the first task for which; none where
/// there are several.
fn replaced(
    previous: &Breakdown,
    drafted: &HashMap<String, Vec<Criterion>>,
) -> BTreeMap<String, (String, String)> {
    let mut found: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut unclear: HashSet<String> = HashSet::new();
    let owned = previous.tasks.iter();
    for task in owned.filter(|task| previous.owns(task, TaskField::Acceptance)) {
        for was in drafted.get(&task.key).into_iter().flatten() {
            let now = task.acceptance.iter().find(|now| now.text == was.text);
            let commands = (&was.command, now.and_then(|now| now.command.as_ref()));
            let (Some(old), Some(new)) = commands else {
                continue;
            };
            if old == new {
                continue;
            }
            let known = found.entry(old.clone());
            let (set, _) = known.or_insert_with(|| (new.clone(), task.id.clone()));
            if set != new {
                unclear.insert(old.clone());
            }
        }
    }
    found.retain(|old, _| !unclear.contains(old));
    found
}
