//! Recordings: each exchange with a model as a line, and whole conversations replayed from them.

mod exchange;
mod journal;
mod recorder;
mod recording;
mod replay;
mod replayed;

pub use exchange::{Exchange, Outcome, Redact, redacted, unredacted};
pub use journal::{FileJournal, Journal, Keeping};
pub use recorder::Recorder;
pub use recording::{Recording, RecordingError};
pub use replay::Replay;
pub use replayed::ReplayedTools;
