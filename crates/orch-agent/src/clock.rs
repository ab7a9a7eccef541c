//! The agent's only look at the wall clock; everything else takes a [`Now`] as an argument.

use jiff::Timestamp;

/// Tells the time that log lines are stamped with.
pub type Now = fn() -> Timestamp;

/// The system's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge of the agent: the one place that reads the clock"
)]
pub fn system() -> Timestamp {
    Timestamp::now()
}
