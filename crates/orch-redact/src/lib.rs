//! Keeping secret values out of everything that is told of a run: logs, reports, questions, summaries, artifacts, and
//! messages. The agent hides what its steps write, the server what comes with a run's token.
//!
//! What is looked for, and in which forms, stands in the book's chapter on secrets. A step that wants
//! to show a secret that it was given can always do so in a form that nobody looks for.

mod beginnings;
mod decode;
mod dump;
mod hidden;
mod needles;
mod runs;
mod scan;
mod stream;
mod view;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;

pub use hidden::Hidden;
pub use scan::{MASK, Redactor};
pub use stream::{ByteRedactor, StreamRedactor, TextRedactor};
