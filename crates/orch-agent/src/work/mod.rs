//! Working on one run with processes: prepare, plan, ask, run the steps.
//!
//! Knows nothing of streams, acknowledgements or holds: a job comes in, an outcome goes out.

mod acceptance;
pub(crate) mod answers;
mod ask;
mod budget;
mod delegate;
mod enter;
mod environment;
mod folder;
mod hand_over;
mod in_order;
mod known;
mod leave;
mod once;
mod open;
mod output;
mod plan;
mod process;
mod secrets;
mod snapshots;
mod source;
mod steps;

pub use steps::Steps;
