//! Working on a request: one role after the other, each told what those before it wrote.

use std::time::Duration;

use orch_api::types::orchestrate::{AgentReport, Orchestration, OrchestrationError};
use orch_core::time::Timestamp;
use orch_model::role::{Material, Output, Part, Role, Turn};
use orch_model::{Answer, Ask, Class, Deltas, ModelError, Provider, ask_structured};
use orch_store::model_call::{self, NewModelCall};
use orch_store::orchestration as store;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

use super::super::{App, Result};
use super::history;
use super::request::Request;
use super::watch::{Event, Watch};

/// A request is over so long after its deadline at the latest, also where its server died.
pub(super) const GRACE: Duration = Duration::from_secs(30);
/// A limit that lifts at once is not asked about again at once.
const SHORTEST_PARK: Duration = Duration::from_secs(1);
/// What one role may hand on; more is cut, and says so.
const MAX_TEXT_BYTES: usize = 1024 * 1024;

/// A request, and what there is to it.
#[derive(Debug)]
pub(super) struct Job {
    pub row: i64,
    pub request: Request,
    pub turns: Vec<Turn>,
    pub reports: Vec<AgentReport>,
    pub watch: Watch,
    pub actor: String,
    pub started_at: Timestamp,
}

/// What is kept of each role: its report and its words.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    #[serde(flatten)]
    pub report: AgentReport,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// How a role's part ended.
enum Ended {
    Well(Answer),
    Failed(String),
    Cancelled,
}

/// Nothing has happened yet.
pub(super) fn reports(request: &Request) -> Vec<AgentReport> {
    let report = |(role, key): &(Role, String)| AgentReport {
        agent: role.title.clone(),
        key: key.clone(),
        status: "waiting".to_owned(),
        ..AgentReport::default()
    };
    request.roles.iter().map(report).collect()
}

/// Reports with the words of those that are done.
pub(super) fn kept(reports: &[AgentReport], parts: &[Part]) -> Vec<Kept> {
    let text = |report: &AgentReport| {
        let part = parts.iter().find(|part| part.agent == report.key);
        part.map(|part| part.text.clone())
    };
    let keep = |report: &AgentReport| Kept {
        report: report.clone(),
        text: text(report),
    };
    reports.iter().map(keep).collect()
}

/// Works until the end, and says how it was.
pub(super) async fn run(app: &App, job: Job) -> Result<Orchestration> {
    let Job {
        row,
        request,
        turns,
        mut reports,
        watch,
        actor,
        started_at,
    } = job;
    let deadline = Instant::now() + app.team().timeout;
    let mut material = Material {
        prompt: request.prompt.clone(),
        context: request.context.clone(),
        options: request.options.clone(),
        results: Vec::new(),
        history: turns,
    };
    let mut status = "completed";
    let mut error = None;
    let mut saved_at = started_at;
    for (index, (role, key)) in request.roles.iter().enumerate() {
        let begun = app.store().now();
        reports[index].status = "running".to_owned();
        reports[index].start_time = Some(begun.to_string());
        watch.tell(Event::Agent(reports[index].clone()));
        let from = Instant::now();
        let (ended, call) = part(app, &watch, role, key, &material, deadline).await;
        let report = &mut reports[index];
        report.duration_ms = Some(millis(from.elapsed()));
        report.model = app.team().model_name(role);
        if let Some(call) = &call {
            report.model_ms = Some(millis(call.latency));
            let usage = call
                .answer
                .as_ref()
                .map(|answer| answer.usage)
                .unwrap_or_default();
            (report.input_tokens, report.output_tokens) = (usage.input_tokens, usage.output_tokens);
        }
        let is_last = index + 1 == request.roles.len();
        match ended {
            Ended::Well(answer) => {
                report.status = "completed".to_owned();
                material.results.push(Part {
                    agent: key.clone(),
                    text: bounded(answer.text),
                });
            }
            Ended::Failed(reason) => {
                report.status = "failed".to_owned();
                report.error = Some(reason.clone());
                status = "failed";
                error = Some(OrchestrationError {
                    agent: Some(role.title.clone()),
                    reason,
                });
            }
            Ended::Cancelled if app.team().is_closing() => {
                report.status = "cancelled".to_owned();
                status = "failed";
                error = Some(OrchestrationError {
                    agent: Some(role.title.clone()),
                    reason: "the server was shut down while it waited for the model".to_owned(),
                });
            }
            Ended::Cancelled => {
                report.status = "cancelled".to_owned();
                status = "cancelled";
                error = Some(OrchestrationError {
                    agent: None,
                    reason: "the request was cancelled, or whoever sent it went away".to_owned(),
                });
            }
        }
        watch.tell(Event::Agent(report.clone()));
        let is_over = is_last || error.is_some();
        if error.is_some() {
            for later in &mut reports[index + 1..] {
                later.status = "skipped".to_owned();
            }
        }
        let note = Note {
            row,
            actor: &actor,
            request: &request,
            role,
            call: call.as_ref(),
            called_at: begun,
            kept: &kept(&reports, &material.results),
            over: is_over.then_some((status, error.as_ref())),
        };
        saved_at = note.save(app).await?;
        if is_over {
            break;
        }
    }
    Ok(history::whole(
        (&request.id.to_string(), &request.session.to_string()),
        status,
        error,
        (started_at, Some(saved_at)),
        kept(&reports, &material.results),
    ))
}

/// A model's call as it took place.
#[derive(Debug)]
struct Call {
    model: String,
    ask: Ask,
    answer: Option<Answer>,
    error: Option<String>,
    latency: Duration,
}

/// One role's part.
async fn part(
    app: &App,
    watch: &Watch,
    role: &Role,
    key: &str,
    material: &Material,
    deadline: Instant,
) -> (Ended, Option<Call>) {
    let ask = match app.team().roles.ask(role, material) {
        Ok(ask) => ask,
        Err(error) => return (Ended::Failed(error.to_string()), None),
    };
    let Some(model) = app.team().model(role) else {
        let reason = "no model is configured: set OPENAI_API_KEY, or ORCH_OPENAI_BASE_URL for a server of your own (vLLM, Ollama), \
                      and start the server again";
        return (Ended::Failed(reason.to_owned()), None);
    };
    let deltas = |text: &str| {
        if watch.is_watched() {
            let (key, text) = (key.to_owned(), text.to_owned());
            watch.tell(Event::Delta { key, text });
        }
    };
    let from = Instant::now();
    let asking = async {
        loop {
            match answer(model.as_ref(), &ask, role, &deltas).await {
                // A limit that lifts in time is waited for; it uses no attempt up.
                Err(error @ ModelError::UsageLimit { .. }) => match lifts(&error, deadline) {
                    Some(wait) => {
                        watch.tell(Event::Parked {
                            key: key.to_owned(),
                            seconds: wait.as_secs(),
                        });
                        tokio::time::sleep(wait).await;
                    }
                    None => return Err(error.to_string()),
                },
                asked => return asked.map_err(|error| error.to_string()),
            }
        }
    };
    let asked = tokio::select! {
        biased;
        () = watch.stop.cancelled() => None,
        () = tokio::time::sleep_until(deadline) => Some(Err(format!(
            "the request took longer than {} s (ORCH_ORCHESTRATE_TIMEOUT) and was ended",
            app.team().timeout.as_secs()
        ))),
        asked = asking => Some(asked),
    };
    let (answer, error, ended) = match asked {
        None => (None, Some("cancelled".to_owned()), Ended::Cancelled),
        Some(Err(reason)) => (None, Some(reason.clone()), Ended::Failed(reason)),
        Some(Ok(answer)) if answer.text.trim().is_empty() => {
            let reason = "the model answered without a text".to_owned();
            (Some(answer), Some(reason.clone()), Ended::Failed(reason))
        }
        Some(Ok(answer)) => (Some(answer.clone()), None, Ended::Well(answer)),
    };
    let call = Call {
        model: model.model().to_owned(),
        ask,
        answer,
        error,
        latency: from.elapsed(),
    };
    (ended, Some(call))
}

/// What a role says: in the form that it must have, where it must have one.
async fn answer(
    model: &dyn Provider,
    ask: &Ask,
    role: &Role,
    deltas: Deltas<'_>,
) -> std::result::Result<Answer, ModelError> {
    let Output::Json(schema) = &role.output else {
        return model.ask(ask, deltas).await;
    };
    let fitting = ask_structured(model, ask, schema, deltas).await?;
    Ok(Answer {
        text: fitting.value.to_string(),
        usage: fitting.usage,
        ..fitting.answer
    })
}

/// How long until a limit lifts, where that is told and before the deadline.
fn lifts(error: &ModelError, deadline: Instant) -> Option<Duration> {
    let Class::Parked { after } = error.class() else {
        return None;
    };
    let wait = after?.max(SHORTEST_PARK);
    (Instant::now() + wait < deadline).then_some(wait)
}

/// What is made durable after a role's part, in one commit.
struct Note<'a> {
    row: i64,
    actor: &'a str,
    request: &'a Request,
    role: &'a Role,
    call: Option<&'a Call>,
    called_at: Timestamp,
    kept: &'a [Kept],
    over: Option<(&'static str, Option<&'a OrchestrationError>)>,
}

impl Note<'_> {
    /// Tells when that was.
    async fn save(&self, app: &App) -> Result<Timestamp> {
        let agents = serde_json::to_string(self.kept).expect("invariant: reports serialise");
        let mut tx = app.store().begin(self.actor).await?;
        let id = self.request.id.to_string();
        if let Some(call) = self.call {
            let usage = call
                .answer
                .as_ref()
                .map(|answer| answer.usage)
                .unwrap_or_default();
            let ask = serde_json::to_string(&call.ask).expect("invariant: asks serialise");
            let answer = call
                .answer
                .as_ref()
                .map(|answer| serde_json::to_string(answer).expect("invariant: answers serialise"));
            let cost = app.team().models().cost(&call.model, usage);
            let new = NewModelCall {
                orchestration_id: Some(self.row),
                role: &self.role.name,
                model: &call.model,
                ask: &ask,
                answer: answer.as_deref(),
                error: call.error.as_deref(),
                input_tokens: whole(usage.input_tokens),
                cached_tokens: whole(usage.cached_tokens),
                output_tokens: whole(usage.output_tokens),
                cost_microusd: cost,
                started_at: self.called_at,
                latency_us: i64::try_from(call.latency.as_micros()).unwrap_or(i64::MAX),
            };
            model_call::insert(&mut tx.conn, &new).await?;
            let data = json!({
                "request_id": id, "role": self.role.name, "model": call.model, "failed": call.error.is_some(),
                "input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens, "cost_microusd": cost,
            });
            tx.record("model.called", None, data);
        }
        match self.over {
            None => store::progress(&mut tx.conn, self.row, &agents).await?,
            Some((status, error)) => {
                let error = error.map(|error| {
                    serde_json::to_string(error).expect("invariant: errors serialise")
                });
                let now = tx.now();
                store::end(
                    &mut tx.conn,
                    self.row,
                    status,
                    &agents,
                    error.as_deref(),
                    now,
                )
                .await?;
                let data = json!({"request_id": id, "status": status});
                tx.record("orchestration.ended", None, data);
            }
        }
        let now = tx.now();
        tx.commit().await?;
        Ok(now)
    }
}

fn whole(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A text within its bound.
fn bounded(mut text: String) -> String {
    if text.len() <= MAX_TEXT_BYTES {
        return text;
    }
    text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
    text.push_str("\n[cut: the answer was longer than 1 MiB]");
    text
}
