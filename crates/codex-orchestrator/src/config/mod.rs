//! Settings: where each value comes from, what it means, and what is wrong with it.
//!
//! Flags over environment over `.env.local` over `.env` over defaults. Nothing here changes the
//! process's environment, so a file can never reach a program that is started from here.

mod agent;
mod artifacts;
mod client;
mod database;
mod folders;
mod known;
mod logging;
mod mcp;
mod parse;
mod postgres_url;
mod reader;
mod secrets;
mod server;
mod settings;
mod source;
mod team;

pub use agent::{AgentFlags, agent_config, state_dir};
pub use client::ClientSettings;
pub use database::{Named, named as named_database};
pub use folders::data_dir;
pub use known::{misspelt, warn_of_misspelt};
pub use logging::{LogFlags, LogFormat, LogSettings};
pub use mcp::CallerSettings;
pub use reader::{Reader, Setting, Taken};
pub use server::{ServerFlags, Start, installation, server_config};
pub use settings::Settings;
pub use source::Source;
