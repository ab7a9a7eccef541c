//! A program that sets a sandbox up and then becomes, or starts, the command.

use std::{os::fd::OwnedFd, path::PathBuf};

/// What stands before a command.
#[derive(Debug)]
pub(crate) struct Wrapper {
    /// The program that is executed, by its full path.
    pub(crate) program: PathBuf,
    /// Its arguments; the command's program and arguments come after them.
    pub(crate) arguments: Vec<String>,
    /// Whether it stays beside the command, holding the sandbox.
    pub(crate) stays: bool,
    /// The socket to the sandbox's first program ([`crate::init`]).
    pub(crate) hand: OwnedFd,
}
