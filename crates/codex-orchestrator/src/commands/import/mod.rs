//! `project import` and `project survey`: existing code, and what was found in it.

mod packed;
pub mod show;
mod source;
pub mod take;
