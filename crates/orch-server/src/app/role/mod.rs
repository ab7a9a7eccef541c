//! Roles of projects: those that a project has in place of the program's or the operator's, and what roles
//! remember there.
//!
//! **Invariant:** a project's role gets no tool and no model that the operator did not give to roles.

mod allowed;
mod memory;
mod project_role;

pub use memory::{Memory, forget, keep, note, notes, told};
pub use project_role::{Origin, Shown, find, list, of_project, reset, set, show};
