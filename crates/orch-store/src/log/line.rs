//! Lines with their numbers, and the lines that nobody wrote: the opening one, and those that stand
//! for lines that are not there.

use orch_core::run::Run;
use orch_core::time::Timestamp;

use crate::segment::{LogLine, Stream};

/// A line with its number.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbered {
    pub seq: u64,
    pub line: LogLine,
}

/// The first line of a run's log.
#[must_use]
pub fn opening_line(run: &Run) -> Numbered {
    let message = format!(
        "Starting run {} (work item {}, attempt {})",
        run.id, run.work_item_id, run.attempt
    );
    let line = line(run.created_at, Stream::System, message);
    Numbered { seq: 0, line }
}

/// A line as its worker sent it.
#[must_use]
pub fn line(now: Timestamp, stream: Stream, message: String) -> LogLine {
    LogLine {
        at_us: now.as_micros(),
        stream,
        step: None,
        partial: false,
        message,
    }
}

/// The line in place of lines that are not there. It has the number of the last of them, so that
/// a reader goes on behind them.
pub(super) fn notice(first: u64, end: u64, what: &str) -> Numbered {
    let last = end.saturating_sub(1).max(first);
    let message = match last - first {
        0 => format!("[log line {first} {what}]"),
        _ => format!("[log lines {first} to {last} {what}]"),
    };
    Numbered {
        seq: last,
        line: line(Timestamp::from_micros(0), Stream::System, message),
    }
}

pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
