//! One reader of a run's log: a place in it, and how it waits.

use std::sync::Arc;
use std::time::Duration;

use orch_core::ids::RunId;
use orch_core::run::{Run, RunState};
use orch_store::RunWatch;
use orch_store::log;

use super::feed::Feed;
use super::piece::{Piece, Render};
use crate::app::{App, Result};

/// A follower looks again after so long even if nothing woke it.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// How far a log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// What is stored now.
    Stored,
    /// The run's end.
    Over,
}

/// What a reader gets next.
pub enum Seen {
    /// Its lines from this number on.
    Lines(Arc<Piece>, u64),
    /// Nothing is left; the run as it is.
    End(Box<Run>),
}

/// Reads a run's log from a line on.
pub struct Follower {
    app: App,
    // Given up before the watch: a feed counts with the watch of its readers.
    feed: Arc<Feed>,
    watch: RunWatch,
    render: &'static Render,
    run: Run,
    next: u64,
    /// How many lines there are, as far as is known.
    end: u64,
    until: Until,
}

impl Follower {
    /// Starts at line `from`.
    pub async fn start(
        app: &App,
        id: RunId,
        from: u64,
        until: Until,
        render: &'static Render,
    ) -> Result<Self> {
        let mut watch = app.store().signals().watch_run(id);
        let feed = app.feeds().of(id);
        let look = feed.look(app, watch.mark()).await?;
        Ok(Self {
            app: app.clone(),
            feed,
            watch,
            render,
            run: look.run,
            next: from,
            end: look.end,
            until,
        })
    }

    /// Waits for what comes next. May be given up while it waits, and asked again.
    pub async fn next(&mut self) -> Result<Seen> {
        loop {
            if self.next == 0 {
                self.next = 1;
                let opening = Piece::of(self.render, vec![log::opening_line(&self.run)]);
                if let Some(opening) = opening.into_iter().next() {
                    return Ok(Seen::Lines(opening, 0));
                }
            }
            if self.next < self.end {
                let from = self.next;
                if let Some(piece) = self.feed.piece(&self.app, self.render, from).await? {
                    self.next = piece.last() + 1;
                    return Ok(Seen::Lines(piece, from));
                }
                // Removed since: nothing is left of what was counted.
                self.end = from;
            }
            let is_over = matches!(self.run.state, RunState::Finished(_));
            if is_over || self.until == Until::Stored {
                return Ok(Seen::End(Box::new(self.run.clone())));
            }
            let look = self.feed.look(&self.app, self.watch.mark()).await?;
            let is_news = look.end > self.end || look.run.state != self.run.state;
            (self.run, self.end) = (look.run, look.end);
            if !is_news {
                // A wake-up that is missed costs time, never lines.
                let _ = tokio::time::timeout(LOOK_AGAIN, self.watch.changed()).await;
            }
        }
    }
}
