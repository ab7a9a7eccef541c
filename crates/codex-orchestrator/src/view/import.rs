//! Imports of existing code.

use orch_api::types::import::{Import, ImportSource};

use crate::output::{Cell, Details, Row};

const fn source(import: &Import) -> &'static str {
    match import.source {
        ImportSource::Repository => "repository",
        ImportSource::Archive => "archive",
    }
}

impl Row for Import {
    const HEAD: &'static [&'static str] = &["id", "created", "source", "name", "commit"];
    const NAME: &'static str = "imports";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.id),
            Cell::time(&self.created_at),
            Cell::new(source(self)),
            Cell::new(&self.name),
            Cell::optional(self.commit.as_deref()),
        ]
    }
}

impl Details for Import {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("import", Cell::new(self.id)),
            ("project", Cell::new(self.project_id)),
            (source(self), Cell::new(&self.name)),
            ("ref", Cell::optional(self.reference.as_deref())),
            ("commit", Cell::optional(self.commit.as_deref())),
            ("sha256", Cell::optional(self.sha256.as_deref())),
            ("by", Cell::new(&self.created_by)),
            ("created", Cell::time(&self.created_at)),
        ]
    }
}
