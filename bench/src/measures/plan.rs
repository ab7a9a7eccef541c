//! A plan of 1,000 tasks: the check of its graph, critical path, waves and bands, in this process.

use std::time::Instant;

use orch_core::breakdown::{
    Breakdown, Epic, Estimate, Finished, History, Story, Task, difference, schedule,
};

use super::Measured;
use crate::figure::Figure;
use crate::setup::Setup;

const TASKS: usize = 1_000;
/// Tasks that a task waits for, of those before it.
const WAITS: usize = 5;

pub async fn measure(setup: &Setup) -> Measured {
    let plan = plan();
    let (history, done) = (History::default(), Finished::default());
    let mut computed = Vec::new();
    let mut compared = Vec::new();
    for _ in 0..setup.rounds {
        let begun = Instant::now();
        let faults = plan.check(&[]);
        let found =
            schedule(&plan, &history, &done).map_err(|fault| anyhow::anyhow!(fault.message()))?;
        computed.push(begun.elapsed().as_secs_f64() * 1e3);
        anyhow::ensure!(
            faults.iter().all(|fault| fault.kind() == "serves_nothing"),
            "{faults:?}"
        );
        let waved: usize = found.waves.iter().map(Vec::len).sum();
        anyhow::ensure!(waved == TASKS, "{waved} tasks in waves");
        let mut other = plan.clone();
        for task in &mut other.tasks {
            task.title.push('!');
        }
        let begun = Instant::now();
        let found = difference(&plan, &other);
        compared.push(begun.elapsed().as_secs_f64() * 1e3);
        anyhow::ensure!(found.tasks.changed.len() == TASKS, "not all changed");
    }
    Ok(vec![
        Figure::new(
            "plan of 1,000 tasks: check, critical path, waves, bands",
            "ms",
            "< 50",
            computed,
        ),
        Figure::new("difference of 1,000 tasks, all changed", "ms", "", compared),
    ])
}

/// Tasks of different lengths, each of which waits for five of the fifty before it.
fn plan() -> Breakdown {
    let tasks = (0..TASKS)
        .map(|at| Task {
            id: format!("T-{at}"),
            story: "S-1".to_owned(),
            title: format!("Task {at}"),
            role: "developer".to_owned(),
            key: format!("build/{at}"),
            depends_on: (1..=WAITS)
                .filter_map(|step| at.checked_sub(step * (1 + at % 10)))
                .map(|on| format!("T-{on}"))
                .collect(),
            estimate: Estimate {
                low_minutes: 60,
                likely_minutes: 60 + (at as u32 * 37) % 240,
                high_minutes: 480,
            },
            ..Task::default()
        })
        .collect();
    Breakdown {
        epics: vec![Epic {
            id: "E-1".to_owned(),
            title: "Epic".to_owned(),
            ..Epic::default()
        }],
        stories: vec![Story {
            id: "S-1".to_owned(),
            epic: "E-1".to_owned(),
            title: "Story".to_owned(),
            ..Story::default()
        }],
        tasks,
        ..Breakdown::default()
    }
}
