//! Run logs: lines in segment files, chunks indexed in the database.
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
    LogSink, NEXT_SEQS, REMEMBERED_RUNS, append, index, next_lines, next_seqs,
};
pub use cursor::Cursor;
pub use line::{Numbered, line, opening_line};
pub use search::{Budget, Count, Found, Side, Wanted, page, total};
pub(crate) use torn::note_lost;
