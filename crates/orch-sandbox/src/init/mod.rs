//! The sandbox's first program: it takes away what is left to take, and becomes the command.
//!
//! Runs inside whatever the backend has set up, in a process with one thread, and trusts nothing
//! but its orders. Either everything ordered is in force when the command begins, or the command
//! does not begin.

mod connects;
mod force;
mod identity;
mod keeper;
mod kernel;
mod limits;
mod orders;
mod paths;
mod reach;
mod request;
mod start;
mod talk;

pub(crate) use connects::can_be_told;
pub(crate) use start::ARGUMENT_WITH_SOCKET;
pub use start::{ARGUMENT, begin_if_asked};

#[cfg(test)]
pub(crate) use kernel::refused_calls;

pub(crate) use orders::{Identity, Landlock, Orders, Sockets};
pub(crate) use request::Request;
pub(crate) use talk::{HAND, Said, go_on, kill, said, start, terminate};
