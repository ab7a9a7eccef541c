//! Secrets, without values.

use orch_api::types::secret::{ResealedSecrets, Secret};

use crate::output::{Cell, Details, Row};

const ALL: &str = "(all)";

fn scope(secret: &Secret) -> Cell {
    Cell::new(secret.environment.as_deref().unwrap_or(ALL))
}

impl Row for Secret {
    const HEAD: &'static [&'static str] = &["name", "environment", "version", "updated", "set by"];
    const NAME: &'static str = "secrets";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.name),
            scope(self),
            Cell::new(self.version),
            Cell::time(&self.updated_at),
            Cell::new(&self.set_by),
        ]
    }
}

impl Details for Secret {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("secret", Cell::new(&self.name)),
            ("project", Cell::new(self.project_id)),
            ("environment", scope(self)),
            ("version", Cell::new(self.version)),
            ("created", Cell::time(&self.created_at)),
            ("updated", Cell::time(&self.updated_at)),
            ("set by", Cell::new(&self.set_by)),
        ]
    }
}

impl Details for ResealedSecrets {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("secrets", Cell::new(self.secrets)),
            ("answers", Cell::new(self.answers)),
            ("unreadable", Cell::new(self.unreadable)),
        ]
    }
}
