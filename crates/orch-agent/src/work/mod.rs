//! Working on one run with processes: prepare, plan, ask, run the steps.
//!
//! Knows nothing of streams, acknowledgements or holds: a job comes in, an outcome goes out.

pub(crate) mod answers;
mod ask;
mod delegate;
mod environment;
mod folder;
mod hand_over;
mod known;
mod once;
mod plan;
mod process;
mod secrets;
mod source;
mod steps;

pub use steps::Steps;
