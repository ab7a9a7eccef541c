//! Roles of projects, and what they remember.

use orch_api::types::role::{ProjectRole, RoleNote};

use crate::output::{Cell, Details, Row};

impl Row for ProjectRole {
    const HEAD: &'static [&'static str] = &["role", "from", "model", "answers", "about"];
    const NAME: &'static str = "roles";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.name),
            Cell::new(self.origin.replace('_', " ")),
            Cell::new(self.model.as_deref().unwrap_or("-")),
            Cell::new(&self.output),
            Cell::new(&self.about),
        ]
    }
}

impl Details for ProjectRole {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("role", Cell::new(&self.name)),
            ("from", Cell::new(self.origin.replace('_', " "))),
            ("about", Cell::new(&self.about)),
            ("model", Cell::new(self.model.as_deref().unwrap_or("-"))),
            ("answers", Cell::new(&self.output)),
            ("sees", Cell::new(self.inputs.join(", "))),
            ("tools", Cell::new(self.tools.join(", "))),
            ("set", Cell::optional_time(self.updated_at.as_deref())),
            (
                "set by",
                Cell::new(self.updated_by.as_deref().unwrap_or("-")),
            ),
            ("fault", Cell::new(self.fault.as_deref().unwrap_or("-"))),
        ]
    }

    fn body(&self) -> Option<&str> {
        self.content.as_deref()
    }
}

impl Row for RoleNote {
    const HEAD: &'static [&'static str] = &["id", "from", "by", "created", "note"];
    const NAME: &'static str = "notes";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.id),
            Cell::new(&self.origin),
            Cell::new(&self.author),
            Cell::time(&self.created_at),
            Cell::new(&self.content),
        ]
    }
}

impl Details for RoleNote {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("note", Cell::new(self.id)),
            ("role", Cell::new(&self.role)),
            ("by", Cell::new(&self.author)),
            ("created", Cell::time(&self.created_at)),
        ]
    }

    fn body(&self) -> Option<&str> {
        Some(&self.content)
    }
}
