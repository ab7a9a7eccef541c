//! `work`: work items, from creation to cancellation.

mod create;
mod group;
mod policy;
mod recipe;
mod show;

pub use group::{Args, run};
