//! `/projects`: projects, visions, quotas.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use orch_api::problem::Problem;
use orch_api::types::project::{NewProject, Project, Quota, SetQuota, UpdateProject};
use orch_api::types::vision::{Attachment, FirstVision, NewVision, Vision};
use orch_core::ids::ProjectId;
use utoipa_axum::routes;

use super::paging::{Listing, PageQuery};
use super::{requirements_view, view};
use crate::app::{App, project, vision};
use crate::edge::{Access, ApiError, Area, Caller, JsonBody, Path};

type Answer<T> = Result<Json<T>, ApiError>;
type Created<T> = Result<(StatusCode, Json<T>), ApiError>;

/// A vision of 512 KiB with 4 MiB of files, encoded.
const VISION_BODY_BYTES: u64 = 8 * 1024 * 1024;

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::User, routes!(create, list))
        .route(Access::User, routes!(show, update))
        .route(
            Access::User.body_up_to(VISION_BODY_BYTES),
            routes!(submit_vision, latest_vision),
        )
        .route(
            Access::User.body_up_to(VISION_BODY_BYTES),
            routes!(submit_first_vision),
        )
        .route(Access::User, routes!(list_visions))
        .route(Access::User, routes!(list_attachments))
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

/// Submit a vision, with files if there are any
#[utoipa::path(post, path = "/projects/{id}/vision", tag = "projects", params(("id" = i64, Path)), request_body = NewVision, responses(
    (status = 201, body = Vision), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn submit_vision(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    JsonBody(new): JsonBody<NewVision>,
) -> Created<Vision> {
    let vision = vision::submit(&app, &caller.name, ProjectId(id), new).await?;
    Ok((StatusCode::CREATED, Json(view::vision(vision))))
}

/// Create a project for a vision
///
/// Both are there, or neither.
#[utoipa::path(post, path = "/visions", tag = "projects", request_body = FirstVision, responses(
    (status = 201, body = Vision), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn submit_first_vision(
    State(app): State<App>,
    caller: Caller,
    JsonBody(new): JsonBody<FirstVision>,
) -> Created<Vision> {
    let vision = vision::submit_first(&app, &caller.name, new).await?;
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

/// List the files of the newest vision
#[utoipa::path(get, path = "/projects/{id}/vision/attachments", tag = "projects", params(("id" = i64, Path), PageQuery), responses(
    (status = 200, body = Vec<Attachment>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list_attachments(
    State(app): State<App>,
    Path(id): Path<i64>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let files = vision::attachments(&app, ProjectId(id)).await?;
    Ok(listing.answer_part(
        files.into_iter().map(requirements_view::attachment),
        |row| row.id,
    ))
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
