//! `/projects`: projects, visions, requirements, quotas.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use orch_api::problem::Problem;
use orch_api::types::project::{NewProject, Project, Quota, SetQuota, UpdateProject};
use orch_api::types::requirements::Requirements;
use orch_api::types::vision::{NewVision, Vision};
use orch_core::ids::{ProjectId, RequirementsId};
use utoipa_axum::routes;

use super::paging::{Listing, PageQuery};
use super::view;
use crate::app::{App, project, requirements};
use crate::edge::{Access, ApiError, Area, Caller, JsonBody, Path};

type Answer<T> = Result<Json<T>, ApiError>;
type Created<T> = Result<(StatusCode, Json<T>), ApiError>;

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::User, routes!(create, list))
        .route(Access::User, routes!(show, update))
        .route(Access::User, routes!(submit_vision, latest_vision))
        .route(Access::User, routes!(list_visions))
        .route(Access::User, routes!(list_requirements))
        .route(Access::User, routes!(propose))
        .route(Access::User, routes!(approve_current))
        .route(Access::User, routes!(show_requirements))
        .route(Access::User, routes!(approve))
        .route(Access::User, routes!(set_quota, show_quota))
}

/// Create a project
#[utoipa::path(post, path = "/projects", tag = "projects", request_body = NewProject, responses(
    (status = 201, body = Project), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    JsonBody(new): JsonBody<NewProject>,
) -> Created<Project> {
    let created = project::create(&app, &caller.name, new).await?;
    Ok((StatusCode::CREATED, Json(view::project(&created))))
}

/// List projects
#[utoipa::path(get, path = "/projects", tag = "projects", params(PageQuery), responses(
    (status = 200, body = Vec<Project>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list(State(app): State<App>, listing: Listing) -> Result<Response, ApiError> {
    let projects = project::list(&app, listing.page()).await?;
    Ok(listing.answer(projects, |project| view::project(&project)))
}

/// Show a project
#[utoipa::path(get, path = "/projects/{id}", tag = "projects", params(("id" = i64, Path)), responses(
    (status = 200, body = Project), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show(State(app): State<App>, Path(id): Path<i64>) -> Answer<Project> {
    Ok(Json(view::project(
        &project::show(&app, ProjectId(id)).await?,
    )))
}

/// Change a project
#[utoipa::path(patch, path = "/projects/{id}", tag = "projects", params(("id" = i64, Path)), request_body = UpdateProject, responses(
    (status = 200, body = Project), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn update(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    JsonBody(change): JsonBody<UpdateProject>,
) -> Answer<Project> {
    Ok(Json(view::project(
        &project::update(&app, &caller.name, ProjectId(id), change).await?,
    )))
}

/// Submit a vision
#[utoipa::path(post, path = "/projects/{id}/vision", tag = "projects", params(("id" = i64, Path)), request_body = NewVision, responses(
    (status = 201, body = Vision), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn submit_vision(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    JsonBody(new): JsonBody<NewVision>,
) -> Created<Vision> {
    let vision = project::submit_vision(&app, &caller.name, ProjectId(id), &new.content).await?;
    Ok((StatusCode::CREATED, Json(view::vision(vision))))
}

/// Show the newest vision
#[utoipa::path(get, path = "/projects/{id}/vision", tag = "projects", params(("id" = i64, Path)), responses(
    (status = 200, body = Vision), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn latest_vision(State(app): State<App>, Path(id): Path<i64>) -> Answer<Vision> {
    Ok(Json(view::vision(
        project::latest_vision(&app, ProjectId(id)).await?,
    )))
}

/// List the versions of the vision
#[utoipa::path(get, path = "/projects/{id}/visions", tag = "projects", params(("id" = i64, Path), PageQuery), responses(
    (status = 200, body = Vec<Vision>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list_visions(
    State(app): State<App>,
    Path(id): Path<i64>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let versions = project::visions(&app, ProjectId(id)).await?;
    Ok(listing.answer_part(versions.into_iter().map(view::vision), |row| row.id))
}

/// Propose requirements from the newest vision
#[utoipa::path(post, path = "/projects/{id}/requirements/propose", tag = "projects", params(("id" = i64, Path)), responses(
    (status = 200, body = Requirements), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn propose(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Answer<Requirements> {
    Ok(Json(view::requirements(
        requirements::propose(&app, &caller.name, ProjectId(id)).await?,
    )))
}

/// Approve the current requirements
#[utoipa::path(post, path = "/projects/{id}/requirements/approve", tag = "projects", params(("id" = i64, Path)), responses(
    (status = 200, body = Requirements), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn approve_current(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Answer<Requirements> {
    Ok(Json(view::requirements(
        requirements::approve(&app, &caller.name, ProjectId(id), None).await?,
    )))
}

/// List the versions of the requirements
#[utoipa::path(get, path = "/projects/{id}/requirements", tag = "projects", params(("id" = i64, Path), PageQuery), responses(
    (status = 200, body = Vec<Requirements>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list_requirements(
    State(app): State<App>,
    Path(id): Path<i64>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let versions = requirements::list(&app, ProjectId(id)).await?;
    Ok(listing.answer_part(versions.into_iter().map(view::requirements), |row| row.id))
}

/// Show a version of the requirements
#[utoipa::path(get, path = "/projects/{id}/requirements/{rid}", tag = "projects", params(("id" = i64, Path), ("rid" = i64, Path)), responses(
    (status = 200, body = Requirements), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show_requirements(
    State(app): State<App>,
    Path((id, rid)): Path<(i64, i64)>,
) -> Answer<Requirements> {
    Ok(Json(view::requirements(
        requirements::show(&app, ProjectId(id), RequirementsId(rid)).await?,
    )))
}

/// Approve a version of the requirements
#[utoipa::path(post, path = "/projects/{id}/requirements/{rid}/approve", tag = "projects", params(("id" = i64, Path), ("rid" = i64, Path)), responses(
    (status = 200, body = Requirements), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn approve(
    State(app): State<App>,
    caller: Caller,
    Path((id, rid)): Path<(i64, i64)>,
) -> Answer<Requirements> {
    let approved =
        requirements::approve(&app, &caller.name, ProjectId(id), Some(RequirementsId(rid))).await?;
    Ok(Json(view::requirements(approved)))
}

/// Set the daily quota of runs
#[utoipa::path(post, path = "/projects/{id}/quota", tag = "projects", params(("id" = i64, Path)), request_body = SetQuota, responses(
    (status = 200, body = Quota), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn set_quota(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    JsonBody(new): JsonBody<SetQuota>,
) -> Answer<Quota> {
    let project =
        project::set_quota(&app, &caller.name, ProjectId(id), new.max_runs_per_day).await?;
    Ok(Json(view::quota(&project, app.store().now())))
}

/// Show the daily quota of runs
#[utoipa::path(get, path = "/projects/{id}/quota", tag = "projects", params(("id" = i64, Path)), responses(
    (status = 200, body = Quota), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show_quota(State(app): State<App>, Path(id): Path<i64>) -> Answer<Quota> {
    Ok(Json(view::quota(
        &project::show(&app, ProjectId(id)).await?,
        app.store().now(),
    )))
}
