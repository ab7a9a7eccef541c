//! Requests and sessions that were or are, and what models were asked for them.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::Uri;
use orch_api::problem::Problem;
use orch_api::types::orchestrate::{
    ModelCall, Orchestration, OrchestrationSession, OrchestrationSummary,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;
use uuid::Uuid;

use super::super::paging::{Listing, PageQuery};
use crate::app::{App, checks, orchestrate};
use crate::edge::{Access, ApiError, Area, Path, Query};

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::User, routes!(list))
        .route(Access::User, routes!(show))
        .route(Access::User, routes!(calls))
        .route(Access::User, routes!(sessions))
        .route(Access::User, routes!(session))
}

/// Which requests.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Those of one session.
    #[param(value_type = Option<String>, format = "uuid")]
    session_id: Option<Uuid>,
    /// `running`, `completed`, `failed` or `cancelled`.
    status: Option<String>,
}

/// List requests
#[utoipa::path(get, path = "/api/orchestrate", tag = "orchestrate", params(Filter, PageQuery), responses(
    (status = 200, body = Vec<OrchestrationSummary>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list(
    State(app): State<App>,
    Query(filter): Query<Filter>,
    Query(page): Query<PageQuery>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let states = ["running", "completed", "failed", "cancelled"].map(|state| (state, state));
    let status = checks::choice("status", filter.status.as_deref(), &states)?;
    let listing = Listing::new(page, uri)?;
    let found = orchestrate::list(&app, filter.session_id, status, listing.page()).await?;
    Ok(listing.answer(found, |summary| summary))
}

/// Show a request
#[utoipa::path(get, path = "/api/orchestrate/{request_id}", tag = "orchestrate", params(("request_id" = String, Path, format = "uuid")), responses(
    (status = 200, body = Orchestration), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show(
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> Result<Json<Orchestration>, ApiError> {
    Ok(Json(orchestrate::show(&app, id).await?))
}

/// What models were asked for a request, and what they answered
#[utoipa::path(get, path = "/api/orchestrate/{request_id}/calls", tag = "orchestrate", params(("request_id" = String, Path, format = "uuid")), responses(
    (status = 200, body = Vec<ModelCall>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn calls(
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> Result<Json<Vec<ModelCall>>, ApiError> {
    Ok(Json(orchestrate::calls(&app, id).await?))
}

/// List sessions
#[utoipa::path(get, path = "/api/sessions", tag = "orchestrate", params(PageQuery), responses(
    (status = 200, body = Vec<OrchestrationSession>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn sessions(State(app): State<App>, listing: Listing) -> Result<Response, ApiError> {
    let found = orchestrate::sessions(&app, listing.page()).await?;
    Ok(listing.answer(found, |session| session))
}

/// Show a session
///
/// Its requests are `GET /api/orchestrate?session_id=`.
#[utoipa::path(get, path = "/api/sessions/{session_id}", tag = "orchestrate", params(("session_id" = String, Path, format = "uuid")), responses(
    (status = 200, body = OrchestrationSession), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn session(
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> Result<Json<OrchestrationSession>, ApiError> {
    Ok(Json(orchestrate::session(&app, id).await?))
}
