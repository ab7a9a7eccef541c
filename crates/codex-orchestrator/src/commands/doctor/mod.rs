//! `doctor`: every setting with its origin, and whether server and machine are fit.

mod artifacts;
mod checks;
mod codex;
mod command;
mod machine;
mod models;
mod report;
mod sandboxes;
mod secrets;
mod server;
mod tools;

pub use command::{Args, run};
