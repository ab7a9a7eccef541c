//! `/projects/{id}/plans` and `/projects/{id}/tasks/plan`: versions, edits, differences, graphs, approval.
//! A run's token opens none of it: plans are a person's to decide.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use orch_api::problem::Problem;
use orch_api::types::plan::{
    ApprovePlan, ApprovedPlan, EditPlan, Plan, PlanDifference, PlanGraph, PlanImpact, PlanVersion,
    ProposePlan, Replan,
};
use orch_core::ids::{PlanId, ProjectId, RequirementsId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::paging::{Listing, PageQuery};
use super::plan_edits::edits;
use super::plans_impact_view as impact_view;
use super::plans_view as view;
use super::version_tag::{bound_digest, if_match, read_digest, tagged};
use crate::app::plans::{self, Approval, Occasion, Versions};
use crate::app::{App, checks};
use crate::edge::{Access, ApiError, Area, Caller, JsonBody, OptionalJson, Path, Query};

/// How a refused `If-Match` names them.
const WHOSE: &str = "the plan: its";

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::User.untimed(), routes!(propose))
        .route(Access::User, routes!(list))
        .route(Access::User, routes!(approve_newest))
        .route(Access::User.untimed(), routes!(replan))
        .route(Access::User, routes!(impact))
        .route(Access::User, routes!(show))
        .route(Access::User, routes!(graph))
        .route(Access::User, routes!(edit))
        .route(Access::User, routes!(difference))
        .route(Access::User, routes!(approve))
}

async fn answer(
    app: &App,
    status: StatusCode,
    stored: orch_store::plan::Plan,
) -> Result<Response, ApiError> {
    let shown = view::plan(plans::show(app, stored).await?);
    let digest = shown.version.digest.clone();
    Ok(tagged(status, &digest, Json(shown)))
}

/// Propose a plan for the approved requirements
///
/// By a model where one is configured for the role `breakdown`, else by rules; `by` in the answer says which.
/// Tasks of the version before keep their ids; what persons edited, added and removed stays, and so does
/// what is done.
#[utoipa::path(post, path = "/projects/{id}/tasks/plan", tag = "plans", params(("id" = i64, Path)), request_body = Option<ProposePlan>, responses(
    (status = 200, body = Plan), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn propose(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    OptionalJson(body): OptionalJson<ProposePlan>,
) -> Result<Response, ApiError> {
    let proposed = plans::propose(&app, &caller.name, ProjectId(id), body.by).await?;
    answer(&app, StatusCode::OK, proposed).await
}

/// List the versions of the plan
#[utoipa::path(get, path = "/projects/{id}/plans", tag = "plans", params(("id" = i64, Path), PageQuery), responses(
    (status = 200, body = Vec<PlanVersion>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list(
    State(app): State<App>,
    Path(id): Path<i64>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let versions = plans::list(&app, ProjectId(id), listing.page()).await?;
    Ok(listing.answer(versions, view::head))
}

/// Show a version of the plan, and where its work stands
#[utoipa::path(get, path = "/projects/{id}/plans/{pid}", tag = "plans", params(("id" = i64, Path), ("pid" = i64, Path)), responses(
    (status = 200, body = Plan), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show(
    State(app): State<App>,
    Path((id, pid)): Path<(i64, i64)>,
) -> Result<Response, ApiError> {
    let version = plans::find(&app, ProjectId(id), PlanId(pid)).await?;
    answer(&app, StatusCode::OK, version).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct GraphQuery {
    /// `json` (the default), `text`, `mermaid` or `dot`.
    format: Option<String>,
}

/// Draw the graph of a version of the plan
#[utoipa::path(get, path = "/projects/{id}/plans/{pid}/graph", tag = "plans", params(("id" = i64, Path), ("pid" = i64, Path), GraphQuery), responses(
    (status = 200, content((PlanGraph = "application/json"), (String = "text/plain"))), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn graph(
    State(app): State<App>,
    Path((id, pid)): Path<(i64, i64)>,
    Query(query): Query<GraphQuery>,
) -> Result<Response, ApiError> {
    let formats = [
        ("json", None),
        ("text", Some(view::Drawing::Text)),
        ("mermaid", Some(view::Drawing::Mermaid)),
        ("dot", Some(view::Drawing::Dot)),
    ];
    let drawing = checks::choice("format", query.format.as_deref(), &formats)?.flatten();
    let version = plans::find(&app, ProjectId(id), PlanId(pid)).await?;
    let digest = version.digest.clone();
    let shown = plans::show(&app, version).await?;
    let Some(drawing) = drawing else {
        return Ok(tagged(StatusCode::OK, &digest, Json(view::graph(&shown))));
    };
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    let drawn = ([(CONTENT_TYPE, kind)], view::drawn(&shown, drawing));
    Ok(tagged(StatusCode::OK, &digest, drawn))
}

/// Edit the newest plan
///
/// Makes a new version; the one that is edited stays as it is. Of several edits all hold, or none.
#[utoipa::path(post, path = "/projects/{id}/plans/{pid}/edits", tag = "plans", params(("id" = i64, Path), ("pid" = i64, Path)), request_body = EditPlan, responses(
    (status = 201, body = Plan), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn edit(
    State(app): State<App>,
    caller: Caller,
    Path((id, pid)): Path<(i64, i64)>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<EditPlan>,
) -> Result<Response, ApiError> {
    let if_digest = if_match(&headers, WHOSE)?;
    let wanted = edits(&body.edits)?;
    let made = plans::edit(
        &app,
        &caller.name,
        ProjectId(id),
        PlanId(pid),
        wanted,
        body.reason.as_deref(),
        if_digest.as_deref(),
    )
    .await?;
    answer(&app, StatusCode::CREATED, made).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DifferenceQuery {
    /// The older version; the one that this was made from where it is absent.
    from: Option<i64>,
}

/// Show what changed from another version
#[utoipa::path(get, path = "/projects/{id}/plans/{pid}/diff", tag = "plans", params(("id" = i64, Path), ("pid" = i64, Path), DifferenceQuery), responses(
    (status = 200, body = PlanDifference), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn difference(
    State(app): State<App>,
    Path((id, pid)): Path<(i64, i64)>,
    Query(query): Query<DifferenceQuery>,
) -> Result<Json<PlanDifference>, ApiError> {
    let from = query.from.map(PlanId);
    let (from, found) = plans::difference(&app, ProjectId(id), PlanId(pid), from).await?;
    Ok(Json(view::difference(from, pid, found)))
}

/// Approve a version of the plan
///
/// Its tasks become work items, which are queued behind what they depend on. The approval binds the
/// version's digest, which never changes: where `digest`, or `If-Match`, is another, nothing is approved.
#[utoipa::path(post, path = "/projects/{id}/plans/{pid}/approve", tag = "plans", params(("id" = i64, Path), ("pid" = i64, Path)), request_body = Option<ApprovePlan>, responses(
    (status = 200, body = ApprovedPlan), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn approve(
    State(app): State<App>,
    caller: Caller,
    Path((id, pid)): Path<(i64, i64)>,
    headers: HeaderMap,
    OptionalJson(body): OptionalJson<ApprovePlan>,
) -> Result<Response, ApiError> {
    let approval = Approval {
        id: Some(PlanId(pid)),
        digest: bound_digest(&headers, body.digest, WHOSE)?,
    };
    approved(&app, &caller, id, approval).await
}

/// Approve the newest plan
///
/// The approval binds the digest that was read: `digest`, or `If-Match`, is needed, and where the newest version
/// has another, nothing is approved.
#[utoipa::path(post, path = "/projects/{id}/plans/approve", tag = "plans", params(("id" = i64, Path)), request_body = Option<ApprovePlan>, responses(
    (status = 200, body = ApprovedPlan), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn approve_newest(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    headers: HeaderMap,
    OptionalJson(body): OptionalJson<ApprovePlan>,
) -> Result<Response, ApiError> {
    let place = format!("/projects/{id}/plans");
    let digest = read_digest(&headers, body.digest, WHOSE, &place)?;
    let approval = Approval {
        id: None,
        digest: Some(digest),
    };
    approved(&app, &caller, id, approval).await
}

async fn approved(
    app: &App,
    caller: &Caller,
    id: i64,
    approval: Approval,
) -> Result<Response, ApiError> {
    let done = plans::approve(app, &caller.name, ProjectId(id), approval).await?;
    let digest = done.plan.digest.clone();
    let shown = view::plan(plans::show(app, done.plan).await?);
    let body = view::approved(shown, &done.followed);
    Ok(tagged(StatusCode::OK, &digest, Json(body)))
}

/// Make the plan anew, because work failed or for what people say
///
/// By a model where one is configured for the role `breakdown`, else by rules. What is done is kept, and so is what
/// still serves a requirement; what failed is looked into first. The new version waits for approval like any other.
#[utoipa::path(post, path = "/projects/{id}/plans/replan", tag = "plans", params(("id" = i64, Path)), request_body = Replan, responses(
    (status = 201, body = Plan), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn replan(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    JsonBody(body): JsonBody<Replan>,
) -> Result<Response, ApiError> {
    let occasion = Occasion {
        reason: body.reason,
        failed: body.failed,
    };
    let made = plans::replan(&app, &caller.name, ProjectId(id), body.by, occasion).await?;
    answer(&app, StatusCode::CREATED, made).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ImpactQuery {
    /// The older version of the requirements; the one that the plan serves where it is absent.
    from: Option<i64>,
    /// The newer one; the one that is approved where it is absent.
    to: Option<i64>,
}

/// Show what a change of the requirements touches
#[utoipa::path(get, path = "/projects/{id}/plans/impact", tag = "plans", params(("id" = i64, Path), ImpactQuery), responses(
    (status = 200, body = PlanImpact), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn impact(
    State(app): State<App>,
    Path(id): Path<i64>,
    Query(query): Query<ImpactQuery>,
) -> Result<Json<PlanImpact>, ApiError> {
    let versions = Versions {
        from: query.from.map(RequirementsId),
        to: query.to.map(RequirementsId),
    };
    let found = plans::impact(&app, ProjectId(id), versions).await?;
    Ok(Json(impact_view::impact(found)))
}
