//! `tool`: the catalog, locks, installed tools and signatures of this machine.
//!
//! Works on the same settings as an agent; needs no server.

mod check;
mod command;
mod gc;
mod install;
mod keys;
mod list;
mod opened;
mod request;
mod resolve;
mod show;
mod verify;

pub use command::{Args, run};
