//! `/projects/{id}/secrets`: values go in; names, scopes, versions and times come out.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use orch_api::problem::Problem;
use orch_api::types::secret::{HiddenText, ResealedSecrets, Secret, SetSecret};
use orch_core::ids::ProjectId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::paging::{Listing, PageQuery};
use crate::app::secret::{self, Named, Resealed};
use crate::app::{App, AppError};
use crate::edge::{Access, ApiError, Area, Caller, JsonBody, Path, Query};

pub fn area() -> Area<App> {
    Area::new()
        .route(Access::User, routes!(list))
        .route(Access::User, routes!(set, show, remove))
        .route(Access::User, routes!(reseal))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ScopeQuery {
    /// Whose runs get it; without one it is the project's own.
    environment: Option<String>,
}

fn view(secret: &orch_core::secret::Secret) -> Secret {
    Secret {
        name: secret.name.to_string(),
        project_id: secret.project_id.get(),
        environment: secret.scope.environment().map(str::to_owned),
        version: secret.version,
        created_at: secret.created_at.to_string(),
        updated_at: secret.updated_at.to_string(),
        set_by: secret.set_by.clone(),
        warning: None,
    }
}

/// List the secrets of a project, without values
#[utoipa::path(get, path = "/projects/{id}/secrets", tag = "secrets", params(("id" = i64, Path), PageQuery), responses(
    (status = 200, body = Vec<Secret>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list(
    State(app): State<App>,
    Path(id): Path<i64>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let secrets = secret::list(&app, ProjectId(id), listing.page()).await?;
    Ok(listing.answer(secrets, |secret| view(&secret)))
}

/// Show a secret, without its value
#[utoipa::path(get, path = "/projects/{id}/secrets/{name}", tag = "secrets", params(("id" = i64, Path), ("name" = String, Path), ScopeQuery), responses(
    (status = 200, body = Secret), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show(
    State(app): State<App>,
    Path((id, name)): Path<(i64, String)>,
    Query(scope): Query<ScopeQuery>,
) -> Result<Json<Secret>, ApiError> {
    let named = Named::parse(ProjectId(id), &name, scope.environment.as_deref())?;
    Ok(Json(view(&secret::show(&app, &named).await?)))
}

/// Set a secret: its first value, or the next
#[utoipa::path(put, path = "/projects/{id}/secrets/{name}", tag = "secrets", params(("id" = i64, Path), ("name" = String, Path), ScopeQuery), request_body = SetSecret, responses(
    (status = 200, body = Secret), (status = "4XX", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The vault does not answer; nothing was stored", body = Problem, content_type = "application/problem+json")))]
async fn set(
    State(app): State<App>,
    caller: Caller,
    Path((id, name)): Path<(i64, String)>,
    Query(scope): Query<ScopeQuery>,
    JsonBody(new): JsonBody<SetSecret>,
) -> Result<Json<Secret>, ApiError> {
    let named = Named::parse(ProjectId(id), &name, scope.environment.as_deref())?;
    let value = value(new)?;
    let set = secret::set(&app, &caller.name, &named, &value).await?;
    Ok(Json(Secret {
        warning: set.warning,
        ..view(&set.secret)
    }))
}

/// The bytes of a value.
fn value(new: SetSecret) -> Result<Vec<u8>, AppError> {
    match (new.value, new.value_base64) {
        (Some(HiddenText(text)), None) => Ok(text.into_bytes()),
        (None, Some(HiddenText(text))) => STANDARD
            .decode(text.trim())
            .map_err(|_| AppError::invalid("value_base64", "must be standard base64")),
        (Some(_), Some(_)) => {
            let message = "and `value_base64` are both given; give one of them";
            Err(AppError::invalid("value", message))
        }
        (None, None) => {
            let message = "is missing; give it, or `value_base64` for bytes that are no text";
            Err(AppError::invalid("value", message))
        }
    }
}

/// Remove a secret
#[utoipa::path(delete, path = "/projects/{id}/secrets/{name}", tag = "secrets", params(("id" = i64, Path), ("name" = String, Path), ScopeQuery), responses(
    (status = 204, description = "It is gone"), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn remove(
    State(app): State<App>,
    caller: Caller,
    Path((id, name)): Path<(i64, String)>,
    Query(scope): Query<ScopeQuery>,
) -> Result<StatusCode, ApiError> {
    let named = Named::parse(ProjectId(id), &name, scope.environment.as_deref())?;
    secret::remove(&app, &caller.name, &named).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Seal all secrets and answers anew with the first of the server's keys
#[utoipa::path(post, path = "/secrets/reseal", tag = "secrets", responses(
    (status = 200, body = ResealedSecrets), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn reseal(State(app): State<App>, caller: Caller) -> Result<Json<ResealedSecrets>, ApiError> {
    let Resealed {
        secrets,
        answers,
        unreadable,
    } = secret::reseal(&app, &caller.name).await?;
    Ok(Json(ResealedSecrets {
        secrets,
        answers,
        unreadable,
    }))
}
