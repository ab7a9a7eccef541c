//! Approvals.

use orch_api::types::approval::Approval;

use super::of_status;
use crate::output::{Cell, Details, Row};

impl Row for Approval {
    const HEAD: &'static [&'static str] = &["id", "item", "run", "status", "created", "reason"];
    const NAME: &'static str = "approvals";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.id),
            Cell::new(self.work_item_id),
            Cell::optional(self.run_id),
            of_status(self.status.as_str()),
            Cell::time(&self.created_at),
            Cell::new(self.reason.as_deref().unwrap_or_default()),
        ]
    }
}

impl Details for Approval {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        let mut fields = vec![
            ("approval", Cell::new(self.id)),
            ("work item", Cell::new(self.work_item_id)),
            (
                "of",
                Cell::new(self.run_id.map_or_else(
                    || "the work item".to_owned(),
                    |run| format!("the steps planned in run {run}"),
                )),
            ),
            ("status", of_status(self.status.as_str())),
            ("asked because", Cell::optional(self.reason.as_ref())),
            ("digest", Cell::new(&self.digest)),
            ("created", Cell::time(&self.created_at)),
        ];
        for (place, step) in self.planned_steps.iter().flatten().enumerate() {
            // A plain step is its command; one with more is shown whole, as JSON.
            let text = step
                .as_str()
                .map_or_else(|| step.to_string(), str::to_owned);
            fields.push(("step", Cell::new(format!("{}. {text}", place + 1))));
        }
        if let Some(by) = &self.decided_by {
            let at = self
                .decided_at
                .as_deref()
                .map(|at| format!("{} ", Cell::time(at).text))
                .unwrap_or_default();
            fields.push(("decided", Cell::new(format!("{at}by {by}"))));
        }
        if let Some(reason) = &self.decision_reason {
            fields.push(("decided because", Cell::new(reason)));
        }
        fields
    }
}
