//! The single calls of the contract, for agents without a stream; and reading contract messages.

use std::time::Duration;

use orch_api::proto::{
    Artifact, AwaitApprovalReply, AwaitApprovalRequest, EmitArtifactReply, EmitArtifactRequest,
    LogLine, ReportProgressReply, ReportProgressRequest, RequestToolReply, RequestToolRequest,
    StartTaskReply, StartTaskRequest, StepReport,
};
use orch_core::approval::Status as ApprovalStatus;
use orch_core::engine::Reach;
use orch_core::ids::RunId;
use orch_core::time::Timestamp;
use orch_store::segment::{self, Stream};
use orch_store::{Command, Reply};
use serde_json::{Map, Value};
use tonic::{Response, Status};

use crate::app::agents::Answers;
use crate::app::tool_request::Decision;
use crate::app::{App, AppError, approval, artifact, checks, log, plan, run, step, tool_request};
use crate::reconcile;

type Sent<T> = Result<Response<T>, Status>;

/// How long a call waits for a decision.
const DECISION_WITHIN: Duration = Duration::from_secs(30);
/// Longer log lines are cut.
const LONGEST_LINE: usize = 512 * 1024;

/// Log lines of a message as they are stored.
pub fn lines_of(lines: Vec<LogLine>, now: Timestamp) -> Vec<segment::LogLine> {
    let line = |line: LogLine| {
        let mut message = line.message;
        if message.len() > LONGEST_LINE {
            message.truncate(message.floor_char_boundary(LONGEST_LINE));
        }
        segment::LogLine {
            at_us: if line.at_us > 0 {
                line.at_us
            } else {
                now.as_micros()
            },
            stream: match line.stream {
                0 => Stream::System,
                2 => Stream::Stderr,
                3 => Stream::Event,
                _ => Stream::Stdout,
            },
            step: (line.step > 0).then_some(line.step),
            partial: line.partial,
            message,
        }
    };
    lines.into_iter().map(line).collect()
}

/// A step's report of a message.
pub fn report_of(report: StepReport) -> Result<orch_store::StepReport, AppError> {
    let mut detail: Option<Map<String, Value>> = match report.detail_json.as_str() {
        "" => None,
        json => Some(
            serde_json::from_str(json)
                .map_err(|error| AppError::invalid("detail_json", error.to_string()))?,
        ),
    };
    if report.once {
        let detail = detail.get_or_insert_default();
        detail.insert("idempotent".to_owned(), Value::Bool(false));
        detail.insert("epoch".to_owned(), report.epoch.into());
    }
    if let Some(bytes) = report.snapshot_bytes {
        let snapshot = serde_json::json!({"bytes": bytes, "entries": report.snapshot_entries});
        detail
            .get_or_insert_default()
            .insert("snapshot".to_owned(), snapshot);
    }
    let optional = |text: String| (!text.is_empty()).then_some(text);
    Ok(orch_store::StepReport {
        number: (report.number > 0).then(|| i64::from(report.number)),
        name: optional(report.name),
        command: optional(report.command),
        status: optional(report.status),
        exit_code: report.exit_code,
        detail,
        epoch: Some(report.epoch),
    })
}

/// An artifact of a message.
pub fn artifact_of(new: Artifact) -> artifact::New {
    let optional = |text: String| (!text.is_empty()).then_some(text);
    artifact::New {
        name: new.name,
        media_type: optional(new.media_type),
        kind: optional(new.artifact_kind),
        content: new.content,
        epoch: Some(new.epoch),
    }
}

/// A tool of a message.
pub fn tool_of(asked: RequestToolRequest) -> tool_request::Ask {
    tool_request::Ask {
        epoch: Some(asked.epoch),
        name: asked.name,
        version: asked.version,
        signed_by: asked.signed_by,
    }
}

pub async fn request_tool(app: &App, request: RequestToolRequest) -> Sent<RequestToolReply> {
    let agent = checks::agent(&request.agent_id)?;
    let run = RunId(request.run_id);
    let actor = format!("agent:{agent}");
    let decided = tool_request::decide(app, &actor, run, tool_of(request)).await?;
    let (status, reason) = match decided {
        Decision::Granted => ("granted", String::new()),
        Decision::Denied(reason) => ("denied", reason),
        Decision::Pending(asked) => ("pending", asked),
    };
    Ok(Response::new(RequestToolReply {
        status: status.to_owned(),
        reason,
    }))
}

pub async fn start_task(app: &App, request: StartTaskRequest) -> Sent<StartTaskReply> {
    let agent = checks::agent(&request.agent_id)?;
    let actor = format!("agent:{agent}");
    let ttl = match request.claim_ttl_ms {
        0 => run::DEFAULT_TTL,
        ms => Duration::from_millis(ms.clamp(1000, 86_400_000)),
    };
    let claimed = if request.run_id == 0 {
        let command = Command::Dispatch {
            agent,
            slots: 1,
            ttl,
            reach: Reach::StartedRuns,
        };
        match app
            .store()
            .submit(&actor, command)
            .await
            .map_err(AppError::from)?
        {
            Reply::Runs(runs) => runs.into_iter().next(),
            _ => None,
        }
    } else {
        Some(run::claim(app, &actor, RunId(request.run_id), agent, Some(ttl)).await?)
    };
    let Some(run) = claimed else {
        return Ok(Response::new(StartTaskReply { assignment: None }));
    };
    let answers = if app.vault().admits(&request.secret) {
        Answers::Readable
    } else {
        Answers::Sealed
    };
    let assignment = reconcile::assignment(app, &run, answers).await?;
    if assignment.is_none() {
        run::release(app, &actor, run.id, Some(run.epoch)).await?;
        return Err(Status::failed_precondition(
            "the work item is being changed; try again",
        ));
    }
    Ok(Response::new(StartTaskReply { assignment }))
}

pub async fn report_progress(
    app: &App,
    request: ReportProgressRequest,
) -> Sent<ReportProgressReply> {
    let agent = checks::agent(&request.agent_id)?;
    let actor = format!("agent:{agent}");
    let (id, epoch) = (RunId(request.run_id), Some(request.epoch));
    let run = run::heartbeat(app, &actor, id, agent, epoch, None).await?;
    if !request.lines.is_empty() {
        log::append(
            app,
            &actor,
            id,
            epoch,
            lines_of(request.lines, app.store().now()),
        )
        .await?;
    }
    if let Some(mut report) = request.step {
        report.epoch = request.epoch;
        step::report(app, &actor, id, report_of(report)?).await?;
    }
    let left = run
        .lease()
        .map(|lease| lease.until.since(app.store().now()))
        .unwrap_or_default();
    let expires_in_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    Ok(Response::new(ReportProgressReply { expires_in_ms }))
}

pub async fn emit_artifact(app: &App, request: EmitArtifactRequest) -> Sent<EmitArtifactReply> {
    let new = request
        .artifact
        .ok_or_else(|| Status::invalid_argument("artifact is required"))?;
    let stored = artifact::store(app, "agent", RunId(new.run_id), artifact_of(new)).await?;
    Ok(Response::new(EmitArtifactReply {
        artifact_id: stored.id,
        sha256: stored.sha256,
    }))
}

pub async fn await_approval(app: &App, request: AwaitApprovalRequest) -> Sent<AwaitApprovalReply> {
    let id = RunId(request.run_id);
    let steps: Vec<orch_core::recipe::Step> = serde_json::from_str(&request.steps_json)
        .map_err(|error| Status::invalid_argument(format!("steps_json: {error}")))?;
    let mut watch = app.store().signals().watch_run(id);
    let mut approval = plan::submit(app, "agent", id, Some(request.epoch), &steps).await?;
    let deadline = tokio::time::Instant::now() + DECISION_WITHIN;
    while approval.status == ApprovalStatus::Pending {
        if tokio::time::timeout_at(deadline, watch.changed())
            .await
            .is_err()
        {
            break;
        }
        approval = approval::show(app, approval.id).await?;
    }
    Ok(Response::new(AwaitApprovalReply {
        status: approval.status.as_str().to_owned(),
        reason: approval
            .decision
            .and_then(|decision| decision.reason)
            .unwrap_or_default(),
        approval_id: approval.id.get(),
    }))
}
