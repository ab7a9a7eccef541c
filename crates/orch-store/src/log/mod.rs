//! Run logs: lines in segment files, chunks indexed in the database; the first lines of a run stand in
//! the index itself, where they are short.
//!
//! The index is the truth: bytes that no row points at were never acknowledged. Line 0 of every
//! run is made from the run itself and not stored. Reading never holds more than a page and a
//! few chunks.

mod append;
mod chunks;
mod cursor;
mod gather;
mod line;
mod needle;
mod search;
mod torn;

pub(crate) use append::{
    IN_NO_SEGMENT, LogSink, NEXT_SEQS, REMEMBERED_RUNS, append, index, is_short, next_lines,
    next_seqs,
};
pub use cursor::Cursor;
pub use line::{Numbered, line, opening_line};
pub use search::{Budget, Count, Found, Side, Wanted, page, total};
pub(crate) use torn::note_lost;
