//! Problem details (RFC 9457): the one shape in which every refusal and failure leaves the API.
//!
//! Owns the stable `type` references and their titles. Knows nothing of a web framework, and never
//! carries a secret or the inside of an internal error.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The media type of a problem.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// What was wrong with a request, or what failed in answering it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The kind of problem: a relative reference, `/problems/<slug>`, that never changes.
    #[serde(rename = "type", default = "about_blank")]
    #[schema(example = "/problems/not-found")]
    pub type_ref: String,
    /// The kind in a few words, the same for every problem of the type.
    #[serde(default)]
    #[schema(example = "Not found")]
    pub title: String,
    /// The HTTP status code.
    #[schema(example = 404, minimum = 400, maximum = 599)]
    pub status: u16,
    /// What was wrong here, and what to do about it.
    #[serde(default)]
    #[schema(example = "there is no run 41")]
    pub detail: String,
    /// The path of the request, without its query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The fields at fault; absent when the fault is not in a field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The id under which the server's log knows this request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Further members that belong to the type.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub extra: Map<String, Value>,
}

/// One field at fault: its place, what it held, and what belongs there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The field's path, such as `steps[2].timeout`.
    #[schema(example = "max_retries")]
    pub field: String,
    /// What was found there; absent when nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "string \"three\"")]
    pub got: Option<String>,
    /// What is accepted there.
    #[schema(example = "a whole number")]
    pub expected: String,
}

impl FieldError {
    /// A field that is absent, or whose value should not be repeated.
    pub fn new(field: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            got: None,
            expected: expected.into(),
        }
    }

    /// Adds what was found there, shortened to 200 characters.
    #[must_use]
    pub fn got(mut self, found: impl AsRef<str>) -> Self {
        self.got = Some(shorten(found.as_ref()));
        self
    }
}

impl Problem {
    /// A problem of any kind; `slug` is the last segment of its type reference.
    pub fn new(status: u16, slug: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            type_ref: format!("/problems/{slug}"),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            instance: None,
            errors: Vec::new(),
            request_id: None,
            extra: Map::new(),
        }
    }

    /// 400: the request cannot be understood at all.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(400, "bad-request", "Bad request", detail)
    }

    /// 401: the caller must say who it is.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(401, "unauthorized", "Not authenticated", detail)
    }

    /// 403: understood, and refused.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, "forbidden", "Forbidden", detail)
    }

    /// 402: a budget does not let it pass.
    pub fn payment_required(detail: impl Into<String>) -> Self {
        Self::new(402, "over-budget", "Over budget", detail)
    }

    /// 404: there is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, "not-found", "Not found", detail)
    }

    /// 405: the path exists, the method does not.
    pub fn method_not_allowed(detail: impl Into<String>) -> Self {
        Self::new(405, "method-not-allowed", "Method not allowed", detail)
    }

    /// 409: the state of things does not permit it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, "conflict", "Conflict", detail)
    }

    /// 412: the version that the caller named is not the current one.
    pub fn precondition_failed(detail: impl Into<String>) -> Self {
        let title = "Precondition failed";
        Self::new(412, "precondition-failed", title, detail)
    }

    /// 413: the body is larger than the route accepts.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(413, "too-large", "Body too large", detail)
    }

    /// 415: the body is of a type that the route does not read.
    pub fn unsupported_media_type(detail: impl Into<String>) -> Self {
        let title = "Unsupported media type";
        Self::new(415, "unsupported-media-type", title, detail)
    }

    /// 422: understood, but a value in it is not acceptable.
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(422, "unprocessable", "Invalid value", detail)
    }

    /// 422 for one field; the detail is made from it.
    #[must_use]
    pub fn invalid_field(error: FieldError) -> Self {
        Self::unprocessable(error.to_string()).with_field(error)
    }

    /// 429: the caller's share is used up for now.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::new(429, "too-many-requests", "Too many requests", detail)
    }

    /// 500: the fault is the server's. The detail must say nothing of its inside.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(500, "internal", "Internal error", detail)
    }

    /// 501: named in the documents, with nothing behind it yet.
    pub fn not_implemented(detail: impl Into<String>) -> Self {
        Self::new(501, "not-implemented", "Not implemented", detail)
    }

    /// 503: cannot be answered now; trying again later may succeed.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(503, "unavailable", "Unavailable", detail)
    }

    /// 408: the caller took too long to send the request's body.
    pub fn body_timed_out(detail: impl Into<String>) -> Self {
        Self::new(408, "body-timed-out", "Request body timed out", detail)
    }

    /// 507: there is no room for what was to be stored. Trying again later may succeed.
    pub fn insufficient_storage(detail: impl Into<String>) -> Self {
        let title = "Insufficient storage";
        Self::new(507, "insufficient-storage", title, detail)
    }

    /// 503: the time for one request ran out.
    pub fn timed_out(detail: impl Into<String>) -> Self {
        Self::new(503, "timed-out", "Timed out", detail)
    }

    /// Replaces type and title by a narrower kind of the same status.
    #[must_use]
    pub fn with_type(mut self, slug: &str, title: &str) -> Self {
        self.type_ref = format!("/problems/{slug}");
        title.clone_into(&mut self.title);
        self
    }

    /// Adds a field at fault.
    #[must_use]
    pub fn with_field(mut self, error: FieldError) -> Self {
        self.errors.push(error);
        self
    }

    /// Adds a member of the type's own. A name that RFC 9457 or this shape uses is left out.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if !RESERVED.contains(&name) {
            self.extra.insert(name.to_owned(), value.into());
        }
        self
    }

    /// The last segment of the type reference, such as `not-found`.
    #[must_use]
    pub fn slug(&self) -> &str {
        self.type_ref.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.detail.is_empty() {
            write!(f, "{} ({})", self.title, self.status)
        } else {
            f.write_str(&self.detail)
        }
    }
}

impl std::error::Error for Problem {}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: expected {}", self.field, self.expected)?;
        match &self.got {
            Some(got) => write!(f, ", got {got}"),
            None => Ok(()),
        }
    }
}

/// Members with a meaning of their own, which an extension must not shadow.
const RESERVED: [&str; 7] = [
    "type",
    "title",
    "status",
    "detail",
    "instance",
    "errors",
    "request_id",
];

fn about_blank() -> String {
    "about:blank".to_owned()
}

fn shorten(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_is_written_and_read_back_whole() {
        let problem =
            Problem::invalid_field(FieldError::new("max_retries", "a whole number").got("\"x\""))
                .with("work_item_id", 7);
        let wire = json!({
            "type": "/problems/unprocessable",
            "title": "Invalid value",
            "status": 422,
            "detail": "`max_retries`: expected a whole number, got \"x\"",
            "errors": [{"field": "max_retries", "got": "\"x\"", "expected": "a whole number"}],
            "work_item_id": 7,
        });
        assert_eq!(serde_json::to_value(&problem).unwrap(), wire);
        assert_eq!(serde_json::from_value::<Problem>(wire).unwrap(), problem);
    }

    #[test]
    fn a_foreign_problem_with_a_status_alone_is_readable() {
        let problem: Problem = serde_json::from_value(json!({"status": 502})).unwrap();
        assert_eq!(problem.type_ref, "about:blank");
        assert_eq!(problem.to_string(), " (502)");
    }

    #[test]
    fn an_extension_never_shadows_a_standard_member() {
        let problem = Problem::conflict("taken").with("status", 200);
        assert_eq!(
            serde_json::to_value(problem).unwrap(),
            json!({
                "type": "/problems/conflict", "title": "Conflict",
                "status": 409, "detail": "taken",
            })
        );
    }

    #[test]
    fn what_was_found_is_shortened_at_a_character_boundary() {
        let error = FieldError::new("title", "at most 200 characters").got("é".repeat(500));
        assert_eq!(error.got, Some("é".repeat(200) + "…"));
    }
}
