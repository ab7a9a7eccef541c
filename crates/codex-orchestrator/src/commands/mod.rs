//! The commands, one file per group.

pub mod agent;
pub mod answer;
pub mod artifact;
pub mod audit;
pub mod completions;
mod connect;
mod context;
pub mod decide;
mod dispatch;
pub mod doctor;
pub mod enqueue;
mod ids;
mod list;
mod logging;
pub mod logs;
pub mod man;
pub mod migrate;
pub mod project;
mod prompt;
pub mod queue;
pub mod quota;
pub mod requirements;
pub mod run;
pub mod serve;
mod shutdown;
pub mod tick;
pub mod up;
pub mod vision;
mod watch;
pub mod work;

pub use connect::Connect;
pub use context::Context;
pub use dispatch::dispatch;
pub use list::Listing;
