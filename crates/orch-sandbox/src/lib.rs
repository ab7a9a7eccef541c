//! Where steps run: processes that end, the folders they work in, and what keeps them there.
//!
//! Knows nothing of runs, servers or the agent's connection. Whatever is started here is taken for
//! hostile.

pub mod egress;
pub mod exec;
pub mod init;
mod limits;
pub mod sandbox;

pub use limits::Limits;
