//! Values in the path, such as ids.
//!
//! A path that does not parse names nothing that exists: 404, with what would have been accepted.

use axum::extract::FromRequestParts;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::super::{ApiError, Problem};

/// The values of the path as a `T`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        axum::extract::Path::<T>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(explain)
    }
}

fn explain(rejection: PathRejection) -> ApiError {
    let PathRejection::FailedToDeserializePathParams(error) = rejection else {
        return ApiError::internal(rejection);
    };
    match error.kind() {
        ErrorKind::ParseError {
            value,
            expected_type,
        }
        | ErrorKind::ParseErrorAtIndex {
            value,
            expected_type,
            ..
        }
        | ErrorKind::ParseErrorAtKey {
            value,
            expected_type,
            ..
        } => {
            let value: String = value.chars().take(100).collect();
            let wanted = match *expected_type {
                "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => {
                    "a positive whole number"
                }
                other => other,
            };
            let detail = format!("there is nothing under `{value}`: an id is {wanted}");
            Problem::not_found(detail).into()
        }
        ErrorKind::InvalidUtf8InPathParam { key } => {
            let detail = format!("the path's {key} is not UTF-8 once decoded");
            Problem::bad_request(detail).into()
        }
        ErrorKind::DeserializeError { message, .. } | ErrorKind::Message(message) => {
            Problem::not_found(format!("there is nothing under this path: {message}")).into()
        }
        // The handler and its route disagree (the framework's enum is open).
        _ => ApiError::internal(error),
    }
}
