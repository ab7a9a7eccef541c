//! Domain and stored values as the API shows them.

use orch_api::types::agent::Agent;
use orch_api::types::approval::Approval;
use orch_api::types::audit::AuditEntry;
use orch_api::types::info_request::InfoRequest;
use orch_api::types::log::LogEntry;
use orch_api::types::model::CostLine;
use orch_api::types::observability::{Fault, Trace, Usage};
use orch_api::types::project::{Project, Quota, Repository};
use orch_api::types::queue::{QueueEntry, WhyNotRunning};
use orch_api::types::run::{Artifact, Run, Step, Summary};
use orch_api::types::vision::Vision;
use orch_api::types::work_item::{Recipe, WorkItem};
use orch_core::approval::Subject;
use orch_core::ids::QueueEntryId;
use orch_core::run::RunState;
use orch_core::time::Timestamp;
use orch_store::model_call::Sum;
use orch_store::segment::Stream;
use serde_json::{Map, Value};

use super::instant;
use crate::app;

pub fn project(project: &orch_core::project::Project) -> Project {
    Project {
        id: project.id.get(),
        name: project.name.clone(),
        description: project.description.clone(),
        weight: project.share.weight.get(),
        max_concurrent_runs: project.max_concurrent_runs,
        repository: project.repository.as_ref().map(repository),
        created_at: project.created_at.to_string(),
    }
}

fn repository(repository: &orch_core::source::Repository) -> Repository {
    Repository {
        url: repository.url.to_string(),
        reference: repository.reference.as_ref().map(ToString::to_string),
    }
}

pub fn quota(project: &orch_core::project::Project, now: Timestamp) -> Quota {
    let quota = project.quota.at(now);
    Quota {
        project_id: project.id.get(),
        max_runs_per_day: quota.max_runs_per_day,
        runs_today: quota.used,
        window_start: quota.window_start.to_string(),
    }
}

pub fn vision(vision: orch_store::vision::Vision) -> Vision {
    let created_at = instant(vision.created_at);
    Vision {
        id: vision.id,
        project_id: vision.project_id,
        content: vision.content,
        created_at,
    }
}

pub fn work_item(item: &orch_core::work_item::WorkItem) -> WorkItem {
    WorkItem {
        id: item.id.get(),
        project_id: item.project_id.get(),
        title: item.title.clone(),
        description: item.description.clone(),
        kind: item.kind,
        state: item.state,
        environment: item.environment.clone(),
        max_retries: item.policy.max_retries,
        backoff_base_seconds: item.policy.backoff_base.map(|base| base.as_secs_f64()),
        backoff_jitter_seconds: item
            .policy
            .backoff_jitter
            .map(|jitter| jitter.as_secs_f64()),
        digest: item.digest.to_hex(),
        concurrency_key: item.concurrency_key.as_ref().map(ToString::to_string),
        reference: item.reference.as_ref().map(ToString::to_string),
        pinned_commit: item.pinned.as_ref().map(|source| source.commit.to_string()),
        created_at: item.created_at.to_string(),
        version: item.version,
        costs: Vec::new(),
    }
}

pub fn recipe(recipe: orch_store::recipe::Recipe) -> Recipe {
    Recipe {
        id: recipe.id,
        work_item_id: recipe.work_item_id,
        yaml: recipe.yaml,
        status: "valid".to_owned(),
        created_at: instant(recipe.created_at),
    }
}

pub fn approval(approval: &orch_core::approval::Approval) -> Approval {
    let decision = approval.decision.as_ref();
    Approval {
        id: approval.id.get(),
        work_item_id: approval.work_item_id.get(),
        run_id: match approval.subject {
            Subject::WorkItem => None,
            Subject::PlannedSteps { run_id } => Some(run_id.get()),
        },
        status: approval.status,
        reason: approval.reason.clone(),
        digest: approval.digest.to_hex(),
        planned_steps: approval
            .planned_steps
            .as_deref()
            .and_then(|steps| serde_json::from_str(steps).ok()),
        created_at: approval.created_at.to_string(),
        decided_at: decision.map(|decision| decision.at.to_string()),
        decided_by: decision.map(|decision| decision.by.clone()),
        decision_reason: decision.and_then(|decision| decision.reason.clone()),
        used_by_entry_id: approval.used_by.map(QueueEntryId::get),
    }
}

pub fn run(run: &orch_core::run::Run) -> Run {
    let finish = match &run.state {
        RunState::Finished(finish) => Some(finish),
        RunState::Running { .. } | RunState::Waiting { .. } => None,
    };
    let claimed_by = run
        .lease()
        .map(|lease| &lease.agent)
        .or(finish.and_then(|finish| finish.agent.as_ref()));
    let began = run.started_at.unwrap_or(run.created_at);
    Run {
        id: run.id.get(),
        work_item_id: run.work_item_id.get(),
        project_id: run.project_id.get(),
        queue_entry_id: run.entry_id.get(),
        status: run.status().to_owned(),
        attempt: run.attempt,
        claimed_by: claimed_by.map(ToString::to_string),
        epoch: run.epoch,
        trace_id: run.trace_id.clone(),
        digest: run.digest.to_hex(),
        repository: run.source.as_ref().map(|source| source.url.clone()),
        commit: run.source.as_ref().map(|source| source.commit.to_string()),
        created_at: run.created_at.to_string(),
        started_at: Some(began.to_string()),
        finished_at: finish.map(|finish| finish.at.to_string()),
        duration_seconds: finish.map(|finish| finish.at.since(began).as_secs_f64()),
        exit_code: finish.and_then(|finish| finish.exit_code),
        reason: finish.and_then(|finish| finish.reason.clone()),
        reports: Vec::new(),
        costs: Vec::new(),
        artifacts_omitted: Vec::new(),
    }
}

pub fn cost(sum: Sum) -> CostLine {
    let count = |value: i64| u64::try_from(value).unwrap_or_default();
    CostLine {
        name: sum.name,
        calls: count(sum.calls),
        failed: count(sum.failed),
        input_tokens: count(sum.input_tokens),
        cached_tokens: count(sum.cached_tokens),
        output_tokens: count(sum.output_tokens),
        cost_microusd: count(sum.cost_microusd),
        unpriced: count(sum.unpriced),
    }
}

fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

pub fn step(step: orch_store::step::Step) -> Step {
    let duration = step.started_at.zip(step.finished_at).map(|(from, to)| {
        Timestamp::from_micros(to)
            .since(Timestamp::from_micros(from))
            .as_secs_f64()
    });
    Step {
        id: step.id,
        run_id: step.run_id,
        number: step.number,
        name: step.name,
        command: step.command,
        status: step.status,
        exit_code: step.exit_code.and_then(|code| i32::try_from(code).ok()),
        started_at: step.started_at.map(instant),
        finished_at: step.finished_at.map(instant),
        duration_seconds: duration,
        detail: object(&step.detail),
    }
}

pub fn artifact(artifact: orch_store::artifact::Artifact) -> Artifact {
    Artifact {
        id: artifact.id,
        run_id: artifact.run_id,
        name: artifact.name,
        media_type: artifact.media_type,
        kind: artifact.kind,
        size_bytes: artifact.size_bytes,
        sha256: artifact.sha256,
        created_at: instant(artifact.created_at),
        step: artifact.step,
        report: artifact.report.as_deref().map(object),
    }
}

pub fn summary(summary: orch_store::summary::Summary) -> Summary {
    Summary {
        id: summary.id,
        run_id: summary.run_id,
        content: summary.content,
        usage: summary.usage.as_deref().map(object),
        created_at: instant(summary.created_at),
    }
}

pub fn info_request(
    app: &app::App,
    request: &orch_store::info_request::InfoRequest,
    show: app::info_request::Show,
) -> app::Result<InfoRequest> {
    Ok(InfoRequest {
        id: request.id.get(),
        run_id: Some(request.run_id.get()),
        project_id: None,
        item: None,
        prompt: request.prompt.clone(),
        required_keys: request
            .fields
            .iter()
            .filter(|field| field.required == orch_core::info_request::Presence::Required)
            .map(|field| field.key.clone())
            .collect(),
        fields: request.fields.clone(),
        status: request.status,
        responses: app::info_request::answers(app, request, show)?,
        created_at: request.created_at.to_string(),
        resolved_at: request.resolved_at.map(|at| at.to_string()),
    })
}

/// A question of requirements, as an info request.
pub fn question(question: app::requirements::Question) -> InfoRequest {
    let is_answered = question.status == orch_core::info_request::Status::Resolved;
    InfoRequest {
        id: question.id.id().get(),
        run_id: None,
        project_id: Some(question.id.project.get()),
        item: Some(question.id.item()),
        prompt: question.prompt,
        required_keys: Vec::new(),
        fields: app::requirements::question_fields(),
        status: question.status,
        responses: is_answered.then(|| {
            let answer = question.answer.into_iter();
            answer.map(|answer| ("answer".to_owned(), answer)).collect()
        }),
        created_at: question.created_at.to_string(),
        resolved_at: is_answered.then(|| question.created_at.to_string()),
    }
}

pub fn queue_entry(explained: app::queue::Explained) -> QueueEntry {
    let app::queue::Explained {
        entry,
        depends_on,
        why,
    } = explained;
    QueueEntry {
        id: entry.id.get(),
        work_item_id: entry.work_item_id.get(),
        project_id: entry.project_id.get(),
        depends_on_work_item_id: depends_on.first().map(|id| id.get()),
        depends_on: depends_on.iter().map(|id| id.get()).collect(),
        priority: entry.priority,
        status: entry.status.as_str().to_owned(),
        scheduled_for: entry.scheduled_for.to_string(),
        attempts: entry.attempts,
        run_id: match entry.status {
            orch_core::queue::Status::Running { run_id } => Some(run_id.get()),
            orch_core::queue::Status::Queued { .. }
            | orch_core::queue::Status::Done
            | orch_core::queue::Status::Failed
            | orch_core::queue::Status::Cancelled => None,
        },
        created_at: entry.created_at.to_string(),
        why_not_running: why
            .into_iter()
            .map(|reason| WhyNotRunning {
                code: reason.code.to_owned(),
                message: reason.message,
                details: reason.details,
            })
            .collect(),
    }
}

pub const fn stream_name(stream: Stream) -> &'static str {
    match stream {
        Stream::System => "system",
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
        Stream::Event => "event",
    }
}

pub fn log_entry(numbered: orch_store::log::Numbered) -> LogEntry {
    let line = numbered.line;
    LogEntry {
        seq: numbered.seq,
        ts: instant(line.at_us),
        stream: stream_name(line.stream).to_owned(),
        step: line.step,
        message: line.message,
        partial: line.partial,
    }
}

pub fn trace(run: &orch_core::run::Run) -> Trace {
    let shown = self::run(run);
    Trace {
        run_id: shown.id,
        trace_id: shown.trace_id,
        work_item_id: shown.work_item_id,
        status: shown.status,
        created_at: shown.created_at,
        started_at: shown.started_at,
        finished_at: shown.finished_at,
        duration_seconds: shown.duration_seconds,
    }
}

pub fn usage(usage: app::observability::Usage) -> Usage {
    let quota = usage.project.quota;
    Usage {
        project_id: usage.project.id.get(),
        name: usage.project.name,
        max_runs_per_day: quota.max_runs_per_day,
        runs_today: quota.used,
        window_start: quota.window_start.to_string(),
        runs_by_status: usage.runs_by_status,
        input_tokens: usage.tokens.0,
        cached_input_tokens: usage.tokens.1,
        output_tokens: usage.tokens.2,
    }
}

pub fn audit_entry(stored: orch_store::audit::Stored) -> AuditEntry {
    let entry = stored.entry;
    AuditEntry {
        seq: entry.seq,
        at: instant(entry.at_us),
        actor: entry.actor,
        kind: entry.kind,
        project_id: entry.project_id,
        data: serde_json::from_str(&entry.body).unwrap_or(Value::Null),
        hash: hex::encode(stored.hash),
    }
}

pub fn agent(agent: orch_store::agent::Agent, connected: bool, holding: Vec<i64>) -> Agent {
    Agent {
        name: agent.name,
        version: agent.version,
        slots: agent.slots,
        labels: serde_json::from_str(&agent.labels).unwrap_or_default(),
        connected,
        holding,
        registered_at: instant(agent.registered_at),
        last_seen_at: instant(agent.last_seen_at),
    }
}

pub fn fault(fault: crate::app::health::Fault) -> Fault {
    let crate::app::health::Fault { finding, since } = fault;
    Fault {
        kind: finding.kind.name().to_owned(),
        what: finding.what,
        since: since.to_string(),
        remedy: finding.remedy.to_owned(),
    }
}
