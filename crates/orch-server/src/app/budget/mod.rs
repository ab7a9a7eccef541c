//! What may be spent on models, along project, plan, work item and run: set aside before a call, settled after it.
//!
//! The arithmetic is `orch-model`'s; here it is loaded and saved in one transaction, so that calls under way on
//! several servers cannot exceed a hard cap together.

mod expired;
mod level;
mod look;
mod period;
mod place;
mod set;
mod spend;
mod wallet;

pub(crate) use expired::let_go as let_go_expired;
pub use level::{Level, OverBudget};
pub use look::{Standing, check, of_project, of_projects};
pub use period::Period;
pub use place::{Work, found, of_run};
pub use set::{Change, clear, set};
pub use spend::{LARGEST, bounded, charge, micros, whole};
pub use wallet::{Limits, Wallet};
