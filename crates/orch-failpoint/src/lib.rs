//! Named places where a debug build can be made to die or fail, and named faults that it can be
//! given, so that the crash harness can be aimed and can be shown to work.
//!
//! `ORCH_FAILPOINTS="store.commit.before=kill;store.log.synced=error@3"`, `ORCH_FAULTS=no_sync`.
//! In a release build every function here is empty and neither variable is read.

mod fault;
mod plan;
mod point;
mod points;

pub use fault::{FAULTS, has_fault, slow_commit};
pub use point::{check, pass};
pub use points::{POINTS, Point, Program};
