//! `/projects/{id}/requirements`: versions, edits, differences, comments, approval. A run's token opens
//! none of it: requirements are a person's to decide.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use orch_api::problem::Problem;
use orch_api::types::requirements::{
    ApproveRequirements, EditRequirements, NewRequirementComment, ProposeRequirements,
    RequirementComment, Requirements, RequirementsDifference,
};
use orch_core::ids::{ProjectId, RequirementsId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::paging::{Listing, PageQuery};
use super::requirements_view as view;
use super::version_tag::{bound_digest, if_match, read_digest, tagged};
use crate::app::App;
use crate::app::requirements::{self, Approval};
use crate::edge::{Access, ApiError, Area, Caller, JsonBody, OptionalJson, Path, Query};

/// How a refused `If-Match` names them.
const WHOSE: &str = "the requirements: their";

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::User, routes!(list))
        .route(Access::User.untimed(), routes!(propose))
        .route(Access::User, routes!(approve_current))
        .route(Access::User, routes!(show))
        .route(Access::User, routes!(approve))
        .route(Access::User, routes!(edit))
        .route(Access::User, routes!(difference))
        .route(Access::User, routes!(comment, list_comments))
}

/// The version, with its digest as the `ETag`.
fn answer(status: StatusCode, version: Requirements) -> Response {
    let digest = version.digest.clone();
    tagged(status, &digest, Json(version))
}

/// Propose requirements from the newest vision
///
/// Items of the version before keep their ids; what persons edited, added, removed and answered stays. The role
/// `requirements` asks its model where one is configured; otherwise, and with `{"by": "rules"}`, rules read the text.
/// If the caller goes away while a model is asked, that is cancelled and nothing is stored.
#[utoipa::path(post, path = "/projects/{id}/requirements/propose", tag = "projects", params(("id" = i64, Path)), request_body = Option<ProposeRequirements>, responses(
    (status = 200, body = Requirements),
    (status = 503, description = "The model gave no answer that can be used; nothing is stored. `Retry-After` says when a limit lifts", body = Problem, content_type = "application/problem+json"),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn propose(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    OptionalJson(how): OptionalJson<ProposeRequirements>,
) -> Result<Response, ApiError> {
    let proposed = requirements::propose(&app, &caller.name, ProjectId(id), how.by).await?;
    Ok(answer(StatusCode::OK, view::version(proposed).await?))
}

/// Approve the current requirements
///
/// The approval binds the digest that was read: `digest`, or `If-Match`, is needed, and where the newest version
/// has another, nothing is approved.
#[utoipa::path(post, path = "/projects/{id}/requirements/approve", tag = "projects", params(("id" = i64, Path)), request_body = Option<ApproveRequirements>, responses(
    (status = 200, body = Requirements), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn approve_current(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    headers: HeaderMap,
    OptionalJson(body): OptionalJson<ApproveRequirements>,
) -> Result<Response, ApiError> {
    let place = format!("/projects/{id}/requirements");
    let digest = read_digest(&headers, body.digest, WHOSE, &place)?;
    let approval = Approval {
        id: None,
        digest: Some(digest),
    };
    let approved = requirements::approve(&app, &caller.name, ProjectId(id), approval).await?;
    Ok(answer(StatusCode::OK, view::version(approved).await?))
}

/// List the versions of the requirements
#[utoipa::path(get, path = "/projects/{id}/requirements", tag = "projects", params(("id" = i64, Path), PageQuery), responses(
    (status = 200, body = Vec<Requirements>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list(
    State(app): State<App>,
    Path(id): Path<i64>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let versions = requirements::list(&app, ProjectId(id)).await?;
    let shown = view::versions(versions).await?;
    Ok(listing.answer_part(shown, |row| row.id))
}

/// Show a version of the requirements
#[utoipa::path(get, path = "/projects/{id}/requirements/{rid}", tag = "projects", params(("id" = i64, Path), ("rid" = i64, Path)), responses(
    (status = 200, body = Requirements), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show(
    State(app): State<App>,
    Path((id, rid)): Path<(i64, i64)>,
) -> Result<Response, ApiError> {
    let version = requirements::show(&app, ProjectId(id), RequirementsId(rid)).await?;
    Ok(answer(StatusCode::OK, view::version(version).await?))
}

/// Approve a version of the requirements
///
/// The approval binds the version's digest: a version is named by its id and never changes. Where `digest`, or `If-Match`, is another, nothing is approved.
#[utoipa::path(post, path = "/projects/{id}/requirements/{rid}/approve", tag = "projects", params(("id" = i64, Path), ("rid" = i64, Path)), request_body = Option<ApproveRequirements>, responses(
    (status = 200, body = Requirements), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn approve(
    State(app): State<App>,
    caller: Caller,
    Path((id, rid)): Path<(i64, i64)>,
    headers: HeaderMap,
    OptionalJson(body): OptionalJson<ApproveRequirements>,
) -> Result<Response, ApiError> {
    let approval = Approval {
        id: Some(RequirementsId(rid)),
        digest: bound_digest(&headers, body.digest, WHOSE)?,
    };
    let approved = requirements::approve(&app, &caller.name, ProjectId(id), approval).await?;
    Ok(answer(StatusCode::OK, view::version(approved).await?))
}

/// Edit the newest requirements
///
/// Makes a new version; the one that is edited stays as it is. Of several edits all hold, or none.
#[utoipa::path(post, path = "/projects/{id}/requirements/{rid}/edits", tag = "projects", params(("id" = i64, Path), ("rid" = i64, Path)), request_body = EditRequirements, responses(
    (status = 201, body = Requirements), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn edit(
    State(app): State<App>,
    caller: Caller,
    Path((id, rid)): Path<(i64, i64)>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<EditRequirements>,
) -> Result<Response, ApiError> {
    let if_digest = if_match(&headers, WHOSE)?;
    let made = requirements::edit(
        &app,
        &caller.name,
        ProjectId(id),
        RequirementsId(rid),
        &body.edits,
        body.reason.as_deref(),
        if_digest.as_deref(),
    )
    .await?;
    Ok(answer(StatusCode::CREATED, view::version(made).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DifferenceQuery {
    /// The older version; the one that this was made from where it is absent.
    from: Option<i64>,
}

/// Show what changed from another version
#[utoipa::path(get, path = "/projects/{id}/requirements/{rid}/diff", tag = "projects", params(("id" = i64, Path), ("rid" = i64, Path), DifferenceQuery), responses(
    (status = 200, body = RequirementsDifference), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn difference(
    State(app): State<App>,
    Path((id, rid)): Path<(i64, i64)>,
    Query(query): Query<DifferenceQuery>,
) -> Result<Json<RequirementsDifference>, ApiError> {
    let from = query.from.map(RequirementsId);
    let (project, version) = (ProjectId(id), RequirementsId(rid));
    let (from, found) = requirements::difference(&app, project, version, from).await?;
    Ok(Json(view::difference(from, rid, &found)))
}

/// Comment on a version of the requirements, or on one of its items
#[utoipa::path(post, path = "/projects/{id}/requirements/{rid}/comments", tag = "projects", params(("id" = i64, Path), ("rid" = i64, Path)), request_body = NewRequirementComment, responses(
    (status = 201, body = RequirementComment), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn comment(
    State(app): State<App>,
    caller: Caller,
    Path((id, rid)): Path<(i64, i64)>,
    JsonBody(new): JsonBody<NewRequirementComment>,
) -> Result<(StatusCode, Json<RequirementComment>), ApiError> {
    let (project, version) = (ProjectId(id), RequirementsId(rid));
    let item = new.item.as_deref();
    let made =
        requirements::comment(&app, &caller.name, project, version, item, &new.content).await?;
    Ok((StatusCode::CREATED, Json(view::comment(made))))
}

/// List the comments on a version of the requirements and on those before it
#[utoipa::path(get, path = "/projects/{id}/requirements/{rid}/comments", tag = "projects", params(("id" = i64, Path), ("rid" = i64, Path), PageQuery), responses(
    (status = 200, body = Vec<RequirementComment>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list_comments(
    State(app): State<App>,
    Path((id, rid)): Path<(i64, i64)>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let found = requirements::comments(&app, ProjectId(id), RequirementsId(rid)).await?;
    let shown = found.into_iter().map(view::comment);
    Ok(listing.answer_part(shown, |row| row.id))
}
