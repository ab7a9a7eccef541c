//! Work items, their policies and their recipes.

use orch_api::client::RetryPolicy;
use orch_api::types::work_item::{Recipe, WorkItem};

use super::of_status;
use crate::output::{Cell, Details, Row};

impl Row for WorkItem {
    const HEAD: &'static [&'static str] = &["id", "project", "kind", "state", "title"];
    const NAME: &'static str = "work items";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.id),
            Cell::new(self.project_id),
            Cell::new(self.kind.as_str()),
            of_status(self.state.as_str()),
            Cell::new(&self.title),
        ]
    }
}

impl Details for WorkItem {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("work item", Cell::new(self.id)),
            ("project", Cell::new(self.project_id)),
            ("title", Cell::new(&self.title)),
            ("kind", Cell::new(self.kind.as_str())),
            ("state", of_status(self.state.as_str())),
            ("environment", Cell::optional(self.environment.as_ref())),
            ("retries", or_default(self.max_retries)),
            (
                "backoff base",
                or_default(self.backoff_base_seconds.map(seconds)),
            ),
            (
                "backoff jitter",
                or_default(self.backoff_jitter_seconds.map(seconds)),
            ),
            ("ref", Cell::optional(self.reference.as_ref())),
            ("pinned commit", Cell::optional(self.pinned_commit.as_ref())),
            ("digest", Cell::new(&self.digest)),
            ("created", Cell::time(&self.created_at)),
        ]
    }

    fn body(&self) -> Option<&str> {
        Some(&self.description)
    }
}

impl Details for RetryPolicy {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("retries", or_default(self.max_retries)),
            (
                "backoff base",
                or_default(self.backoff_base_seconds.map(seconds)),
            ),
            (
                "backoff jitter",
                or_default(self.backoff_jitter_seconds.map(seconds)),
            ),
        ]
    }
}

impl Details for Recipe {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("recipe", Cell::new(self.id)),
            ("work item", Cell::new(self.work_item_id)),
            ("status", of_status(&self.status)),
            ("created", Cell::time(&self.created_at)),
        ]
    }

    fn body(&self) -> Option<&str> {
        Some(&self.yaml)
    }
}

fn or_default(value: Option<impl ToString>) -> Cell {
    value.map_or_else(|| Cell::new("the server's default"), Cell::new)
}

fn seconds(seconds: f64) -> String {
    format!("{seconds} s")
}
