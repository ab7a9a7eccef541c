//! Agents.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An agent that has registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Agent {
    pub name: String,
    pub version: String,
    /// Runs that it works at once.
    pub slots: i64,
    pub labels: Vec<String>,
    pub connected: bool,
    /// Runs that it holds now.
    pub holding: Vec<i64>,
    pub registered_at: String,
    pub last_seen_at: String,
}
