//! Requests to the team, sessions, roles, calls of models.

use orch_api::types::orchestrate::{
    AgentReport, AgentRole, ModelCall, Orchestration, OrchestrationSession, OrchestrationSummary,
};

use super::model::money;
use super::of_status;
use crate::output::{Cell, Details, Row};

/// Milliseconds as people read them.
fn took(ms: Option<u64>) -> Cell {
    match ms {
        None => Cell::new("-"),
        Some(ms) if ms < 1000 => Cell::new(format!("{ms} ms")),
        Some(ms) => Cell::new(format!("{}.{} s", ms / 1000, ms % 1000 / 100)),
    }
}

/// Dollars; `-` where the model has no price or none was asked.
fn cost(micros: Option<u64>) -> Cell {
    micros.map_or_else(|| Cell::new("-"), money)
}

impl Row for OrchestrationSummary {
    const HEAD: &'static [&'static str] = &["request", "status", "started", "agents", "prompt"];
    const NAME: &'static str = "requests";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.request_id),
            of_status(&self.status),
            Cell::time(&self.start_time),
            Cell::new(self.agent_sequence.join(", ")),
            Cell::new(self.prompt.lines().next().unwrap_or_default()),
        ]
    }
}

impl Row for OrchestrationSession {
    const HEAD: &'static [&'static str] = &["session", "active", "requests", "created", "used"];
    const NAME: &'static str = "sessions";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.session_id),
            Cell::new(if self.active { "yes" } else { "no" }),
            Cell::new(self.requests),
            Cell::time(&self.created_at),
            Cell::time(&self.used_at),
        ]
    }
}

impl Row for AgentRole {
    const HEAD: &'static [&'static str] = &["name", "shown as", "model", "about"];
    const NAME: &'static str = "roles";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.name),
            Cell::new(&self.title),
            Cell::new(self.model.as_deref().unwrap_or("-")),
            Cell::new(&self.about),
        ]
    }
}

impl Row for AgentReport {
    const HEAD: &'static [&'static str] = &[
        "agent",
        "status",
        "took",
        "model",
        "tokens in",
        "tokens out",
        "cost",
        "note",
    ];
    const NAME: &'static str = "agents";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.agent),
            of_status(&self.status),
            took(self.duration_ms),
            Cell::new(self.model.as_deref().unwrap_or("-")),
            Cell::new(self.input_tokens),
            Cell::new(self.output_tokens),
            cost(self.cost_microusd),
            Cell::new(self.note.as_deref().unwrap_or("-")),
        ]
    }
}

impl Row for ModelCall {
    const HEAD: &'static [&'static str] = &[
        "role",
        "model",
        "started",
        "took",
        "tokens in",
        "tokens out",
        "cost",
        "error",
    ];
    const NAME: &'static str = "calls";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.role),
            Cell::new(&self.model),
            Cell::time(&self.started_at),
            took(Some(self.latency_ms)),
            Cell::new(self.input_tokens),
            Cell::new(self.output_tokens),
            cost(self.cost_microusd),
            Cell::new(self.error.as_deref().unwrap_or("-")),
        ]
    }
}

impl Details for Orchestration {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        let mut fields = vec![
            ("request", Cell::new(&self.request_id)),
            ("session", Cell::new(&self.session_id)),
            ("status", of_status(&self.status)),
            ("started", Cell::time(&self.metadata.start_time)),
            (
                "took",
                took(
                    self.metadata
                        .end_time
                        .as_ref()
                        .map(|_| self.metadata.duration_ms),
                ),
            ),
        ];
        if let Some(error) = &self.error {
            let agent = error
                .agent
                .as_ref()
                .map_or(String::new(), |agent| format!("{agent}: "));
            fields.push(("reason", Cell::new(format!("{agent}{}", error.reason))));
        }
        fields
    }
}
