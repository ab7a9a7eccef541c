//! The command line through the built program: arguments, settings, output and exit codes.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may panic like the tests themselves"
)]

mod commands;
mod program;
mod support;
mod tools;
