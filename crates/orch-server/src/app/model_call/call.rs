//! A call as it took place, and its row: the evidence, and the basis of what work has cost.

use std::time::Duration;

use orch_core::time::Timestamp;
use orch_model::{Answer, Ask, Usage};
use orch_store::Tx;
use orch_store::model_call::{self, NewModelCall};
use serde_json::json;

use super::super::{App, Result};
use super::Purpose;

/// A call that is over. It is to be kept, whatever came of it.
#[must_use = "a call is evidence: keep it"]
#[derive(Debug)]
pub struct Call {
    pub(super) purpose: Purpose,
    pub(super) role: String,
    pub(super) model: String,
    pub(super) ask: Ask,
    pub(super) answer: Option<Answer>,
    pub(super) error: Option<String>,
    pub(super) began: Timestamp,
    pub(super) latency: Duration,
}

impl Call {
    /// The model that was asked, or of several the one that answered.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    #[must_use]
    pub fn usage(&self) -> Usage {
        self.answer
            .as_ref()
            .map(|answer| answer.usage)
            .unwrap_or_default()
    }

    #[must_use]
    pub fn latency(&self) -> Duration {
        self.latency
    }

    /// Adds its row and its audit entry to a transaction, without secrets.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep(&self, app: &App, tx: &mut Tx) -> Result<()> {
        let usage = self.usage();
        let models = app.team().models();
        let (ask, answer) = (
            models.redacted(&self.ask),
            self.answer.as_ref().map(|answer| models.redacted(answer)),
        );
        let error = self.error.as_deref().map(|error| models.redact(error));
        let cost = models.cost(&self.model, usage);
        let new = NewModelCall {
            orchestration_id: self.purpose.request.as_ref().map(|(row, _)| *row),
            role: &self.role,
            model: &self.model,
            ask: &ask,
            answer: answer.as_deref(),
            error: error.as_deref(),
            input_tokens: whole(usage.input_tokens),
            cached_tokens: whole(usage.cached_tokens),
            output_tokens: whole(usage.output_tokens),
            cost_microusd: cost,
            started_at: self.began,
            latency_us: i64::try_from(self.latency.as_micros()).unwrap_or(i64::MAX),
        };
        model_call::insert(&mut tx.conn, &new).await?;
        let mut data = json!({
            "role": self.role, "model": self.model, "failed": self.error.is_some(),
            "input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens, "cost_microusd": cost,
        });
        let purpose = &self.purpose;
        let known = [
            ("plan_id", purpose.plan),
            ("work_item_id", purpose.work_item.map(|id| id.get())),
            ("run_id", purpose.run.map(|id| id.get())),
        ];
        for (name, id) in known {
            if let Some(id) = id {
                data[name] = id.into();
            }
        }
        if let Some((_, id)) = &purpose.request {
            data["request_id"] = id.as_str().into();
        }
        tx.record("model.called", purpose.project, data);
        Ok(())
    }
}

fn whole(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}
