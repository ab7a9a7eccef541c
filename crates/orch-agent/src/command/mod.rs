//! Coding agents of any make as executor: a command line, and how to read what it prints.
//!
//! Owns the template, the presets and the event formats. Where the program runs, and with what rights,
//! is the run's sandbox; what it may know of the agent's environment is listed by name.

mod carry;
mod claude;
mod gemini;
mod json;
mod opencode;
mod reading;
mod setup;

pub(crate) use carry::{as_step, carry_out, with_hosts};
pub use setup::{CommandSetup, Format};
