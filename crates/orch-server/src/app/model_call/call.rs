//! A call as it took place, and its rows: the evidence, and the basis of what work has cost.

use std::sync::Arc;
use std::time::Duration;

use orch_core::time::Timestamp;
use orch_model::{Answer, Ask, Cost, Prices, Usage};
use orch_store::Tx;
use orch_store::model_call::{self, NewModelCall};
use serde_json::{Value, json};

use super::super::budget::{Wallet, bounded, micros, whole};
use super::super::model_counts::Outcome;
use super::super::{App, Result};
use super::Purpose;
use crate::models::{Stop, Veil};

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
    /// Whether that is because the model was not asked in the end.
    pub(super) never_was: bool,
    pub(super) began: Timestamp,
    pub(super) latency: Duration,
    /// Each model that was asked, the one above included.
    pub(super) stops: Vec<Stop>,
    /// Through which the request, the answer and the error above have gone.
    pub(super) veil: Veil,
    pub(super) prices: Arc<Prices>,
    pub(super) wallet: Arc<Wallet>,
}

/// One row of it.
struct Line<'a> {
    model: &'a str,
    answer: Option<&'a str>,
    error: Option<&'a str>,
    usage: Usage,
    latency: Duration,
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

    /// What the model that is named has cost; none where it has no price.
    #[must_use]
    pub fn cost_microusd(&self) -> Option<u64> {
        self.prices.of(&self.model).ok()?;
        Some(self.wallet.cost_of(&self.model).micros())
    }

    /// Adds its rows and audit entries to a transaction, without secrets, and what it cost to the budgets.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep(&self, app: &App, tx: &mut Tx) -> Result<()> {
        let ask = json_of(&self.ask);
        let answer = self.answer.as_ref().map(json_of);
        for (model, stops) in self.passed() {
            let said = stops.iter().rev().find_map(|stop| stop.error.as_ref());
            let said = said.map_or_else(
                || "its answer was of no use".to_owned(),
                |(_, said)| self.veil.text(said),
            );
            if stops.iter().all(|stop| stop.never_was()) && self.costs_nothing(model) {
                self.refuse(app, tx, model, &said);
                continue;
            }
            let mut usage = Usage::default();
            stops.iter().for_each(|stop| usage += stop.usage);
            let line = Line {
                model,
                answer: None,
                error: Some(&said),
                usage,
                latency: stops.iter().map(|stop| stop.latency).sum(),
            };
            self.keep_line(app, tx, &ask, &line).await?;
        }
        let mut own = self.stops.iter().filter(|stop| stop.model == self.model);
        let never_was = self.never_was && own.all(Stop::never_was);
        if never_was && self.costs_nothing(&self.model) {
            let why = self.error.as_deref().unwrap_or_default();
            self.refuse(app, tx, &self.model, why);
            self.wallet.finish(tx).await?;
            return Ok(());
        }
        let line = Line {
            model: &self.model,
            answer: answer.as_deref(),
            error: self.error.as_deref(),
            usage: self.spent_tokens(),
            latency: self.latency,
        };
        self.keep_line(app, tx, &ask, &line).await?;
        self.wallet.finish(tx).await?;
        Ok(())
    }

    fn costs_nothing(&self, model: &str) -> bool {
        self.wallet.cost_of(model) == Cost::ZERO
    }

    /// Says that a model was not asked: this is no call.
    fn refuse(&self, app: &App, tx: &mut Tx, model: &str, why: &str) {
        app.model_counts().refuse(model);
        let mut data = json!({"role": self.role, "model": model, "why": why});
        self.place(&mut data);
        tx.record("model.refused", self.purpose.project, data);
    }

    /// Adds to an audit entry what the call was for.
    fn place(&self, data: &mut Value) {
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
    }

    /// Tokens of the model that is named, also where its answers were of no use.
    fn spent_tokens(&self) -> Usage {
        if self.answer.is_some() {
            return self.usage();
        }
        let mut usage = Usage::default();
        let own = self.stops.iter().filter(|stop| stop.model == self.model);
        own.for_each(|stop| usage += stop.usage);
        usage
    }

    /// Models that were asked before another one took their place.
    fn passed(&self) -> Vec<(&str, Vec<&Stop>)> {
        let mut passed: Vec<(&str, Vec<&Stop>)> = Vec::new();
        for stop in self.stops.iter().filter(|stop| stop.model != self.model) {
            match passed.iter_mut().find(|(model, _)| *model == stop.model) {
                Some((_, stops)) => stops.push(stop),
                None => passed.push((&stop.model, vec![stop])),
            }
        }
        passed
    }

    async fn keep_line(&self, app: &App, tx: &mut Tx, ask: &str, line: &Line<'_>) -> Result<()> {
        let purpose = &self.purpose;
        let cost = self.cost(line);
        let new = NewModelCall {
            orchestration_id: purpose.request.as_ref().map(|(row, _)| *row),
            project_id: purpose.project.map(|id| id.get()),
            plan_id: purpose.plan,
            work_item_id: purpose.work_item.map(|id| id.get()),
            run_id: purpose.run.map(|id| id.get()),
            role: &self.role,
            model: line.model,
            ask,
            answer: line.answer,
            error: line.error,
            input_tokens: whole(line.usage.input_tokens),
            cached_tokens: whole(line.usage.cached_tokens),
            output_tokens: whole(line.usage.output_tokens),
            cost_microusd: cost,
            started_at: self.began,
            latency_us: i64::try_from(line.latency.as_micros()).unwrap_or(i64::MAX),
        };
        model_call::insert(&mut tx.conn, &new).await?;
        let outcome = match line.error {
            Some(_) => Outcome::Failed,
            None => Outcome::Answered,
        };
        app.model_counts()
            .count(line.model, line.usage, cost, outcome);
        let mut data = json!({
            "role": self.role, "model": line.model, "failed": line.error.is_some(),
            "input_tokens": line.usage.input_tokens, "output_tokens": line.usage.output_tokens, "cost_microusd": cost,
        });
        self.place(&mut data);
        if line.answer.is_some() && self.answer.as_ref().is_some_and(|one| one.miscounted) {
            tracing::warn!(
                model.name = line.model,
                "a model's counts of tokens make no sense and are not believed"
            );
            data["miscounted"] = true.into();
        }
        tx.record("model.called", purpose.project, data);
        Ok(())
    }

    /// What all attempts with a model have cost; none where it has no price.
    fn cost(&self, line: &Line<'_>) -> Option<i64> {
        self.prices.of(line.model).ok()?;
        Some(micros(bounded(self.wallet.cost_of(line.model))))
    }
}

fn json_of<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("invariant: what is kept is JSON")
}
