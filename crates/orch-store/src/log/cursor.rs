//! Reading a run's log chunk by chunk, from a line on, in constant memory.

use std::collections::VecDeque;

use orch_core::ids::RunId;

use super::chunks::{self, ChunkRow, Content, Reach, Source};
use super::line::{Numbered, notice};
use crate::{Store, StoreError};

/// Where the first chunk begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    AtTheLine,
    /// Where the chunk does that the line lies in.
    AtTheChunk,
}

/// A place in a run's log.
pub struct Cursor {
    store: Store,
    run: RunId,
    next: u64,
    start: Start,
    /// Chunks that were found and not read yet.
    ahead: VecDeque<ChunkRow>,
}

impl Cursor {
    /// Starts at line `from`; line 0 is the opening line, which the cursor does not give.
    #[must_use]
    pub fn new(store: &Store, run: RunId, from: u64) -> Self {
        Self {
            store: store.clone(),
            run,
            next: from.max(1),
            start: Start::AtTheLine,
            ahead: VecDeque::new(),
        }
    }

    /// Starts with the whole chunk that `line` lies in, which is the same for all its lines.
    #[must_use]
    pub fn around(store: &Store, run: RunId, line: u64) -> Self {
        Self {
            start: Start::AtTheChunk,
            ..Self::new(store, run, line)
        }
    }

    /// The next lines that are stored; empty at the end of what is stored now. Lines that are
    /// missing give one line that says so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_chunk(&mut self) -> Result<Vec<Numbered>, StoreError> {
        if self.ahead.is_empty() {
            self.ahead = chunks::ahead(&self.store, self.run, self.next, Reach::Near)
                .await?
                .into();
        }
        let from = self.next;
        let first = self.ahead.front().map(ChunkRow::first);
        if first.is_none_or(|first| first > from) {
            let kept_from = chunks::kept_from(&self.store, self.run).await?;
            self.next = first.unwrap_or(kept_from).max(from);
            return Ok(match self.next > from {
                true => vec![chunks::gap(from, self.next, kept_from)],
                false => Vec::new(),
            });
        }
        let Some(row) = self.ahead.pop_front() else {
            return Ok(Vec::new());
        };
        let (first, end) = (row.first(), row.end());
        let from = match self.start {
            Start::AtTheLine => from,
            Start::AtTheChunk => first,
        };
        self.start = Start::AtTheLine;
        let (source, run) = (Source::of(&self.store), self.run);
        let read = tokio::task::spawn_blocking(move || {
            let chunk = match row.read(&source, run) {
                Content::Lines(chunk) => chunk,
                Content::Notice(line) => return vec![line],
            };
            let skipped = usize::try_from(from - first).unwrap_or(usize::MAX);
            let lines = chunk.lines().zip(first..).skip(skipped);
            let lines: Result<Vec<_>, _> = lines
                .map(|(raw, seq)| raw.to_line().map(|line| Numbered { seq, line }))
                .collect();
            match lines {
                Ok(lines) if lines.len() as u64 == end - from => lines,
                Ok(_) => vec![notice(from, end, "cannot be read: the record is malformed")],
                Err(damage) => vec![notice(from, end, &format!("cannot be read: {damage}"))],
            }
        });
        let lines = read.await.map_err(|_| StoreError::Closed)?;
        self.next = end;
        Ok(lines)
    }
}
