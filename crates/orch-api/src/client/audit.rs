//! The audit chain, as the server shows it.

use serde::Serialize;

use super::{Client, ClientError, Page, Paging};
use crate::types::audit::AuditEntry;

/// Which audit entries are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditFilter {
    /// Those of one project, by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<i64>,
    /// Those of one kind, such as `run.started`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Those of one actor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

impl Client {
    /// A page of the audit chain.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        paging: &Paging,
    ) -> Result<Page<AuditEntry>, ClientError> {
        self.page("/audit", filter, paging).await
    }
}
