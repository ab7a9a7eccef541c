//! From fetched files to a tool: unpacked, its steps run, its programs found.
//!
//! Owns what a tool's folder looks like inside. Never fetches, and never decides whether a tool may be
//! installed.

mod describe;
mod error;
mod lay_out;
mod programs;
mod workshop;

pub(crate) use describe::describe;
pub use error::InstallError;
pub(crate) use lay_out::lay_out;
pub(crate) use programs::programs;
pub use workshop::{NoWorkshop, Workshop, Workshops};
