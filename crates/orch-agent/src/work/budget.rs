//! Whether a model may be asked for a run: the server knows the budgets of its work. Where nothing is left, the run waits
//! for a person, and uses no attempt up.

use orch_core::info_request::{Field, FieldKind, Presence, Secrecy};

use super::{answers, steps::Run};
use crate::worker::{Outcome, Question};

impl Run<'_> {
    /// What becomes of a run for which no model may be asked now.
    pub(super) async fn over_budget(&self) -> Option<Outcome> {
        let why = self.job.log.may_ask_model().await.err()?;
        Some(self.put(question(&why)).await)
    }
}

/// What a person is asked where nothing is left of a budget.
pub(super) fn question(why: &str) -> Question {
    Question {
        prompt: format!(
            "no model may be asked for this run: {why}; then answer `retry`, or cancel the run"
        ),
        fields: vec![Field {
            key: answers::RETRY.to_owned(),
            label: Some("Look at the budget again".to_owned()),
            kind: FieldKind::Choice,
            secret: Secrecy::Open,
            required: Presence::Required,
            options: vec!["retry".to_owned()],
        }],
    }
}
