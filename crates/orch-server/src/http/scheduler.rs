//! `/scheduler`: enqueue, tick, queue, requeue.

use std::collections::HashSet;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use orch_api::problem::Problem;
use orch_api::types::queue::{
    self as wire, EnqueueBatch, QueueEntry, RequeueRun, RequeueWorkItem, Ticked,
};
use orch_core::engine::{Enqueue, Requeue, Waiting};
use orch_core::ids::{ProjectId, QueueEntryId, RunId, WorkItemId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::paging::{Listing, PageQuery};
use super::view;
use crate::app::{App, AppError, checks, queue};
use crate::edge::{
    Access, ApiError, Area, Caller, JsonBody, OptionalJson, Path, Query, TraceContext,
};

type Created<T> = Result<(StatusCode, Json<T>), ApiError>;

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::User, routes!(enqueue))
        .route(Access::User, routes!(enqueue_batch))
        .route(Access::Agent.untimed(), routes!(tick))
        .route(Access::Agent, routes!(list))
        .route(Access::User, routes!(show, cancel))
        .route(Access::User, routes!(requeue_item))
        .route(Access::User, routes!(requeue_run))
}

/// The most dependencies that one request may name; entries that merge may have more in the end.
const MOST_DEPENDENCIES: usize = 10_000;

fn wanted(body: wire::Enqueue, trace: &TraceContext) -> Result<(WorkItemId, Enqueue), AppError> {
    let also = body.depends_on.unwrap_or_default();
    if also.len() > MOST_DEPENDENCIES {
        let message = format!(
            "names {} work items; at most {MOST_DEPENDENCIES} fit",
            also.len()
        );
        return Err(AppError::invalid("depends_on", message));
    }
    let mut seen = HashSet::new();
    let depends_on = body.depends_on_work_item_id.into_iter().chain(also);
    let depends_on = depends_on
        .map(WorkItemId)
        .filter(|id| seen.insert(*id))
        .collect();
    let want = Enqueue {
        depends_on,
        priority: checks::priority(body.priority)?,
        delay: body
            .delay_seconds
            .map(|delay| checks::seconds("delay_seconds", delay))
            .transpose()?,
        trace_id: trace.parent_id.is_some().then(|| trace.trace_id.clone()),
    };
    Ok((WorkItemId(body.work_item_id), want))
}

async fn explained(
    app: &App,
    entries: Vec<orch_core::queue::QueueEntry>,
) -> Result<Vec<QueueEntry>, AppError> {
    Ok(queue::explain(app, entries)
        .await?
        .into_iter()
        .map(view::queue_entry)
        .collect())
}

async fn created(app: &App, entry: orch_core::queue::QueueEntry) -> Created<QueueEntry> {
    let shown = explained(app, vec![entry]).await?.pop();
    let shown = shown.ok_or(AppError::Store(orch_store::StoreError::Closed))?;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Queue a work item
///
/// Entries of one item merge until they start.
#[utoipa::path(post, path = "/scheduler/enqueue", tag = "scheduler", request_body = wire::Enqueue, responses(
    (status = 201, body = QueueEntry), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn enqueue(
    State(app): State<App>,
    caller: Caller,
    trace: TraceContext,
    JsonBody(body): JsonBody<wire::Enqueue>,
) -> Created<QueueEntry> {
    let entries = queue::enqueue(&app, &caller.name, vec![wanted(body, &trace)?]).await?;
    let entry = entries
        .into_iter()
        .next()
        .ok_or(AppError::Store(orch_store::StoreError::Closed))?;
    Ok((StatusCode::CREATED, Json(view::queue_entry(entry))))
}

/// Queue many work items, all or none
#[utoipa::path(post, path = "/scheduler/enqueue/batch", tag = "scheduler", request_body = EnqueueBatch, responses(
    (status = 201, body = Vec<QueueEntry>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn enqueue_batch(
    State(app): State<App>,
    caller: Caller,
    trace: TraceContext,
    JsonBody(body): JsonBody<EnqueueBatch>,
) -> Created<Vec<QueueEntry>> {
    let all = body
        .entries
        .into_iter()
        .map(|entry| wanted(entry, &trace))
        .collect::<Result<_, _>>()?;
    let entries = queue::enqueue(&app, &caller.name, all).await?;
    let entries = entries.into_iter().map(view::queue_entry).collect();
    Ok((StatusCode::CREATED, Json(entries)))
}

/// Start everything that is eligible
#[utoipa::path(post, path = "/scheduler/tick", tag = "scheduler", responses(
    (status = 200, body = Ticked), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn tick(State(app): State<App>, caller: Caller) -> Result<Json<Ticked>, ApiError> {
    let runs = queue::tick(&app, &caller.name).await?;
    Ok(Json(Ticked {
        processed: runs.len(),
        run_ids: runs.iter().map(|run| run.id.get()).collect(),
    }))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct QueueQuery {
    project_id: Option<i64>,
    /// queued, running, done, failed or cancelled.
    status: Option<String>,
}

/// List queue entries
#[utoipa::path(get, path = "/scheduler/queue", tag = "scheduler", params(QueueQuery, PageQuery), responses(
    (status = 200, body = Vec<QueueEntry>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list(
    State(app): State<App>,
    Query(query): Query<QueueQuery>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let statuses = ["queued", "running", "done", "failed", "cancelled"];
    let named = statuses.map(|status| (status, status));
    let status = checks::choice("status", query.status.as_deref(), &named)?;
    let project = query.project_id.map(ProjectId);
    let entries = queue::list(&app, project, status, listing.page()).await?;
    Ok(listing.answer(entries, view::queue_entry))
}

/// Show a queue entry
#[utoipa::path(get, path = "/scheduler/queue/{id}", tag = "scheduler", params(("id" = i64, Path)), responses(
    (status = 200, body = QueueEntry), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show(State(app): State<App>, Path(id): Path<i64>) -> Result<Json<QueueEntry>, ApiError> {
    Ok(Json(view::queue_entry(
        queue::show(&app, QueueEntryId(id)).await?,
    )))
}

/// Take a queued entry out of the queue
#[utoipa::path(delete, path = "/scheduler/queue/{id}", tag = "scheduler", params(("id" = i64, Path)), responses(
    (status = 200, body = QueueEntry), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<QueueEntry>, ApiError> {
    let entry = queue::cancel(&app, &caller.name, QueueEntryId(id)).await?;
    let (_, shown) = created(&app, entry).await?;
    Ok(shown)
}

fn requeue(
    delay: Option<f64>,
    priority: Option<i32>,
    backoff: Option<bool>,
    trace: &TraceContext,
) -> Result<Requeue, AppError> {
    if backoff == Some(true) && delay.is_some_and(|delay| delay > 0.0) {
        return Err(AppError::invalid(
            "backoff",
            "and `delay_seconds` exclude each other",
        ));
    }
    let waiting = match (delay, backoff) {
        (Some(delay), None | Some(false)) => Waiting::For(checks::seconds("delay_seconds", delay)?),
        (_, Some(true)) => Waiting::Backoff,
        (None, Some(false) | None) => Waiting::For(std::time::Duration::ZERO),
    };
    let trace_id = trace.parent_id.is_some().then(|| trace.trace_id.clone());
    Ok(Requeue {
        waiting,
        priority: checks::priority(priority)?,
        trace_id,
    })
}

/// Queue a work item again
#[utoipa::path(post, path = "/scheduler/requeue/work-item", tag = "scheduler", request_body = RequeueWorkItem, responses(
    (status = 201, body = QueueEntry), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn requeue_item(
    State(app): State<App>,
    caller: Caller,
    trace: TraceContext,
    JsonBody(body): JsonBody<RequeueWorkItem>,
) -> Created<QueueEntry> {
    let how = requeue(body.delay_seconds, body.priority, body.backoff, &trace)?;
    let entry = queue::requeue_item(&app, &caller.name, WorkItemId(body.work_item_id), how).await?;
    created(&app, entry).await
}

/// Queue the item of an ended run again
#[utoipa::path(post, path = "/scheduler/requeue/run/{id}", tag = "scheduler", params(("id" = i64, Path)), request_body = Option<RequeueRun>, responses(
    (status = 201, body = QueueEntry), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn requeue_run(
    State(app): State<App>,
    caller: Caller,
    trace: TraceContext,
    Path(id): Path<i64>,
    OptionalJson(body): OptionalJson<RequeueRun>,
) -> Created<QueueEntry> {
    let how = requeue(body.delay_seconds, body.priority, body.backoff, &trace)?;
    let entry = queue::requeue_run(&app, &caller.name, RunId(id), how).await?;
    created(&app, entry).await
}
