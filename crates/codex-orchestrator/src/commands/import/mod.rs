//! `project import` and `project survey`: existing code, and what was found in it.

pub mod show;
mod source;
pub mod take;
