//! Keeping secret values out of everything that leaves the agent: logs, reports, questions, summaries,
//! artifacts, and the agent's own messages about a run.
//!
//! What is looked for, and in which forms, stands in the book's chapter on secrets. A step that wants
//! to show a secret that it was given can always do so in a form that nobody looks for.

mod decode;
mod dump;
mod hidden;
mod needles;
mod scan;
mod stream;
mod view;

#[cfg(test)]
mod tests;

pub use hidden::Hidden;
pub use scan::{MASK, Redactor};
pub use stream::ByteRedactor;

pub(crate) use stream::StreamRedactor;
