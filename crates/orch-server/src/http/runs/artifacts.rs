//! The artifacts of runs.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use orch_api::problem::Problem;
use orch_api::types::run::{Artifact, NewArtifact};
use orch_core::ids::{ArtifactId, RunId};
use utoipa_axum::routes;

use super::super::paging::{Listing, PageQuery};
use super::super::view;
use super::{EpochQuery, agreed, download};
use crate::app::{App, AppError, artifact, secret};
use crate::edge::{Access, ApiError, Area, Caller, JsonBody, Path, Proof, Query};

/// Standard base64, padded or not.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// 16 MiB in base64, and the JSON around it.
const LARGEST_BODY: u64 = 16 * 1024 * 1024 * 4 / 3 + 64 * 1024;

pub fn area() -> Area<App> {
    Area::new()
        .route(
            Access::Agent.body_up_to(LARGEST_BODY).or_its_run(),
            routes!(store, list),
        )
        .route(Access::Agent.untimed(), routes!(raw))
        .route(Access::Agent, routes!(show))
}

/// Store an artifact
#[utoipa::path(post, path = "/work-items/runs/{id}/artifacts", tag = "runs", params(("id" = i64, Path), EpochQuery), request_body = NewArtifact, responses(
    (status = 200, body = Artifact), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn store(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<EpochQuery>,
    JsonBody(new): JsonBody<NewArtifact>,
) -> Result<Json<Artifact>, ApiError> {
    // `base64 file` breaks its lines.
    let mut encoded = new.content_base64.into_bytes();
    encoded.retain(|byte| !byte.is_ascii_whitespace());
    let content = LENIENT
        .decode(encoded)
        .map_err(|error| AppError::invalid("content_base64", format!("is not base64: {error}")))?;
    let (name, content) = match caller.proof {
        Proof::RunToken => {
            let hidden = secret::redactor_of(&app, RunId(id)).await?;
            let name = hidden.redact(&new.name).into_owned();
            let bytes = content.len();
            let hiding = move || hidden.redact_bytes(&content).into_owned();
            (name, app.texts().text(bytes, hiding).await)
        }
        Proof::None | Proof::SingleUser | Proof::Token => (new.name, content),
    };
    let new = artifact::New {
        name,
        media_type: new.media_type,
        kind: new.kind,
        content,
        epoch: agreed("epoch", query.epoch, new.epoch)?,
    };
    Ok(Json(view::artifact(
        artifact::store(&app, &caller.name, RunId(id), new).await?,
    )))
}

/// List the artifacts of a run
#[utoipa::path(get, path = "/work-items/runs/{id}/artifacts", tag = "runs", params(("id" = i64, Path), PageQuery), responses(
    (status = 200, body = Vec<Artifact>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn list(
    State(app): State<App>,
    Path(id): Path<i64>,
    listing: Listing,
) -> Result<Response, ApiError> {
    let artifacts = artifact::of_run(&app, RunId(id)).await?;
    Ok(listing.answer_part(artifacts.into_iter().map(view::artifact), |row| row.id))
}

/// One artifact
#[utoipa::path(get, path = "/work-items/runs/artifacts/{id}", tag = "runs", params(("id" = i64, Path)), responses(
    (status = 200, body = Artifact), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn show(State(app): State<App>, Path(id): Path<i64>) -> Result<Json<Artifact>, ApiError> {
    let artifact = artifact::show(&app, ArtifactId(id)).await?;
    Ok(Json(view::artifact(artifact)))
}

/// Download an artifact
///
/// It is always a download: what an agent made is never shown as a page of this origin. The bytes are
/// checked against their SHA-256 first; damaged ones are refused with 409 `artifact_damaged`. A single
/// `Range` of bytes is honoured; the `ETag` is the SHA-256.
#[utoipa::path(get, path = "/work-items/runs/artifacts/{id}/raw", tag = "runs", params(("id" = i64, Path)), responses(
    (status = 200, body = String, content_type = "application/octet-stream"),
    (status = 206, body = String, content_type = "application/octet-stream"),
    (status = 304, description = "The caller has these bytes"),
    (status = 416, description = "The range lies outside of the artifact"),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn raw(
    State(app): State<App>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (artifact, content) = artifact::open(&app, ArtifactId(id)).await?;
    Ok(download::answer(artifact, content, &headers).await)
}
