//! Questions of agents.

use orch_api::types::info_request::InfoRequest;
use orch_core::info_request::{Field, Presence, Secrecy};

use super::of_status;
use crate::output::{Cell, Details, Row, Tone};

impl Row for InfoRequest {
    const HEAD: &'static [&'static str] = &["id", "run", "status", "created", "question"];
    const NAME: &'static str = "questions";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.id),
            asked_by(self),
            of_status(self.status.as_str()),
            Cell::time(&self.created_at),
            Cell::new(&self.prompt),
        ]
    }

    fn notes(&self) -> Vec<Cell> {
        let keys: Vec<String> = self.fields.iter().map(describe).collect();
        vec![Cell::new(format!("asks for {}", keys.join(", "))).tone(Tone::Faint)]
    }
}

impl Details for InfoRequest {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        let keys: Vec<String> = self.fields.iter().map(describe).collect();
        vec![
            ("question", Cell::new(self.id)),
            ("run", asked_by(self)),
            ("status", of_status(self.status.as_str())),
            ("asks for", Cell::new(keys.join(", "))),
            ("created", Cell::time(&self.created_at)),
            ("answered", Cell::optional_time(self.resolved_at.as_deref())),
        ]
    }

    fn body(&self) -> Option<&str> {
        Some(&self.prompt)
    }
}

/// The run, or the item of which requirements.
fn asked_by(question: &InfoRequest) -> Cell {
    match (question.run_id, question.project_id, &question.item) {
        (Some(run), _, _) => Cell::new(run),
        (None, Some(project), Some(item)) => Cell::new(format!("{item} of project {project}")),
        (None, _, _) => Cell::new("-"),
    }
}

fn describe(field: &Field) -> String {
    let secret = match field.secret {
        Secrecy::Secret => Some("secret"),
        Secrecy::Open => None,
    };
    let optional = match field.required {
        Presence::Required => None,
        Presence::Optional => Some("optional"),
    };
    let options = (!field.options.is_empty()).then(|| field.options.join("|"));
    let words: Vec<&str> = [secret, optional, options.as_deref()]
        .into_iter()
        .flatten()
        .collect();
    if words.is_empty() {
        field.key.clone()
    } else {
        format!("{} ({})", field.key, words.join(", "))
    }
}
