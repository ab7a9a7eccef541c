//! Runs, their steps and their artifacts.

use orch_api::types::run::{Artifact, OmittedArtifact, Report, Run, Step};

use super::of_status;
use crate::output::{Cell, Details, Row};

impl Row for Run {
    const HEAD: &'static [&'static str] = &[
        "id", "item", "attempt", "status", "created", "took", "agent", "reason",
    ];
    const NAME: &'static str = "runs";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.id),
            Cell::new(self.work_item_id),
            Cell::new(self.attempt),
            of_status(&self.status),
            Cell::time(&self.created_at),
            Cell::seconds(self.duration_seconds),
            Cell::optional(self.claimed_by.as_ref()),
            Cell::new(self.reason.as_deref().unwrap_or_default()),
        ]
    }
}

impl Details for Run {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        let mut fields = vec![
            ("run", Cell::new(self.id)),
            ("work item", Cell::new(self.work_item_id)),
            ("project", Cell::new(self.project_id)),
            ("attempt", Cell::new(self.attempt)),
            ("status", of_status(&self.status)),
        ];
        if let Some(reason) = &self.reason {
            fields.push(("reason", Cell::new(reason)));
        }
        fields.extend([
            ("exit code", Cell::optional(self.exit_code)),
            ("agent", Cell::optional(self.claimed_by.as_ref())),
            ("epoch", Cell::new(self.epoch)),
            ("created", Cell::time(&self.created_at)),
            ("started", Cell::optional_time(self.started_at.as_deref())),
            ("finished", Cell::optional_time(self.finished_at.as_deref())),
            ("took", Cell::seconds(self.duration_seconds)),
            ("trace", Cell::new(&self.trace_id)),
            ("digest", Cell::new(&self.digest)),
            ("repository", Cell::optional(self.repository.as_ref())),
            ("commit", Cell::optional(self.commit.as_ref())),
        ]);
        fields
    }
}

impl Row for Step {
    const HEAD: &'static [&'static str] = &["step", "status", "exit", "took", "name"];
    const NAME: &'static str = "steps";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.number),
            of_status(&self.status),
            Cell::optional(self.exit_code),
            Cell::seconds(self.duration_seconds),
            Cell::new(&self.name),
        ]
    }
}

impl Row for Artifact {
    const HEAD: &'static [&'static str] = &["id", "kind", "bytes", "media type", "name"];
    const NAME: &'static str = "artifacts";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.id),
            Cell::new(&self.kind),
            Cell::new(self.size_bytes),
            Cell::new(&self.media_type),
            Cell::new(&self.name),
        ]
    }
}

impl Row for Report {
    const HEAD: &'static [&'static str] = &["artifact", "format", "name", "what it says"];
    const NAME: &'static str = "reports";

    fn cells(&self) -> Vec<Cell> {
        let format = self.report.get("format").and_then(|format| format.as_str());
        vec![
            Cell::new(self.artifact_id),
            Cell::new(format.unwrap_or_default()),
            Cell::new(&self.name),
            Cell::new(summed_up(self)),
        ]
    }
}

/// A report on one line.
fn summed_up(report: &Report) -> String {
    let report = &report.report;
    let shown = |key: &str| report.get(key).map(ToString::to_string).unwrap_or_default();
    let text = |key: &str| {
        report
            .get(key)
            .and_then(|value| value.as_str())
            .unwrap_or_default()
    };
    match text("format") {
        "junit" => format!(
            "{} tests, {} failed, {} errors, {} skipped",
            shown("tests"),
            shown("failures"),
            shown("errors"),
            shown("skipped")
        ),
        "sarif" => format!("{} findings {}", shown("results"), shown("levels")),
        "coverage" => format!(
            "{} % of {} lines ({})",
            shown("percent"),
            shown("lines"),
            text("source")
        ),
        "cyclonedx" => format!(
            "{} components, {} vulnerabilities",
            shown("components"),
            shown("vulnerabilities")
        ),
        _ => format!("{}: {}", text("of"), text("why")),
    }
}

impl Row for OmittedArtifact {
    const HEAD: &'static [&'static str] = &["path", "why it was not kept"];
    const NAME: &'static str = "files";

    fn cells(&self) -> Vec<Cell> {
        vec![Cell::new(&self.path), Cell::new(&self.reason)]
    }
}
