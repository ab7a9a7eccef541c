//! JSON bodies, required and optional, and bodies as bytes.
//!
//! Broken JSON is 400 with line and column; well-formed JSON of the wrong shape is 422 and names the
//! field; another content type is 415. Nesting is bounded before anything is built.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::Track;

use super::super::{ApiError, Problem, read_whole};
use super::blame::field_error;
use super::by_name::ByName;

/// Deepest nesting of arrays and objects that is read.
const DEEPEST: usize = 64;

/// A body that must be there, read as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JsonBody<T>(pub T);

/// A body that may be left out: none, an empty one and `null` are all `T::default()`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptionalJson<T>(pub T);

/// A body of any content type, whole, within the route's limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawBody(pub Bytes);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        match json(request).await? {
            Some(text) => parse(&text).map(Self),
            None => {
                let detail = "the request has no body; send a JSON object";
                Err(Problem::bad_request(detail).into())
            }
        }
    }
}

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        match json(request).await? {
            Some(text) if text.trim_ascii() != b"null" => parse(&text).map(Self),
            Some(_) | None => Ok(Self(T::default())),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        read_whole(request.into_body()).await.map(Self)
    }
}

/// The JSON text of a request; none when the body is absent or blank.
async fn json(request: Request) -> Result<Option<Bytes>, ApiError> {
    let content_type = request.headers().get(CONTENT_TYPE).cloned();
    let text = read_whole(request.into_body()).await?;
    if text.is_empty() {
        return Ok(None);
    }
    match content_type {
        Some(given) if !is_json(&given) => {
            let given = String::from_utf8_lossy(given.as_bytes()).into_owned();
            let shown: String = given.chars().take(100).collect();
            Err(Problem::unsupported_media_type(format!(
                "the body's content type is `{shown}`; send `content-type: application/json`"
            ))
            .into())
        }
        Some(_) | None if text.trim_ascii().is_empty() => Ok(None),
        Some(_) | None => Ok(Some(text)),
    }
}

fn is_json(content_type: &HeaderValue) -> bool {
    let text = content_type.to_str().unwrap_or_default();
    let media_type = text.split(';').next().unwrap_or_default().trim();
    let media_type = media_type.to_ascii_lowercase();
    media_type.is_empty()
        || media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, ApiError> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if let Some((line, column)) = too_deep(text) {
        return Err(Problem::bad_request(format!(
            "the JSON body is nested deeper than {DEEPEST} levels at line {line} column {column}"
        ))
        .into());
    }
    let mut source = serde_json::Deserializer::from_slice(text);
    let mut track = Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut source, &mut track);
    let value = T::deserialize(ByName(tracked)).map_err(|error| explain(&track.path(), &error))?;
    source.end().map_err(|error| broken(&error))?;
    Ok(value)
}

fn explain(path: &serde_path_to_error::Path, error: &serde_json::Error) -> ApiError {
    match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => broken(error),
        Category::Data => {
            let place = place(error);
            let message = error.to_string();
            let message = message.strip_suffix(&place).unwrap_or(&message);
            let fault = field_error(path, message);
            let mut detail = if fault.field.is_empty() {
                let got = fault.got.as_deref().unwrap_or("something else");
                format!("the body: expected {}, got {got}", fault.expected)
            } else {
                fault.to_string()
            };
            if error.line() > 0 {
                detail.push_str(&format!(" ({})", place.trim_start_matches(" at ")));
            }
            Problem::unprocessable(detail).with_field(fault).into()
        }
    }
}

fn broken(error: &serde_json::Error) -> ApiError {
    Problem::bad_request(format!("the body is not valid JSON: {error}"))
        .with("line", error.line())
        .with("column", error.column())
        .into()
}

fn place(error: &serde_json::Error) -> String {
    format!(" at line {} column {}", error.line(), error.column())
}

/// Line and column of the first bracket beyond the deepest level.
fn too_deep(text: &[u8]) -> Option<(usize, usize)> {
    let (mut depth, mut line, mut line_start) = (0_usize, 1, 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'\n' => {
                line += 1;
                line_start = at + 1;
            }
            b'[' | b'{' => {
                depth += 1;
                if depth > DEEPEST {
                    return Some((line, at - line_start + 1));
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::super::super::FieldError;
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Item {
        title: String,
        retries: Option<u32>,
        kind: Option<Kind>,
        #[serde(default)]
        steps: Vec<Step>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Story,
        Task,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Step {
        run: String,
        env: Option<std::collections::BTreeMap<String, String>>,
    }

    fn problem(body: &Value) -> Problem {
        refused(body.to_string().as_bytes())
    }

    fn refused(body: &[u8]) -> Problem {
        parse::<Item>(body).unwrap_err().problem().clone()
    }

    fn check(body: &Value, expected: FieldError) {
        let problem = problem(body);
        assert_eq!((problem.status, problem.errors), (422, vec![expected]));
    }

    #[test]
    fn a_field_at_fault_is_named_with_what_it_held_and_what_belongs_there() {
        let field = FieldError::new;
        check(
            &json!({}),
            field("title", "a value (the field is required)").got("nothing"),
        );
        check(
            &json!({"title": 5}),
            field("title", "a string").got("integer `5`"),
        );
        check(
            &json!({"title": "a", "retries": "x, expected y"}),
            field("retries", "a whole number, zero or more").got("string \"x, expected y\""),
        );
        check(
            &json!({"title": "a", "retries": -1}),
            field("retries", "a whole number, zero or more").got("integer `-1`"),
        );
        check(
            &json!({"title": "a", "retries": 1_000_000_000_000_u64}),
            field("retries", "a whole number of at most 4294967295").got("integer `1000000000000`"),
        );
        check(
            &json!({"title": "a", "titel": 1}),
            field("titel", "one of `title`, `retries`, `kind`, `steps`").got("an unknown field"),
        );
        check(
            &json!({"title": "a", "kind": "epic"}),
            field("kind", "`story` or `task`").got("`epic`"),
        );
        check(
            &json!({"title": "a", "steps": [{"run": "a"}, {"rum": "b"}]}),
            field("steps[1].rum", "`run` or `env`").got("an unknown field"),
        );
        check(
            &json!({"title": "a", "steps": [{}]}),
            field("steps[0].run", "a value (the field is required)").got("nothing"),
        );
        check(
            &json!({"title": "a", "steps": [{"run": "a", "env": {"K": 1}}]}),
            field("steps[0].env.K", "a string").got("integer `1`"),
        );
        check(
            &json!({"title": "a", "steps": "a"}),
            field("steps", "an array").got("string \"a\""),
        );
        check(&json!(["a", 1]), field("", "a JSON object").got("sequence"));
        check(&json!(null), field("", "a JSON object").got("null"));
    }

    #[test]
    fn a_doubled_field_is_named() {
        let problem = refused(br#"{"title": "a", "title": "b"}"#);
        let expected = FieldError::new("title", "the field once").got("it twice");
        assert_eq!(problem.errors, [expected]);
    }

    #[test]
    fn a_name_full_of_quotes_is_named_whole_enough() {
        let problem = refused(br#"{"title": "a", "`, expected `x": 1}"#);
        assert_eq!((problem.status, problem.errors.len()), (422, 1));
    }

    #[test]
    fn broken_json_is_placed_by_line_and_column() {
        let problem = refused(b"{\"title\": \"a\",\n  oops}");
        assert_eq!(
            problem,
            Problem::bad_request(
                "the body is not valid JSON: key must be a string at line 2 column 3"
            )
            .with("line", 2)
            .with("column", 3)
        );
        for broken in [
            &b"{"[..],
            b"{\"title\": \"a\"} x",
            b"{\"title\": \"\xff\"}",
            b"]",
            b"\0",
        ] {
            assert_eq!(refused(broken).status, 400, "{broken:?}");
        }
    }

    #[test]
    fn nesting_is_bounded_at_64_levels_and_brackets_in_strings_do_not_count() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse::<Value>(nested(64).as_bytes()).is_ok());
        let error = parse::<Value>(nested(65).as_bytes()).unwrap_err();
        let expected = "the JSON body is nested deeper than 64 levels at line 1 column 65";
        assert_eq!(error.problem(), &Problem::bad_request(expected));
        let text = json!({"a": "[{\"\\".repeat(100)}).to_string();
        assert!(parse::<Value>(text.as_bytes()).is_ok());
        assert!(parse::<Value>("[".repeat(1_000_000).as_bytes()).is_err());
    }

    #[test]
    fn json_media_types_are_told_from_others() {
        for (text, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("multipart/form-data; boundary=application/json", false),
            ("text/x+json", false),
        ] {
            assert_eq!(is_json(&HeaderValue::from_static(text)), expected, "{text}");
        }
    }
}
