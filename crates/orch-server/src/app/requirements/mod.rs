//! Requirements: proposed from the vision and its attachments, edited, compared, commented, and approved
//! by a person alone.

mod approve;
mod comment;
mod edit;
mod propose;
mod version;

pub use approve::{Approval, approve};
pub use comment::{comment, comments};
pub use edit::edit;
pub use propose::propose;
pub use version::{difference, document, list, show};
