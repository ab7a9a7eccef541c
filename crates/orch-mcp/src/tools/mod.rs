//! What can be done over the protocol, one file for each noun.

mod approvals;
mod bound;
mod catalog;
mod context;
mod fault;
mod plans;
mod projects;
mod queue;
mod requirements;
mod runs;
mod show;
mod tool;
mod wait;
mod work;
mod work_items;

pub(crate) use bound::bounded;
pub(crate) use catalog::{all, find, pace};
pub(crate) use fault::Fault;
pub use tool::Pace;
pub(crate) use tool::{Effect, Entry, Reach};
pub use work::Who;
pub(crate) use work::{Progress, Work};

#[cfg(test)]
mod tests;
