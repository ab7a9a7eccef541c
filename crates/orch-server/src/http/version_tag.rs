//! The `ETag` of a version that a person approves: its digest in quotes, in answers and in `If-Match`.

use axum::response::{IntoResponse, Response};
use http::header::{ETAG, IF_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::app::AppError;

/// The digest that an approval binds where no version is named by its id: whatever is the newest by then
/// must not be approved unread.
pub(super) fn read_digest(
    headers: &HeaderMap,
    sent: Option<String>,
    whose: &str,
    place: &str,
) -> Result<String, AppError> {
    sent.map_or_else(|| if_match(headers, whose), |digest| Ok(Some(digest)))?
        .ok_or_else(|| {
            let message = format!(
                "is missing; expected the digest of the version that was read, as GET {place} shows it, here or in If-Match; or name the version: POST {place}/{{id}}/approve"
            );
            AppError::invalid("digest", message)
        })
}

/// The answer with the version's digest as the `ETag`.
pub(super) fn tagged(status: StatusCode, digest: &str, body: impl IntoResponse) -> Response {
    let etag = HeaderValue::from_str(&format!("\"{digest}\""));
    let mut response = (status, body).into_response();
    if let Ok(etag) = etag {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

/// The digest that the caller read; none for `*`. `whose` is how the refusal names what has it.
pub(super) fn if_match(headers: &HeaderMap, whose: &str) -> Result<Option<String>, AppError> {
    let Some(value) = headers.get(IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or("").trim();
    if text == "*" {
        return Ok(None);
    }
    let digest = text.trim_matches('"');
    if digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(Some(digest.to_owned()));
    }
    let message = format!("If-Match must be the ETag of {whose} digest in quotes");
    Err(AppError::PreconditionFailed(message))
}
