//! The engine: every transition of items, queue entries and runs, over a working set of rows.
//!
//! The store loads what a command touches, the engine decides, the store saves what changed and
//! the events, all in one transaction. Nothing here knows where the rows come from, so that the
//! same code runs over a database and in a simulation.

mod cancel;
mod complete;
mod create;
mod enqueue;
mod expire;
mod follow_plan;
mod gating;
mod hold;
mod limits;
mod refusal;
mod requeue;
mod schedule;
mod start;
mod turns;
mod working;

pub use cancel::{cancel_entry, cancel_item, cancel_run};
pub use complete::{Completion, Verdict, complete};
pub use create::{NewWorkItem, create_item};
pub use enqueue::{Enqueue, enqueue};
pub use expire::{end_agent_hold, expire_lease};
pub use follow_plan::{Followed, PlannedWork, Wording, follow_plan};
pub use gating::{item_changed, regate};
pub use hold::{claim, heartbeat, park, release, unpark};
pub use limits::Occupancy;
pub use refusal::Refusal;
pub use requeue::{Requeue, Waiting, requeue_item, requeue_run};
pub use schedule::{Reach, dispatch, tick};
pub use start::start_item;
pub use working::{Changes, Ctx, NextIds, Working};

#[cfg(test)]
mod fairness_tests;
#[cfg(test)]
mod follow_plan_tests;
#[cfg(test)]
mod tests;
