//! Roles: who of the team is asked, with what words, and in which form they answer.
//!
//! A role is one file (`roles/<name>.md`); a new one is a new file. A folder of the operator's adds roles and
//! replaces those of the same name. Templates see the inputs that the role names and nothing else.

mod error;
mod file;
mod prompt;
mod set;
mod template;
mod writing;

pub use error::RoleError;
pub use file::{Output, Role};
pub use prompt::{Material, Part, Turn};
pub use set::Roles;
