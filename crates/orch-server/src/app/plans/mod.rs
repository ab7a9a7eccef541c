//! Plans: proposed for the approved requirements, edited, compared, made anew, and approved by a person
//! alone, which makes the work items and queues them.

mod acceptance;
mod approve;
mod brief;
mod edit;
mod ended;
mod existing;
mod failure;
mod impact;
mod make;
mod model;
mod propose;
mod standing;
mod version;

pub use acceptance::acceptance;
pub use approve::{Approval, Approved, approve};
pub use edit::edit;
pub use impact::{Impacted, Versions, impact};
pub use propose::{Occasion, propose, replan};
pub use standing::{Begins, Later, Shown, Standing, State, show};
pub use version::{breakdown, difference, find, list};
