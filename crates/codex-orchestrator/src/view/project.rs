//! Projects, visions, quotas, usage.

use orch_api::types::observability::Usage;
use orch_api::types::project::{Project, Quota};
use orch_api::types::vision::Vision;

use crate::output::{Cell, Details, Row};

impl Row for Project {
    const HEAD: &'static [&'static str] = &["id", "created", "name", "description"];
    const NAME: &'static str = "projects";

    fn cells(&self) -> Vec<Cell> {
        let created = Cell::time(&self.created_at);
        vec![
            Cell::new(self.id),
            created,
            Cell::new(&self.name),
            Cell::new(&self.description),
        ]
    }
}

impl Details for Project {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("project", Cell::new(self.id)),
            ("name", Cell::new(&self.name)),
            ("created", Cell::time(&self.created_at)),
            (
                "repository",
                Cell::optional(self.repository.as_ref().map(|repository| &repository.url)),
            ),
            (
                "ref",
                Cell::optional(
                    self.repository
                        .as_ref()
                        .and_then(|it| it.reference.as_ref()),
                ),
            ),
        ]
    }

    fn body(&self) -> Option<&str> {
        Some(&self.description)
    }
}

impl Row for Vision {
    const HEAD: &'static [&'static str] = &["id", "created", "content"];
    const NAME: &'static str = "visions";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.id),
            Cell::time(&self.created_at),
            Cell::new(&self.content),
        ]
    }
}

impl Details for Vision {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("vision", Cell::new(self.id)),
            ("project", Cell::new(self.project_id)),
            ("created", Cell::time(&self.created_at)),
        ]
    }

    fn body(&self) -> Option<&str> {
        Some(&self.content)
    }
}

impl Details for Quota {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("project", Cell::new(self.project_id)),
            ("runs per day", limit(self.max_runs_per_day)),
            ("runs today", Cell::new(self.runs_today)),
            ("counted since", Cell::time(&self.window_start)),
        ]
    }
}

impl Row for Usage {
    const HEAD: &'static [&'static str] = &[
        "project",
        "runs today",
        "per day",
        "tokens in",
        "tokens out",
        "name",
    ];
    const NAME: &'static str = "projects";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.project_id),
            Cell::new(self.runs_today),
            limit(self.max_runs_per_day),
            Cell::new(self.input_tokens),
            Cell::new(self.output_tokens),
            Cell::new(&self.name),
        ]
    }
}

fn limit(most: Option<u32>) -> Cell {
    most.map_or_else(|| Cell::new("unlimited"), Cell::new)
}
