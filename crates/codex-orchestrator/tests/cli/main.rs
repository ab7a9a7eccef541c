//! The command line through the built program: arguments, settings, output and exit codes.

mod commands;
mod program;
mod support;
