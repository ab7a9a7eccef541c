//! Sending a request and waiting for what comes of it; cancelling one.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use http::header::ACCEPT;
use orch_api::problem::Problem;
use orch_api::types::orchestrate::{NewOrchestration, Orchestration};
use utoipa_axum::routes;
use uuid::Uuid;

use super::stream;
use crate::app::orchestrate::{self, Request};
use crate::app::{App, budget, role};
use crate::edge::{Access, ApiError, Area, Caller, JsonBody, Path};

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::User.untimed(), routes!(submit))
        .route(Access::User, routes!(cancel))
}

/// Ask several roles in turn
///
/// Answers when the last role has ended. With `Accept: text/event-stream` or `"stream": true` the answer is
/// server-sent events: `request` (the request as it begins), `agent` (a role begins or ends), `delta` (a piece of what
/// a role writes), `parked` (a usage limit is waited for) and `end` (the whole). A request whose connection is closed before its end is cancelled, unless it
/// came with an `Idempotency-Key`. A `run_id`, a `work_item_id` or a `project_id` says whose budgets must hold and whose
/// costs these are; those above are found by the one below.
#[utoipa::path(post, path = "/api/orchestrate", tag = "orchestrate", request_body = NewOrchestration, responses(
    (status = 200, description = "It is over: completed, or failed with the role and the reason", body = Orchestration),
    (status = 503, description = "All places are taken (MAX_CONCURRENT_REQUESTS); `Retry-After` says when to come back", body = Problem, content_type = "application/problem+json"),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn submit(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(new): JsonBody<NewOrchestration>,
) -> Result<Response, ApiError> {
    let wants_events = new.stream || accepts_events(&headers);
    let levels = budget::found(&app, orchestrate::work_of(&new)?).await?;
    let request = match levels {
        Some(levels) => {
            let roles = role::of_project(&app, levels.project).await?;
            Request::parse(new, &roles, Some(levels))?
        }
        None => Request::parse(new, &app.team().roles, None)?,
    };
    let begun = orchestrate::begin(&app, &caller.name, request).await?;
    if wants_events {
        return Ok(stream::events(begun));
    }
    Ok(Json(begun.ended().await?).into_response())
}

fn accepts_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("text/event-stream"))
}

/// Cancel a request that runs
#[utoipa::path(post, path = "/api/orchestrate/{request_id}/cancel", tag = "orchestrate", params(("request_id" = String, Path, format = "uuid")), responses(
    (status = 200, description = "The request as it stands then", body = Orchestration),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<Orchestration>, ApiError> {
    Ok(Json(orchestrate::cancel(&app, &caller.name, id).await?))
}
