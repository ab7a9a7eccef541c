//! Git that obeys nothing but its arguments: what a name means today, mirrors, workspaces.
//!
//! Owns every call of the git program outside of sandboxes. It never runs in a repository that a
//! step could write, asks nobody anything, and ends within its time. All of it blocks.

mod error;
mod git;
mod mirror;
mod orphan;
mod resolve;
mod snapshot;
#[cfg(test)]
mod testing;
mod work_tree;
mod workspace;

pub use error::GitError;
pub use git::{Git, SshKey};
pub use mirror::{Mirror, Mirrors, size_bytes};
pub use resolve::resolve;
pub use snapshot::{Snapshot, TreeEntry, TreeKind};
pub use work_tree::{address, is_repository};
pub use workspace::check_out;
