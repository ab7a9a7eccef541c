//! What happened: the facts that a transition produces. Each becomes one audit entry, in the
//! transaction of the change that it records.

use serde_json::Value;

use crate::ids::ProjectId;

/// One fact, in the past tense: `run.started`, `approval.denied`.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Dotted noun and verb.
    pub kind: &'static str,
    /// The project that it belongs to, when it belongs to one.
    pub project_id: Option<ProjectId>,
    /// Ids and values, never a secret.
    pub data: Value,
}

impl Event {
    #[must_use]
    pub fn new(kind: &'static str, project_id: ProjectId, data: Value) -> Self {
        Self {
            kind,
            project_id: Some(project_id),
            data,
        }
    }
}
