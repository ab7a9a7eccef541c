//! The measures, one file each. Each starts what it measures on a fresh data folder.

mod chain;
mod enqueue;
mod fan;
mod idle;
mod killed;
mod large_log;
mod latency;
mod lines;
mod machine;
mod many;
mod noop;
mod orchestrate;
mod plan;
mod requirements;
mod sandbox;
mod seeded;
mod shell;
mod slow_readers;
mod startup;
mod workflow;
mod workspace;

use futures::future::LocalBoxFuture;

use crate::figure::Figure;
use crate::setup::Setup;

/// What a measure comes to.
pub type Measured = anyhow::Result<Vec<Figure>>;

/// Measures, and answers the figures.
pub type Measure = fn(&Setup) -> LocalBoxFuture<'_, Measured>;

/// Every measure under the name that `BENCH_ONLY` knows it by.
pub const ALL: [(&str, Measure); 21] = [
    ("machine", |setup| Box::pin(machine::measure(setup))),
    ("startup", |setup| Box::pin(startup::measure(setup))),
    ("noop", |setup| Box::pin(noop::measure(setup))),
    ("enqueue", |setup| Box::pin(enqueue::measure(setup))),
    ("workflow", |setup| Box::pin(workflow::measure(setup))),
    ("chain", |setup| Box::pin(chain::measure(setup))),
    ("fan", |setup| Box::pin(fan::measure(setup))),
    ("latency", |setup| Box::pin(latency::measure(setup))),
    ("shell", |setup| Box::pin(shell::measure(setup))),
    ("sandbox", |setup| Box::pin(sandbox::measure(setup))),
    ("lines", |setup| Box::pin(lines::measure(setup))),
    ("large-log", |setup| Box::pin(large_log::measure(setup))),
    ("slow-readers", |setup| {
        Box::pin(slow_readers::measure(setup))
    }),
    ("idle", |setup| Box::pin(idle::measure(setup))),
    ("many", |setup| Box::pin(many::measure(setup))),
    ("killed", |setup| Box::pin(killed::measure(setup))),
    ("workspace", |setup| Box::pin(workspace::measure(setup))),
    ("orchestrate", |setup| Box::pin(orchestrate::measure(setup))),
    ("seeded", |setup| Box::pin(seeded::measure(setup))),
    ("requirements", |setup| {
        Box::pin(requirements::measure(setup))
    }),
    ("plan", |setup| Box::pin(plan::measure(setup))),
];
