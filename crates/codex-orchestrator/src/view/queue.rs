//! The queue, with why each entry is not running.

use orch_api::types::queue::QueueEntry;

use super::of_status;
use crate::output::{Cell, Details, Row, Tone};

impl Row for QueueEntry {
    const HEAD: &'static [&'static str] = &[
        "id", "item", "status", "priority", "attempts", "run", "after",
    ];
    const NAME: &'static str = "queue entries";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.id),
            Cell::new(self.work_item_id),
            of_status(&self.status),
            Cell::new(self.priority),
            Cell::new(self.attempts),
            Cell::optional(self.run_id),
            Cell::ids(&self.depends_on),
        ]
    }

    fn notes(&self) -> Vec<Cell> {
        self.why_not_running
            .iter()
            .map(|why| Cell::new(format!("waits: {}", why.message)).tone(Tone::Waiting))
            .collect()
    }
}

impl Details for QueueEntry {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        let mut fields = vec![
            ("queue entry", Cell::new(self.id)),
            ("work item", Cell::new(self.work_item_id)),
            ("project", Cell::new(self.project_id)),
            ("status", of_status(&self.status)),
            ("priority", Cell::new(self.priority)),
            ("after", Cell::ids(&self.depends_on)),
            ("not before", Cell::time(&self.scheduled_for)),
            ("attempts", Cell::new(self.attempts)),
            ("run", Cell::optional(self.run_id)),
        ];
        fields.extend(
            self.why_not_running
                .iter()
                .map(|why| ("waits", Cell::new(&why.message).tone(Tone::Waiting))),
        );
        fields
    }
}
