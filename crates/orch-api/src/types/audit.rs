//! The audit chain.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// An entry of the audit chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Its place, from 1.
    pub seq: i64,
    pub at: String,
    pub actor: String,
    #[schema(example = "run.started")]
    pub kind: String,
    pub project_id: Option<i64>,
    #[schema(value_type = Object)]
    pub data: Value,
    /// SHA-256 over this entry and the hash before it; 64 hex digits.
    pub hash: String,
}
