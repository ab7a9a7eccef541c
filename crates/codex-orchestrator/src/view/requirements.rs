//! Requirements: a version, and its items.

use orch_api::types::requirements::{RequirementItem, Requirements, RequirementsStatus};

use super::of_status;
use crate::output::{Cell, Details, Row};

impl Details for Requirements {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        let mut fields = vec![
            ("requirements", Cell::new(self.id)),
            ("project", Cell::new(self.project_id)),
            ("from vision", Cell::new(self.vision_id)),
            ("status", status(self.status)),
            ("created", Cell::time(&self.created_at)),
        ];
        if let (Some(at), Some(by)) = (&self.approved_at, &self.approved_by) {
            fields.push((
                "approved",
                Cell::new(format!("{} by {by}", Cell::time(at).text)),
            ));
        }
        fields
    }
}

impl Row for Requirements {
    const HEAD: &'static [&'static str] = &["id", "vision", "status", "items", "created"];
    const NAME: &'static str = "requirements";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.id),
            Cell::new(self.vision_id),
            status(self.status),
            Cell::new(self.items.len()),
            Cell::time(&self.created_at),
        ]
    }
}

impl Row for RequirementItem {
    const HEAD: &'static [&'static str] = &["id", "kind", "requirement"];
    const NAME: &'static str = "items";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.id),
            Cell::new(self.kind.replace('_', " ")),
            Cell::new(&self.text),
        ]
    }
}

fn status(status: RequirementsStatus) -> Cell {
    of_status(match status {
        RequirementsStatus::Proposed => "proposed",
        RequirementsStatus::Approved => "approved",
        RequirementsStatus::Superseded => "superseded",
    })
}
