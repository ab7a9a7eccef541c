//! The `ETag` of a version: what names it in quotes, in answers and in `If-Match`. A version that a person approves is
//! named by its digest.

use std::fmt::Display;

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
    bound_digest(headers, sent, whose)?.ok_or_else(|| {
        let message = format!(
            "is missing; expected the digest of the version that was read, as GET {place} shows it, here or in If-Match; or name the version: POST {place}/{{id}}/approve"
        );
        AppError::invalid("digest", message)
    })
}

/// The digest that the body or `If-Match` names; where both do, both have to hold.
pub(super) fn bound_digest(
    headers: &HeaderMap,
    sent: Option<String>,
    whose: &str,
) -> Result<Option<String>, AppError> {
    match (sent, if_match(headers, whose)?) {
        (Some(sent), Some(tag)) if sent != tag => {
            let sent: String = sent.chars().take(64).collect();
            let message = format!(
                "`digest` is {sent} and If-Match is {tag}, and both cannot be what was read; read it again"
            );
            Err(AppError::conflict("digest_changed", message))
        }
        (Some(sent), _) => Ok(Some(sent)),
        (None, tag) => Ok(tag),
    }
}

/// The answer with what names the version as the `ETag`.
pub(super) fn tagged(
    status: StatusCode,
    version: &impl Display,
    body: impl IntoResponse,
) -> Response {
    let etag = HeaderValue::from_str(&format!("\"{version}\""));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged_with(value: &str) -> HeaderMap {
        let value = HeaderValue::from_str(value).expect("a header");
        [(IF_MATCH, value)].into_iter().collect()
    }

    #[test]
    fn the_digest_of_the_body_and_of_if_match_both_have_to_hold() {
        let (one, other) = ("1".repeat(64), "2".repeat(64));
        let bound = |tag: &str, sent: Option<&String>| {
            bound_digest(&tagged_with(tag), sent.cloned(), "a plan:")
        };
        let tag = format!("\"{one}\"");
        assert_eq!(bound(&tag, Some(&one)).ok().flatten(), Some(one.clone()));
        assert_eq!(bound(&tag, None).ok().flatten(), Some(one.clone()));
        assert_eq!(bound("*", Some(&one)).ok().flatten(), Some(one.clone()));
        assert!(matches!(
            bound(&tag, Some(&other)),
            Err(AppError::Refused(_))
        ));
        assert!(matches!(
            bound("\"12\"", Some(&one)),
            Err(AppError::PreconditionFailed(_))
        ));
    }
}
