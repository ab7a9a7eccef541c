//! From approved requirements to a plan, by rules alone: the same requirements always give the same
//! plan, each task cites the requirements that it serves, and texts of requirements are data.
//!
//! **Invariant:** nothing is planned that no requirement asks for, and every demanded requirement is
//! served by at least one task.

mod choice;
mod desk;
mod draft;
mod estimating;
mod features;
mod foundation;
mod groups;
mod limits;
mod themes;
mod toolchain;
mod wording;

pub use draft::propose;
pub(super) use draft::{cite, draft};
pub(super) use estimating::together as tried_together;
pub(super) use groups::is_feature;
pub(super) use toolchain::tools_of;
pub(super) use wording::anew_description;
pub(super) use wording::{changed_description, holds, one_line, statement};
