//! The file that names models, and which of them each role asks.
//!
//! Strict: an unknown key, a name that nobody has and a number beyond its bound are refused with their line. A key
//! of a provider never stands in it, only the name of the variable that holds it.

mod entry;
mod error;
mod file;

pub use entry::{By, Line, Listed, Roster};
pub use error::RosterError;
