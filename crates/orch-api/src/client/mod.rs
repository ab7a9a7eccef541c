//! The typed client of the REST API, one file per area.
//!
//! Owns how a request is sent, how a refusal becomes an error, and how a log is followed across
//! lost connections. It must never print, read the environment, or show the token.

mod agents;
mod approvals;
mod audit;
mod connection;
mod download;
mod error;
mod follow;
mod imports;
mod info_requests;
mod logs;
mod models;
mod observability;
mod orchestrate;
mod paging;
mod plans;
mod projects;
mod requirements;
mod retry_after;
mod roles;
mod runs;
mod scheduler;
mod secrets;
mod tls;
mod upload;
mod work_items;

pub use audit::AuditFilter;
pub use connection::{Client, INSIDE};
pub use download::Download;
pub use error::ClientError;
pub use follow::{LogEvent, LogFollower};
pub use logs::LogQuery;
pub use models::CostQuery;
pub use observability::ServerHealth;
pub use orchestrate::{Orchestrating, Progress};
pub use paging::{Order, Page, Paging, collect};
pub use runs::RunFilter;
pub use scheduler::QueueFilter;
pub use tls::install_provider;
pub use upload::Watch;
pub use work_items::{RetryPolicy, WorkItemFilter};

#[cfg(test)]
mod tests;
