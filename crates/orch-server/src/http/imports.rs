//! `/projects/{id}/import` and `/imports`: existing code, and what was found in it. A run's token opens none
//! of it.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use orch_api::problem::Problem;
use orch_api::types::import::{Import, ImportSource, NewImport};
use orch_core::ids::{ProjectId, SurveyId};
use orch_store::survey::Survey;
use utoipa_axum::routes;

use super::instant;
use super::paging::{Listing, PageQuery};
use crate::app::{App, import as imports};
use crate::edge::{Access, ApiError, Area, Caller, OptionalJson, Path};

/// An archive of 24 MiB, encoded.
const IMPORT_BODY_BYTES: u64 = 34 * 1024 * 1024;

pub fn area() -> Area<App> {
    Area::new()
        .route(
            // Fetching and looking through has bounds of its own.
            Access::User.body_up_to(IMPORT_BODY_BYTES).untimed(),
            routes!(import),
        )
        .route(Access::User, routes!(list))
        .route(Access::User, routes!(show))
}

/// Import existing code
///
/// Looks through a commit of the project's repository, or through an archive, and keeps what is found:
/// languages, commands, entry points, dependencies, parts, each with the file and line that says so.
#[utoipa::path(post, path = "/projects/{id}/import", tag = "projects", params(("id" = i64, Path)), request_body = Option<NewImport>, responses(
    (status = 201, body = Import), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn import(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    OptionalJson(new): OptionalJson<NewImport>,
) -> Result<(StatusCode, Json<Import>), ApiError> {
    let stored = imports::import(&app, &caller.name, ProjectId(id), new).await?;
    Ok((StatusCode::CREATED, Json(whole(stored))))
}

/// List the imports of a project
#[utoipa::path(get, path = "/projects/{id}/imports", tag = "projects", params(("id" = i64, Path), PageQuery), responses(
    (status = 200, body = Vec<Import>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list(
    State(app): State<App>,
    Path(id): Path<i64>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let found = imports::list(&app, ProjectId(id)).await?;
    Ok(listing.answer_part(found.into_iter().map(shown), |row| row.id))
}

/// Show an import, with what was found
#[utoipa::path(get, path = "/projects/{id}/imports/{iid}", tag = "projects", params(("id" = i64, Path), ("iid" = i64, Path)), responses(
    (status = 200, body = Import), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show(
    State(app): State<App>,
    Path((id, iid)): Path<(i64, i64)>,
) -> Result<Json<Import>, ApiError> {
    let stored = imports::show(&app, ProjectId(id), SurveyId(iid)).await?;
    Ok(Json(whole(stored)))
}

fn whole(mut stored: Survey) -> Import {
    let content = std::mem::take(&mut stored.content);
    let survey = serde_json::from_str(&content).ok();
    Import {
        survey,
        ..shown(stored)
    }
}

fn shown(stored: Survey) -> Import {
    Import {
        id: stored.id,
        project_id: stored.project_id,
        source: match stored.source.as_str() {
            "archive" => ImportSource::Archive,
            _ => ImportSource::Repository,
        },
        name: stored.name,
        reference: stored.reference,
        commit: stored.commit_id,
        sha256: stored.sha256,
        created_by: stored.created_by,
        created_at: instant(stored.created_at),
        survey: None,
    }
}
