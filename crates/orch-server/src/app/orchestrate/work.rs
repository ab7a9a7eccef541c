//! Working on a request: one role after the other, each told what those before it wrote.

use std::time::Duration;

use orch_api::types::orchestrate::{AgentReport, Orchestration, OrchestrationError};
use orch_core::time::Timestamp;
use orch_model::role::{Material, Part, Role, Turn};
use orch_model::{Answer, Deltas, Finish};
use orch_store::orchestration as store;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

use super::super::model_call::{Asked, Call, NoAnswer, Purpose, Terms, Waiting, ask_role};
use super::super::{App, Result, role};
use super::history;
use super::request::Request;
use super::watch::{Event, Watch};

/// A request is over so long after its deadline at the latest, also where its server died.
pub(super) const GRACE: Duration = Duration::from_secs(30);
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
    Failed(String, Option<u64>),
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
    let purpose = Purpose {
        request: Some((row, request.id.to_string())),
        ..Purpose::at(actor.clone(), request.levels)
    };
    let project = purpose.project;
    let mut material = Material {
        prompt: request.prompt.clone(),
        context: request.context.clone(),
        options: request.options.clone(),
        results: Vec::new(),
        history: turns,
        memory: Vec::new(),
    };
    let mut status = "completed";
    let mut error = None;
    let mut saved_at = started_at;
    for (index, (role, key)) in request.roles.iter().enumerate() {
        let begun = app.store().now();
        reports[index].status = "running".to_owned();
        reports[index].start_time = Some(begun.to_string());
        watch.tell(Event::Agent(reports[index].clone()));
        if let Some(project) = project {
            material.memory = role::told(app, project, role).await?;
        }
        let from = Instant::now();
        let (ended, call) = part(app, &watch, &purpose, (role, key), &material, deadline).await;
        let report = &mut reports[index];
        report.duration_ms = Some(millis(from.elapsed()));
        report.model = app.team().model_name(role);
        if let Some(call) = &call {
            report.model = Some(call.model().to_owned());
            report.model_ms = Some(millis(call.latency()));
            report.cost_microusd = call.cost_microusd();
            let usage = call.usage();
            (report.input_tokens, report.output_tokens) = (usage.input_tokens, usage.output_tokens);
        }
        let is_last = index + 1 == request.roles.len();
        match ended {
            Ended::Well(answer) => {
                report.status = "completed".to_owned();
                report.note = note(answer.finish).map(str::to_owned);
                if let Some(project) = project {
                    role::keep(app, &actor, project, role, &answer.text).await?;
                }
                material.results.push(Part {
                    agent: key.clone(),
                    text: noted(bounded(answer.text), report.note.as_deref()),
                });
            }
            Ended::Failed(reason, retry_after_seconds) => {
                report.status = "failed".to_owned();
                report.error = Some(reason.clone());
                status = "failed";
                error = Some(OrchestrationError {
                    agent: Some(role.title.clone()),
                    reason,
                    retry_after_seconds,
                });
            }
            Ended::Cancelled if app.team().is_closing() => {
                report.status = "cancelled".to_owned();
                status = "failed";
                error = Some(OrchestrationError {
                    agent: Some(role.title.clone()),
                    reason: "the server was shut down while it waited for the model".to_owned(),
                    retry_after_seconds: None,
                });
            }
            Ended::Cancelled => {
                report.status = "cancelled".to_owned();
                status = "cancelled";
                error = Some(OrchestrationError {
                    agent: None,
                    reason: "the request was cancelled, or whoever sent it went away".to_owned(),
                    retry_after_seconds: None,
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
            call: call.as_ref(),
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

/// One role's part.
async fn part(
    app: &App,
    watch: &Watch,
    purpose: &Purpose,
    (role, key): (&Role, &str),
    material: &Material,
    deadline: Instant,
) -> (Ended, Option<Call>) {
    let rendering = {
        let (app, role, material) = (app.clone(), role.clone(), material.clone());
        move || app.team().roles.ask(&role, &material)
    };
    let ask = match app.texts().run(rendering).await {
        Ok(ask) => ask,
        Err(error) => return (Ended::Failed(error.to_string(), None), None),
    };
    let deltas = |text: &str| {
        let (key, text) = (key.to_owned(), text.to_owned());
        watch.tell(Event::Delta { key, text });
    };
    let to: Deltas<'_> = &deltas;
    let parked = |wait: Duration| {
        let (key, seconds) = (key.to_owned(), wait.as_secs());
        watch.tell(Event::Parked { key, seconds });
    };
    let terms = Terms {
        deltas: watch.is_watched().then_some(to),
        parked: &parked,
        stop: &watch.stop,
        deadline,
        waiting: Waiting::Client,
    };
    let Asked { outcome, call } = ask_role(app, purpose, role, ask, terms).await;
    let ended = match outcome {
        Ok(answer) => Ended::Well(answer),
        Err(NoAnswer::Cancelled) => Ended::Cancelled,
        Err(NoAnswer::TooLate(_)) => {
            let seconds = app.team().timeout.as_secs();
            let reason = format!(
                "the request took longer than {seconds} s (ORCH_ORCHESTRATE_TIMEOUT) and was ended"
            );
            Ended::Failed(reason, None)
        }
        Err(why) => Ended::Failed(why.to_string(), why.again_after_seconds()),
    };
    (ended, call)
}

/// What is made durable after a role's part, in one commit.
struct Note<'a> {
    row: i64,
    actor: &'a str,
    request: &'a Request,
    call: Option<&'a Call>,
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
            call.keep(app, &mut tx).await?;
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
                    Some(&agents),
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

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What is wrong with an answer that counts nevertheless.
const fn note(finish: Finish) -> Option<&'static str> {
    match finish {
        Finish::Length => Some("cut: the answer reached the bound of tokens (max_output_tokens)"),
        Finish::Filtered => Some("cut: the provider held a part of the answer back"),
        Finish::Stop | Finish::Tools | Finish::Refused => None,
    }
}

/// A text that says what is wrong with it, so that the roles after it know too.
fn noted(text: String, note: Option<&str>) -> String {
    match note {
        Some(note) => format!("{}\n[{note}]", text.trim_end()),
        None => text,
    }
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
