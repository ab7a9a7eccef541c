//! Requests and sessions as they are remembered.

use orch_api::types::orchestrate::{
    AgentReport, ModelCall, NewOrchestration, Orchestration, OrchestrationError,
    OrchestrationMetadata, OrchestrationSession, OrchestrationSummary,
};
use orch_api::types::results::Results;
use orch_core::time::Timestamp;
use orch_model::role::{Part, Turn};
use orch_store::orchestration::{self as store, Session};
use orch_store::{Listed, Page, model_call};
use serde_json::Value;
use uuid::Uuid;

use super::super::{App, AppError, Result};
use super::request::work_of;
use super::work::Kept;

/// Bytes of an earlier result that are told to the next request.
const TOLD_BYTES: usize = 16 * 1024;
/// Characters of a prompt that lists show.
const SHOWN_CHARS: usize = 200;

/// A request that has just begun.
pub(super) fn first(
    id: &str,
    session: &str,
    now: Timestamp,
    reports: &[AgentReport],
) -> Orchestration {
    let kept = super::work::kept(reports, &[]);
    whole((id, session), "running", None, (now, None), kept)
}

/// A request as callers see it.
pub(super) fn whole(
    (id, session): (&str, &str),
    status: &str,
    error: Option<OrchestrationError>,
    (started, ended): (Timestamp, Option<Timestamp>),
    kept: Vec<Kept>,
) -> Orchestration {
    let mut result = Results::default();
    let mut agents = Vec::with_capacity(kept.len());
    for Kept { report, text } in kept {
        if let Some(text) = text {
            result.push(report.key.clone(), Value::String(text));
        }
        agents.push(report);
    }
    let duration = ended.map(|ended| ended.since(started)).unwrap_or_default();
    Orchestration {
        request_id: id.to_owned(),
        session_id: session.to_owned(),
        status: status.to_owned(),
        result,
        error,
        metadata: OrchestrationMetadata {
            start_time: started.to_string(),
            end_time: ended.map(|ended| ended.to_string()),
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            agent_sequence: agents.iter().map(|report| report.agent.clone()).collect(),
            success: status == "completed",
            agents,
        },
    }
}

fn of_row(row: store::Orchestration) -> Result<Orchestration> {
    let kept: Vec<Kept> = read(&row.agents)?;
    let error = row.error.as_deref().map(read).transpose()?;
    let times = (
        Timestamp::from_micros(row.started_at),
        row.ended_at.map(Timestamp::from_micros),
    );
    Ok(whole(
        (&row.uuid, &row.session_uuid),
        &row.status,
        error,
        times,
        kept,
    ))
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        AppError::Unavailable(format!(
            "a stored request cannot be read by this version: {error}"
        ))
    })
}

/// The project that a stored request named, if any.
pub(super) fn project_of(row: &store::Orchestration) -> Option<i64> {
    let new: NewOrchestration = serde_json::from_str(&row.request).ok()?;
    work_of(&new).ok()?.project
}

/// What came before in a session, as the next request is told it.
pub(super) fn turns(rows: Vec<store::Orchestration>) -> Vec<Turn> {
    let turn = |row: store::Orchestration| {
        let new: NewOrchestration = serde_json::from_str(&row.request).ok()?;
        let kept: Vec<Kept> = serde_json::from_str(&row.agents).ok()?;
        let part = |kept: Kept| {
            Some(Part {
                agent: kept.report.key,
                text: shortened(kept.text?),
            })
        };
        Some(Turn {
            prompt: shortened(new.prompt),
            results: kept.into_iter().filter_map(part).collect(),
        })
    };
    rows.into_iter().filter_map(turn).collect()
}

fn shortened(mut text: String) -> String {
    if text.len() > TOLD_BYTES {
        text.truncate(text.floor_char_boundary(TOLD_BYTES));
        text.push('…');
    }
    text
}

/// One request.
///
/// # Errors
/// When there is none of that name, or the store fails.
pub async fn show(app: &App, id: Uuid) -> Result<Orchestration> {
    of_row(row(app, id).await?)
}

async fn row(app: &App, id: Uuid) -> Result<store::Orchestration> {
    let mut conn = app.store().read().await?;
    let found = store::find(&mut conn, &id.to_string()).await?;
    found.ok_or_else(|| AppError::NotFound(format!("there is no request {id}")))
}

/// Requests, of one session or of all.
///
/// # Errors
/// When there is no such session, or the store fails.
pub async fn list(
    app: &App,
    of: Option<Uuid>,
    status: Option<&str>,
    page: Page,
) -> Result<Listed<OrchestrationSummary>> {
    let mut conn = app.store().read().await?;
    let session_id = match of {
        Some(of) => Some(find_session(&mut conn, of).await?.id),
        None => None,
    };
    let found = store::list(&mut conn, session_id, status, page).await?;
    let listed = app.store().named(found);
    let rows: Result<Vec<_>> = listed.rows.into_iter().map(summary).collect();
    Ok(Listed {
        rows: rows?,
        next: listed.next,
    })
}

fn summary(row: store::Orchestration) -> Result<OrchestrationSummary> {
    let new: NewOrchestration = read(&row.request)?;
    let whole = of_row(row)?;
    Ok(OrchestrationSummary {
        request_id: whole.request_id,
        session_id: whole.session_id,
        status: whole.status,
        prompt: new.prompt.chars().take(SHOWN_CHARS).collect(),
        agent_sequence: whole.metadata.agent_sequence,
        start_time: whole.metadata.start_time,
        end_time: whole.metadata.end_time,
        error: whole.error,
    })
}

/// What models were asked for a request, in order.
///
/// # Errors
/// When there is none of that name, or the store fails.
pub async fn calls(app: &App, id: Uuid) -> Result<Vec<ModelCall>> {
    let row = row(app, id).await?;
    let mut conn = app.store().read().await?;
    let calls = model_call::of_orchestration(&mut conn, row.id).await?;
    calls.into_iter().map(call).collect()
}

fn call(call: model_call::ModelCall) -> Result<ModelCall> {
    let count = |value: i64| u64::try_from(value).unwrap_or_default();
    Ok(ModelCall {
        ask: read(&call.ask)?,
        answer: call.answer.as_deref().map(read).transpose()?,
        role: call.role,
        model: call.model,
        error: call.error,
        input_tokens: count(call.input_tokens),
        cached_tokens: count(call.cached_tokens),
        output_tokens: count(call.output_tokens),
        cost_microusd: call.cost_microusd.map(count),
        started_at: Timestamp::from_micros(call.started_at).to_string(),
        latency_ms: count(call.latency_us) / 1000,
    })
}

async fn find_session(conn: &mut orch_store::Conn, id: Uuid) -> Result<Session> {
    let found = store::find_session(conn, &id.to_string()).await?;
    found.ok_or_else(|| AppError::NotFound(format!("there is no session {id}")))
}

/// One session.
///
/// # Errors
/// When there is none of that name, or the store fails.
pub async fn session(app: &App, id: Uuid) -> Result<OrchestrationSession> {
    let mut conn = app.store().read().await?;
    find_session(&mut conn, id).await.map(shown)
}

/// Sessions.
///
/// # Errors
/// When the store fails.
pub async fn sessions(app: &App, page: Page) -> Result<Listed<OrchestrationSession>> {
    let mut conn = app.store().read().await?;
    let listed = app.store().named(store::sessions(&mut conn, page).await?);
    Ok(Listed {
        rows: listed.rows.into_iter().map(shown).collect(),
        next: listed.next,
    })
}

fn shown(session: Session) -> OrchestrationSession {
    OrchestrationSession {
        session_id: session.uuid,
        active: session.running > 0,
        requests: u64::try_from(session.requests).unwrap_or_default(),
        created_at: Timestamp::from_micros(session.created_at).to_string(),
        used_at: Timestamp::from_micros(session.used_at).to_string(),
        created_by: session.created_by,
    }
}
