//! Run logs: adding, paging, searching.

use orch_core::ids::{ProjectId, RunId};
use orch_core::run::Run;
use orch_store::log::{self, Budget, Count, Found, Numbered, Wanted};
use orch_store::segment::LogLine;
use orch_store::{Command, Order, Page, Reply, run as runs};

use super::work_item::unexpected;
use super::{App, Result, run};

/// Runs that a search across runs looks into, newest first.
const SEARCHED_RUNS: i64 = 1000;

/// Adds lines; answers the number of the first.
pub async fn append(
    app: &App,
    actor: &str,
    id: RunId,
    epoch: Option<u64>,
    lines: Vec<LogLine>,
) -> Result<u64> {
    match app
        .store()
        .submit(
            actor,
            Command::Log {
                run: id,
                epoch,
                lines,
            },
        )
        .await?
    {
        Reply::Logged { first_seq } => Ok(first_seq),
        other => Err(unexpected(&other)),
    }
}

/// A page of a run's log.
pub async fn page(app: &App, id: RunId, wanted: Wanted<'_>) -> Result<Found> {
    let run = run::show(app, id).await?;
    Ok(log::page(app.store(), &run, wanted, Budget::default()).await?)
}

/// Where a search across runs stopped, and goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub run: RunId,
    pub line: u64,
}

/// Lines that contain `needle` in the runs of a project, or of all, newest runs first; and where to
/// go on, if the limit or the time was used up before.
pub async fn search(
    app: &App,
    project: Option<ProjectId>,
    needle: &str,
    limit: usize,
    from: Option<Place>,
) -> Result<(Vec<(Run, Numbered)>, Option<Place>)> {
    let filter = runs::Filter {
        project,
        ..runs::Filter::default()
    };
    let newest = Page {
        order: Order::NewestFirst,
        after: from.map(|place| place.run.get().saturating_add(1)),
        limit: SEARCHED_RUNS,
    };
    let budget = Budget::default();
    let mut found = Vec::new();
    for run in run::list(app, &filter, newest).await?.rows {
        let begin = from.filter(|place| place.run == run.id);
        let wanted = Wanted {
            from: begin.map_or(0, |place| place.line),
            count: Count::Page,
            ..Wanted::first(Some(needle), 0, limit.saturating_sub(found.len()))
        };
        let place = |line| Place { run: run.id, line };
        if wanted.limit == 0 || budget.is_used_up() {
            return Ok((found, Some(place(wanted.from))));
        }
        let page = log::page(app.store(), &run, wanted, budget).await?;
        let next = page.next.map(place);
        found.extend(page.lines.into_iter().map(|line| (run.clone(), line)));
        if next.is_some() {
            return Ok((found, next));
        }
    }
    Ok((found, None))
}
