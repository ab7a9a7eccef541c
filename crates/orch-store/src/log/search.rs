//! Pages of a run's log: from a place on or up to its end, all lines or those that contain a text.
//!
//! A request has a budget of time. One that uses it up answers what it found, and the line from
//! which to go on. Searches take turns, so that many of them cost no more memory than a few.

use std::time::{Duration, Instant};

use orch_core::ids::RunId;
use orch_core::run::Run;
use tokio::sync::Semaphore;

use super::append::next_seq;
use super::chunks::{self, ChunkRow, Reach, Source};
use super::gather::Gather;
use super::line::{Numbered, opening_line};
use crate::{Conn, Store, StoreError};

/// Searches at once; more wait for their turn.
static TURNS: Semaphore = Semaphore::const_new(4);

/// How many lines a run's log has, the opening line included.
///
/// # Errors
/// When the database fails.
pub async fn total(conn: &mut Conn, run: RunId) -> Result<u64, StoreError> {
    next_seq(conn, run).await
}

/// From which side lines are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    #[default]
    First,
    Last,
}

/// What is counted once a page is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Count {
    /// Matches on all pages, as far as the budget goes.
    #[default]
    All,
    /// Nothing more.
    Page,
}

/// How long a request may look.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    until: Instant,
}

impl Budget {
    /// From now on.
    #[must_use]
    pub fn of(time: Duration) -> Self {
        Self {
            until: Instant::now() + time,
        }
    }

    #[must_use]
    pub fn is_used_up(self) -> bool {
        Instant::now() >= self.until
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::of(Duration::from_secs(2))
    }
}

/// Which lines are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'q> {
    /// Lines that contain this, in any case; all when empty.
    pub needle: Option<&'q str>,
    /// The first line that is looked at.
    pub from: u64,
    /// Lines from this one on are not looked at.
    pub before: Option<u64>,
    /// Passes over so many matches.
    pub offset: u64,
    pub limit: usize,
    pub side: Side,
    pub count: Count,
}

impl<'q> Wanted<'q> {
    /// The first lines, in one page.
    #[must_use]
    pub fn first(needle: Option<&'q str>, offset: u64, limit: usize) -> Self {
        Self {
            needle: needle.filter(|needle| !needle.is_empty()),
            from: 0,
            before: None,
            offset,
            limit,
            side: Side::First,
            count: Count::All,
        }
    }
}

/// What a search or a page answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Lines of the log; with a needle, those that match, on all pages or as far as was looked.
    pub total: u64,
    pub lines: Vec<Numbered>,
    /// The line from which to go on, or up to which where the last lines were wanted; absent
    /// where nothing is left.
    pub next: Option<u64>,
    /// Lines with lower numbers, but for the opening one, were removed by retention.
    pub removed_before: Option<u64>,
    /// `total` knows no more than the lines on this side of this one.
    pub counted_to: Option<u64>,
}

/// A page of a run's log.
///
/// # Errors
/// When the database fails.
pub async fn page(
    store: &Store,
    run: &Run,
    wanted: Wanted<'_>,
    budget: Budget,
) -> Result<Found, StoreError> {
    let all = total(&mut store.read().await?, run.id).await?;
    let kept_from = chunks::kept_from(store, run.id).await?;
    let end = wanted.before.unwrap_or(all).min(all);
    let (from, skip, reach) = match wanted.needle {
        Some(_) => (wanted.from, wanted.offset, Reach::Far),
        // Every line matches: the page is reached directly.
        None => match wanted.side {
            Side::First => (wanted.from.saturating_add(wanted.offset), 0, Reach::Near),
            Side::Last => (wanted.from, wanted.offset, Reach::Near),
        },
    };
    let range = from.min(end)..end;
    let mut walk = Walk {
        store,
        run,
        reach,
        budget,
        kept_from,
        stop_when_full: wanted.needle.is_none() || wanted.count == Count::Page,
        gather: Gather::new(wanted.needle, range.clone(), skip, wanted.limit),
    };
    let _turn = match reach {
        // The semaphore is never closed.
        Reach::Far => TURNS.acquire().await.ok(),
        Reach::Near => None,
    };
    let looked = match wanted.side {
        Side::First => walk.forward().await?,
        Side::Last => walk.backward().await?,
    };
    let gather = walk.gather;
    let edge = match wanted.side {
        Side::First => range.end,
        Side::Last => range.start,
    };
    let unfinished = (looked != edge).then_some(looked);
    let next = match (gather.left, wanted.side) {
        (Some(seq), Side::First) => Some(seq),
        (Some(seq), Side::Last) => Some(seq + 1),
        (None, _) => unfinished,
    };
    let (total, counted_to) = match wanted.needle {
        Some(_) => (gather.matched, unfinished),
        None => (all, None),
    };
    Ok(Found {
        total,
        lines: gather.lines.into(),
        next,
        removed_before: (kept_from > 1).then_some(kept_from),
        counted_to,
    })
}

/// A way through a run's chunks.
struct Walk<'w> {
    store: &'w Store,
    run: &'w Run,
    reach: Reach,
    budget: Budget,
    /// The first line that retention has left.
    kept_from: u64,
    stop_when_full: bool,
    gather: Gather,
}

impl Walk<'_> {
    /// Goes on to the end of the range; answers up to where it came.
    async fn forward(&mut self) -> Result<u64, StoreError> {
        let end = self.gather.range.end;
        let mut at = self.gather.range.start;
        if at == 0 && at < end {
            self.gather.line_forward(opening_line(self.run));
            at = 1;
        }
        while at < end && !self.is_full() {
            let rows = chunks::ahead(self.store, self.run.id, at, self.reach).await?;
            if rows.is_empty() {
                self.gather
                    .line_forward(chunks::gap(at, end, self.kept_from));
                return Ok(end);
            }
            at = self.through(rows, at, Side::First).await?;
            if self.budget.is_used_up() {
                break;
            }
        }
        Ok(at.min(end))
    }

    /// Goes back to the beginning of the range; answers down to where it came.
    async fn backward(&mut self) -> Result<u64, StoreError> {
        let begin = self.gather.range.start;
        let mut at = self.gather.range.end;
        while at > begin.max(1) && !self.is_full() {
            let rows = chunks::behind(self.store, self.run.id, at, self.reach).await?;
            if rows.is_empty() {
                let first = begin.max(1);
                self.gather
                    .line_backward(chunks::gap(first, at, self.kept_from));
                at = first;
                break;
            }
            at = self.through(rows, at, Side::Last).await?;
            if self.budget.is_used_up() {
                break;
            }
        }
        if at == 1 && begin == 0 && !self.is_full() {
            self.gather.line_backward(opening_line(self.run));
            at = 0;
        }
        Ok(at.max(begin))
    }

    fn is_full(&self) -> bool {
        self.stop_when_full && self.gather.left.is_some()
    }

    /// Looks through some chunks; answers up to (or down to) which line it came.
    async fn through(
        &mut self,
        rows: Vec<ChunkRow>,
        at: u64,
        side: Side,
    ) -> Result<u64, StoreError> {
        let empty = Gather::new(None, 0..0, 0, 0);
        let mut gather = std::mem::replace(&mut self.gather, empty);
        let (source, run) = (Source::of(self.store), self.run.id);
        let (budget, stop_when_full) = (self.budget, self.stop_when_full);
        let kept_from = self.kept_from;
        let looking = tokio::task::spawn_blocking(move || {
            let mut at = at;
            for row in rows {
                let (first, end) = (row.first(), row.end());
                match side {
                    Side::First => {
                        if first > at {
                            gather.line_forward(chunks::gap(at, first, kept_from));
                        }
                        gather.forward(row.read(&source, run));
                        at = end;
                    }
                    Side::Last => {
                        if end < at {
                            gather.line_backward(chunks::gap(end, at, kept_from));
                        }
                        gather.backward(row.read(&source, run));
                        at = first;
                    }
                }
                let is_over = match side {
                    Side::First => at >= gather.range.end,
                    Side::Last => at <= gather.range.start,
                };
                let is_full = stop_when_full && gather.left.is_some();
                if is_over || is_full || budget.is_used_up() {
                    break;
                }
            }
            (gather, at)
        });
        let (gather, at) = looking.await.map_err(|_| StoreError::Closed)?;
        self.gather = gather;
        Ok(at)
    }
}
