//! `/projects/{id}/roles`: a project's roles and what they remember. A run's token opens none of it: a role
//! says what a model is told.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use orch_api::problem::Problem;
use orch_api::types::role::{NewRoleNote, ProjectRole, RoleNote, SetProjectRole};
use orch_core::ids::ProjectId;
use orch_model::role::Output;
use orch_store::role_memory::Note;
use utoipa_axum::routes;

use super::instant;
use super::paging::{Listing, PageQuery};
use crate::app::App;
use crate::app::role::{self, Shown};
use crate::edge::{Access, ApiError, Area, Caller, JsonBody, Path};

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::User, routes!(list))
        .route(Access::User, routes!(set, show, reset))
        .route(Access::User, routes!(notes, note))
        .route(Access::User, routes!(forget))
}

fn view(shown: Shown) -> ProjectRole {
    let role = shown.role;
    ProjectRole {
        name: role.name,
        title: role.title,
        about: role.about,
        origin: shown.origin.name().to_owned(),
        output: match role.output {
            Output::Text => "text".to_owned(),
            Output::Json(_) => "json".to_owned(),
        },
        inputs: role.inputs,
        tools: role.tools,
        model: shown.model,
        fault: shown.fault,
        updated_at: shown.own.as_ref().map(|own| instant(own.updated_at)),
        updated_by: shown.own.as_ref().map(|own| own.updated_by.clone()),
        content: shown.own.map(|own| own.content),
    }
}

fn view_note(note: Note) -> RoleNote {
    RoleNote {
        id: note.id,
        project_id: note.project_id,
        role: note.role,
        content: note.content,
        origin: note.origin,
        author: note.author,
        created_at: instant(note.created_at),
    }
}

/// List the roles that hold in a project
#[utoipa::path(get, path = "/projects/{id}/roles", tag = "orchestrate", params(("id" = i64, Path)), responses(
    (status = 200, body = Vec<ProjectRole>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list(
    State(app): State<App>,
    Path(id): Path<i64>,
) -> Result<Json<Vec<ProjectRole>>, ApiError> {
    let roles = role::list(&app, ProjectId(id)).await?;
    Ok(Json(roles.into_iter().map(view).collect()))
}

/// Show a role that holds in a project
#[utoipa::path(get, path = "/projects/{id}/roles/{key}", tag = "orchestrate", params(("id" = i64, Path), ("key" = String, Path)), responses(
    (status = 200, body = ProjectRole), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show(
    State(app): State<App>,
    Path((id, key)): Path<(i64, String)>,
) -> Result<Json<ProjectRole>, ApiError> {
    Ok(Json(view(role::show(&app, ProjectId(id), &key).await?)))
}

/// Set a project's role
///
/// It holds in place of the program's or the operator's role of this name, or beside them. Its tools are among those
/// of that role, and its model is that role's or one that the operator has set.
#[utoipa::path(put, path = "/projects/{id}/roles/{key}", tag = "orchestrate", params(("id" = i64, Path), ("key" = String, Path)), request_body = SetProjectRole, responses(
    (status = 200, body = ProjectRole), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn set(
    State(app): State<App>,
    caller: Caller,
    Path((id, key)): Path<(i64, String)>,
    JsonBody(new): JsonBody<SetProjectRole>,
) -> Result<Json<ProjectRole>, ApiError> {
    let set = role::set(&app, &caller.name, ProjectId(id), &key, &new.content).await?;
    Ok(Json(view(set)))
}

/// Take a project's role away
///
/// The operator's or the program's holds again.
#[utoipa::path(delete, path = "/projects/{id}/roles/{key}", tag = "orchestrate", params(("id" = i64, Path), ("key" = String, Path)), responses(
    (status = 204, description = "It is gone"), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn reset(
    State(app): State<App>,
    caller: Caller,
    Path((id, key)): Path<(i64, String)>,
) -> Result<StatusCode, ApiError> {
    role::reset(&app, &caller.name, ProjectId(id), &key).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List what a role remembers in a project
#[utoipa::path(get, path = "/projects/{id}/roles/{key}/memory", tag = "orchestrate", params(("id" = i64, Path), ("key" = String, Path), PageQuery), responses(
    (status = 200, body = Vec<RoleNote>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn notes(
    State(app): State<App>,
    Path((id, key)): Path<(i64, String)>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let notes = role::notes(&app, ProjectId(id), &key).await?;
    Ok(listing.answer_part(notes.into_iter().map(view_note), |note| note.id))
}

/// Have a role remember something in a project
#[utoipa::path(post, path = "/projects/{id}/roles/{key}/memory", tag = "orchestrate", params(("id" = i64, Path), ("key" = String, Path)), request_body = NewRoleNote, responses(
    (status = 201, body = RoleNote), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn note(
    State(app): State<App>,
    caller: Caller,
    Path((id, key)): Path<(i64, String)>,
    JsonBody(new): JsonBody<NewRoleNote>,
) -> Result<(StatusCode, Json<RoleNote>), ApiError> {
    let made = role::note(&app, &caller.name, ProjectId(id), &key, &new.content).await?;
    Ok((StatusCode::CREATED, Json(view_note(made))))
}

/// Have a role forget a note
#[utoipa::path(delete, path = "/projects/{id}/roles/{key}/memory/{note}", tag = "orchestrate", params(("id" = i64, Path), ("key" = String, Path), ("note" = i64, Path)), responses(
    (status = 204, description = "It is gone"), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn forget(
    State(app): State<App>,
    caller: Caller,
    Path((id, key, note)): Path<(i64, String, i64)>,
) -> Result<StatusCode, ApiError> {
    role::forget(&app, &caller.name, ProjectId(id), &key, note).await?;
    Ok(StatusCode::NO_CONTENT)
}
