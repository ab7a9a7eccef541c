//! Declared outputs: found in the workspace, cleaned of secrets, sent to the server.
//!
//! The workspace is a hostile place: nothing in here follows a link, opens what is no plain file, or
//! reads outside of it, whatever moves meanwhile. What is not kept is told with its reason.

mod collect;
mod limits;
mod media;
mod send;
mod walk;

pub(crate) use collect::Collector;
pub use limits::ArtifactLimits;
