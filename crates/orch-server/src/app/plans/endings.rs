//! What a replan is told of the runs that failed: whoever looks into it begins with how it ended.

use orch_core::breakdown::Breakdown;
use orch_store::plan::Ending;

/// How much of a run's reason is told.
const MOST_CHARACTERS: usize = 1_000;

/// Adds to the tasks that look into `failed` ones, which are new in `plan`, what their runs ended with.
pub(super) fn told(plan: &mut Breakdown, before: &Breakdown, failed: &[String], ended: &[Ending]) {
    for id in failed {
        let ending = ended.iter().find(|ending| ending.task == *id);
        let Some(ending) = ending.filter(|ending| !ending.reason.trim().is_empty()) else {
            continue;
        };
        let of = plan.tasks.iter().find(|task| task.id == *id);
        let looks = of.and_then(|task| task.depends_on.first()).cloned();
        let is_new = |id: &String| before.tasks.iter().all(|task| task.id != *id);
        let Some(looks) = looks.filter(is_new) else {
            continue;
        };
        for task in plan.tasks.iter_mut().filter(|task| task.id == looks) {
            let said: String = one_line(&ending.reason);
            task.description = format!("{}\nIts last run ended: {said}", task.description);
        }
    }
}

fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(MOST_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use orch_core::breakdown::Task;

    use super::*;

    #[test]
    fn the_task_that_looks_into_a_failure_knows_how_it_ended_and_no_other_does() {
        let task = |id: &str, on: &[&str]| Task {
            id: id.to_owned(),
            description: "as it was".to_owned(),
            depends_on: on.iter().map(|on| (*on).to_owned()).collect(),
            ..Task::default()
        };
        let before = Breakdown {
            tasks: vec![task("T-1", &[]), task("T-2", &["T-1"])],
            ..Breakdown::default()
        };
        let mut plan = Breakdown {
            tasks: vec![
                task("T-1", &["T-3"]),
                task("T-2", &["T-1"]),
                task("T-3", &[]),
            ],
            ..Breakdown::default()
        };
        let ended = |task: &str| Ending {
            task: task.to_owned(),
            reason: "not\nmet".to_owned(),
        };
        let failed = ["T-1".to_owned(), "T-2".to_owned()];
        told(&mut plan, &before, &failed, &[ended("T-1"), ended("T-2")]);
        let said: Vec<&str> = plan
            .tasks
            .iter()
            .map(|task| task.description.as_str())
            .collect();
        assert_eq!(
            said,
            [
                "as it was",
                "as it was",
                "as it was\nIts last run ended: not met"
            ]
        );
    }
}
