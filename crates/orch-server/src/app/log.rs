//! Run logs: adding, paging, searching, following.

use orch_core::ids::{ProjectId, RunId};
use orch_core::run::{Run, RunState};
use orch_store::log::{self, Budget, Count, Cursor, Found, Numbered, Wanted};
use orch_store::segment::LogLine;
use orch_store::{Command, Order, Page, Reply, RunWatch, run as runs};

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
    for run in run::list(app, &filter, newest).await? {
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

/// Follows a run's log: everything from a line on, until the run is over.
pub struct Follower {
    app: App,
    run: Run,
    watch: RunWatch,
    cursor: Cursor,
    opening: Option<Numbered>,
    over: Over,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    No,
    /// The run has ended; what is stored is still to be read once more.
    Draining,
    Yes,
}

/// What a follower sees next.
pub enum Seen {
    Lines(Vec<Numbered>),
    /// The run is over, and nothing is left.
    End(Box<Run>),
}

/// A follower looks again after so long even if nothing woke it.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_secs(5);

impl Follower {
    /// Starts at line `from`.
    pub async fn start(app: &App, id: RunId, from: u64) -> Result<Self> {
        let watch = app.store().signals().watch_run(id);
        let run = run::show(app, id).await?;
        let opening = (from == 0).then(|| log::opening_line(&run));
        let cursor = Cursor::new(app.store(), id, from);
        Ok(Self {
            app: app.clone(),
            run,
            watch,
            cursor,
            opening,
            over: Over::No,
        })
    }

    /// Waits for what comes next; `None` once the end was given.
    pub async fn next(&mut self) -> Result<Option<Seen>> {
        if let Some(opening) = self.opening.take() {
            return Ok(Some(Seen::Lines(vec![opening])));
        }
        loop {
            if self.over == Over::Yes {
                return Ok(None);
            }
            let lines = self.cursor.next_chunk().await?;
            if !lines.is_empty() {
                return Ok(Some(Seen::Lines(lines)));
            }
            if self.over == Over::Draining {
                self.over = Over::Yes;
                return Ok(Some(Seen::End(Box::new(self.run.clone()))));
            }
            self.run = run::show(&self.app, self.run.id).await?;
            match self.run.state {
                RunState::Finished(_) => self.over = Over::Draining,
                RunState::Running { .. } | RunState::Waiting { .. } => {
                    // A wake-up that is missed costs time, never lines.
                    let _ = tokio::time::timeout(LOOK_AGAIN, self.watch.changed()).await;
                }
            }
        }
    }
}
