//! What the readers of one run share, and the pieces that were written lately, of all runs.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use orch_core::ids::RunId;
use orch_core::run::Run;
use orch_store::log::{self, Cursor};
use tokio::sync::Semaphore;

use super::piece::{Piece, Render};
use crate::app::{App, Result, run};

/// Pieces that are kept for readers who come to them soon, of all runs together.
const KEPT_BYTES: usize = 8 * 1024 * 1024;
/// Chunks that are read and written down at the same time.
const READS: usize = 4;
/// What was seen of a run so lately is not looked at again without a reason.
pub(super) const FRESH: Duration = Duration::from_millis(2500);

/// The feeds of all runs that somebody reads.
pub struct Feeds {
    runs: Mutex<HashMap<RunId, Weak<Feed>>>,
    kept: Mutex<Kept>,
    reads: Semaphore,
}

impl Default for Feeds {
    fn default() -> Self {
        Self {
            runs: Mutex::default(),
            kept: Mutex::default(),
            reads: Semaphore::new(READS),
        }
    }
}

/// The pieces of one chunk.
struct Written {
    run: RunId,
    render: &'static str,
    /// The first line that the chunk stands for.
    from: u64,
    pieces: Vec<Arc<Piece>>,
    bytes: usize,
}

#[derive(Default)]
struct Kept {
    /// Oldest first.
    chunks: VecDeque<Written>,
    bytes: usize,
}

/// What the readers of one run share.
pub struct Feed {
    run: RunId,
    /// Held while one of them looks for all.
    look: tokio::sync::Mutex<Option<Look>>,
    /// Held while one of them reads for all.
    reading: tokio::sync::Mutex<()>,
}

/// How a run and its log are.
#[derive(Clone)]
pub(super) struct Look {
    /// What the run's watch said before.
    version: u64,
    at: Instant,
    pub run: Run,
    /// The number that its log's next line will get.
    pub end: u64,
}

impl Feeds {
    /// The feed of a run; it lives as long as somebody has it.
    pub(super) fn of(&self, run: RunId) -> Arc<Feed> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = runs.get(&run).and_then(Weak::upgrade) {
            return feed;
        }
        runs.retain(|_, feed| feed.strong_count() > 0);
        let feed = Arc::new(Feed {
            run,
            look: tokio::sync::Mutex::default(),
            reading: tokio::sync::Mutex::default(),
        });
        runs.insert(run, Arc::downgrade(&feed));
        feed
    }

    fn kept(&self, run: RunId, render: &Render, line: u64) -> Option<Arc<Piece>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut chunks = kept.chunks.iter().rev();
        let holds = |chunk: &&Written| {
            chunk.run == run
                && chunk.render == render.name
                && chunk.from <= line
                && chunk.pieces.last().is_some_and(|last| line <= last.last())
        };
        let chunk = chunks.find(holds)?;
        let mut pieces = chunk.pieces.iter();
        pieces.find(|piece| line <= piece.last()).cloned()
    }

    fn keep(&self, written: Written) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += written.bytes;
        kept.chunks.push_back(written);
        while kept.bytes > KEPT_BYTES {
            let Some(oldest) = kept.chunks.pop_front() else {
                return;
            };
            kept.bytes -= oldest.bytes;
        }
    }
}

impl Feed {
    /// How the run is, at `version` of its watch or later.
    pub(super) async fn look(&self, app: &App, version: u64) -> Result<Look> {
        let mut last = self.look.lock().await;
        if let Some(look) = last.as_ref()
            && look.version >= version
            && look.at.elapsed() < FRESH
        {
            return Ok(look.clone());
        }
        let at = Instant::now();
        // The run first: what a run that is over has logged is there already.
        let run = run::show(app, self.run).await?;
        let end = log::total(&mut app.store().read().await?, self.run).await?;
        let look = Look {
            version,
            at,
            run,
            end,
        };
        Ok(last.insert(look).clone())
    }

    /// The piece that `line` is in; `None` behind the end of the log.
    pub(super) async fn piece(
        &self,
        app: &App,
        render: &'static Render,
        line: u64,
    ) -> Result<Option<Arc<Piece>>> {
        let feeds = app.feeds();
        if let Some(piece) = feeds.kept(self.run, render, line) {
            return Ok(Some(piece));
        }
        let _alone = self.reading.lock().await;
        if let Some(piece) = feeds.kept(self.run, render, line) {
            return Ok(Some(piece));
        }
        // Never closed.
        let _turn = feeds.reads.acquire().await.ok();
        let mut cursor = Cursor::around(app.store(), self.run, line);
        let lines = cursor.next_chunk().await?;
        let Some(from) = lines.first().map(|first| first.seq.min(line)) else {
            return Ok(None);
        };
        let writing = tokio::task::spawn_blocking(move || Piece::of(render, lines));
        let pieces = writing.await.map_err(|_| orch_store::StoreError::Closed)?;
        let piece = pieces.iter().find(|piece| line <= piece.last()).cloned();
        feeds.keep(Written {
            run: self.run,
            render: render.name,
            from,
            bytes: pieces.iter().map(|piece| piece.size_bytes()).sum(),
            pieces,
        });
        Ok(piece)
    }
}
