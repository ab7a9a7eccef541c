//! Bytes of a stream to an answer, whatever pieces they come in.

use orch_core::sse::{Reader, TooLarge};
use serde_json::Value;

use crate::wire::{Broken, End, Partial, Stage, Wire};
use crate::{Answer, Deltas};

/// Reads one stream.
pub(crate) struct StreamReader {
    wire: Wire,
    events: Reader,
    partial: Partial,
}

/// Whether more is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    More,
    Ended,
}

/// An event that adds nothing.
enum Odd {
    Done,
    Broken(Broken),
}

/// Why a stream is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    TooLong,
    Broken(Broken),
}

impl StreamReader {
    pub(crate) fn new(wire: Wire) -> Self {
        Self {
            wire,
            events: Reader::default(),
            partial: Partial::default(),
        }
    }

    pub(crate) fn push(&mut self, piece: &[u8], deltas: Deltas<'_>) -> Result<Progress, Unfit> {
        let mut events = Vec::new();
        self.events
            .feed(piece, &mut events)
            .map_err(|TooLarge { .. }| Unfit::TooLong)?;
        for event in events {
            match self.take(event.data.as_bytes().trim_ascii(), deltas) {
                Ok(()) if self.partial.stage == Stage::Ended => return Ok(Progress::Ended),
                Ok(()) => {}
                Err(Odd::Done) => return Ok(Progress::Ended),
                // What follows a whole answer spoils it no more.
                Err(Odd::Broken(_)) if self.partial.stage == Stage::Whole => {
                    return Ok(Progress::Ended);
                }
                Err(Odd::Broken(broken)) => return Err(Unfit::Broken(broken)),
            }
        }
        Ok(Progress::More)
    }

    fn take(&mut self, event: &[u8], deltas: Deltas<'_>) -> Result<(), Odd> {
        if event == b"[DONE]" {
            return Err(Odd::Done);
        }
        if event.is_empty() {
            return Ok(());
        }
        let value: Value = serde_json::from_slice(event).map_err(|error| {
            Odd::Broken(Broken::Junk(format!("an event that is no JSON: {error}")))
        })?;
        self.wire
            .event(&value, &mut self.partial, &mut |piece| deltas(piece))
            .map_err(Odd::Broken)
    }

    pub(crate) fn close(self, end: End) -> Option<Answer> {
        self.partial.end(end)
    }
}
