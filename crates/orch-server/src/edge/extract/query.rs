//! The query string, read into a type; and booleans as people write them.
//!
//! Any fault is 422 and names the key. Values of secret keys are never repeated.

use std::borrow::Cow;
use std::fmt;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::{DeserializeOwned, Deserializer, Error, Visitor};

use super::super::{ApiError, Problem};
use super::blame::field_error;

/// The query string as a `T`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let source = serde_urlencoded::Deserializer::new(pairs);
    serde_path_to_error::deserialize(source).map_err(|error| {
        let mut fault = field_error(error.path(), &error.inner().to_string());
        if let (None, Some(value)) = (&fault.got, value_of(query, &fault.field)) {
            fault = fault.got(format!("`{value}`"));
        }
        let detail = format!("the query value {fault}");
        Problem::unprocessable(detail).with_field(fault).into()
    })
}

/// The value given for `key`, unless it may be a secret.
fn value_of<'a>(query: &'a str, key: &str) -> Option<Cow<'a, str>> {
    let lower = key.to_ascii_lowercase();
    if ["secret", "token", "key", "password"]
        .iter()
        .any(|word| lower.contains(word))
    {
        return None;
    }
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == key)
        .map(|(_, value)| value)
}

/// Reads a boolean as people write it: `true`, `1`, `yes`, `on` and their opposites, in any case.
/// For `#[serde(deserialize_with = "query_bool")]`.
///
/// # Errors
/// When the value is anything else.
pub fn query_bool<'de, D: Deserializer<'de>>(source: D) -> Result<bool, D::Error> {
    source.deserialize_any(Written)
}

/// [`query_bool`] for a value that may be left out; needs `#[serde(default)]` beside it.
///
/// # Errors
/// When the value is there and is no boolean.
pub fn query_bool_option<'de, D: Deserializer<'de>>(source: D) -> Result<Option<bool>, D::Error> {
    query_bool(source).map(Some)
}

struct Written;

impl Visitor<'_> for Written {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, 1, yes or on, or false, 0, no or off")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
        Ok(value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::super::FieldError;
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        limit: Option<u32>,
        #[serde(default, deserialize_with = "query_bool")]
        success: bool,
        #[serde(default, deserialize_with = "query_bool_option")]
        plaintext: Option<bool>,
        x_orch_secret: Option<u8>,
    }

    fn success(query: &str) -> bool {
        parse::<Wanted>(query).unwrap().success
    }

    #[test]
    fn booleans_are_read_as_people_write_them() {
        for yes in ["true", "True", "TRUE", "1", "yes", "On"] {
            assert!(success(&format!("success={yes}")), "{yes}");
        }
        for no in ["false", "False", "0", "NO", "off"] {
            assert!(!success(&format!("success={no}")), "{no}");
        }
        assert_eq!(
            parse::<Wanted>("plaintext=1").unwrap(),
            Wanted {
                limit: None,
                success: false,
                plaintext: Some(true),
                x_orch_secret: None,
            }
        );
    }

    fn check(query: &str, detail: &str, expected: FieldError) {
        let error = parse::<Wanted>(query).unwrap_err();
        let problem = Problem::unprocessable(detail).with_field(expected);
        assert_eq!(error.problem(), &problem, "{query}");
    }

    #[test]
    fn a_wrong_value_is_named_with_what_is_accepted() {
        check(
            "limit=ten",
            "the query value `limit`: expected a whole number, got `ten`",
            FieldError::new("limit", "a whole number").got("`ten`"),
        );
        check(
            "limit=-1",
            "the query value `limit`: expected a whole number, got `-1`",
            FieldError::new("limit", "a whole number").got("`-1`"),
        );
        check(
            "success=maybe",
            "the query value `success`: expected true, 1, yes or on, or false, 0, no or off, \
             got string \"maybe\"",
            FieldError::new("success", "true, 1, yes or on, or false, 0, no or off")
                .got("string \"maybe\""),
        );
        check(
            "limit=1&limit=2",
            "the query value `limit`: expected the field once, got it twice",
            FieldError::new("limit", "the field once").got("it twice"),
        );
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = parse::<Wanted>("limitt=1").unwrap_err();
        let fields: Vec<&str> = error
            .problem()
            .errors
            .iter()
            .map(|e| e.field.as_str())
            .collect();
        assert_eq!(fields, ["limitt"]);
    }

    #[test]
    fn a_secret_is_never_repeated() {
        let error = parse::<Wanted>("x_orch_secret=hunter2").unwrap_err();
        let text = serde_json::to_string(error.problem()).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
    }
}
