//! The audit chain.

use orch_api::types::audit::AuditEntry;

use crate::output::{Cell, Row};

impl Row for AuditEntry {
    const HEAD: &'static [&'static str] = &["seq", "at", "actor", "kind", "project", "data"];
    const NAME: &'static str = "audit entries";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.seq),
            Cell::time(&self.at),
            Cell::new(&self.actor),
            Cell::new(&self.kind),
            Cell::optional(self.project_id),
            Cell::new(&self.data),
        ]
    }
}
