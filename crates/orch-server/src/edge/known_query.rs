//! The query values that a route knows: those that its documentation names. Any other is refused by name.
//!
//! A value that nobody reads is a mistake that would pass for a success: `?plan=44` where the plan belongs into the
//! body would set what is the whole project's. Routes without documentation read their queries themselves.

use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, ParameterIn};

use super::{FieldError, Problem};

/// The longest unknown name that an answer repeats.
const LONGEST_SHOWN: usize = 80;

/// The names of a route's query values, in the order of its documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KnownQuery(Arc<[String]>);

impl KnownQuery {
    pub(super) fn of(operation: &Operation) -> Self {
        let parameters = operation.parameters.iter().flatten();
        let names = parameters.filter_map(|one| match one {
            RefOr::T(one) if matches!(one.parameter_in, ParameterIn::Query) => {
                Some(one.name.clone())
            }
            RefOr::T(_) | RefOr::Ref(_) => None,
        });
        Self(names.collect())
    }

    fn first_unknown(&self, query: &str) -> Option<FieldError> {
        let (name, _) = form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| !self.0.iter().any(|known| known == name))?;
        let shown: String = name.chars().take(LONGEST_SHOWN).collect();
        Some(FieldError::new(shown, self.expected()).got("an unknown query value"))
    }

    fn expected(&self) -> String {
        match &self.0[..] {
            [] => "no query values".to_owned(),
            [one] => format!("`{one}` or nothing"),
            several => format!("one of `{}`", several.join("`, `")),
        }
    }
}

/// Refuses a query value that the route does not know.
pub(super) async fn check(request: Request, next: Next) -> Response {
    let known = request.extensions().get::<KnownQuery>();
    let unknown = known
        .zip(request.uri().query())
        .and_then(|(known, query)| known.first_unknown(query));
    match unknown {
        None => next.run(request).await,
        Some(fault) => {
            let detail = format!("the query value {fault}");
            let problem = Problem::unprocessable(detail).with_field(fault);
            super::ApiError::from(problem).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(known: &[&str], query: &str) -> Option<String> {
        let known = KnownQuery(known.iter().map(|&name| name.to_owned()).collect());
        known.first_unknown(query).map(|fault| fault.to_string())
    }

    #[test]
    fn what_a_route_knows_passes_and_all_else_is_named_with_what_it_knows() {
        assert_eq!(
            refused(&["limit", "order"], "limit=1&order=asc&limit=2"),
            None
        );
        assert_eq!(refused(&[], ""), None);
        let said = |known: &[&str], query| refused(known, query).unwrap();
        assert_eq!(
            said(&["limit", "order"], "limit=1&limitt=2"),
            "`limitt`: expected one of `limit`, `order`, got an unknown query value"
        );
        assert_eq!(
            said(&["from"], "%66rom=1&t%6f=2"),
            "`to`: expected `from` or nothing, got an unknown query value"
        );
        assert_eq!(
            said(&[], "plan=44"),
            "`plan`: expected no query values, got an unknown query value"
        );
        assert!(said(&[], &"x".repeat(5_000)).len() < 200);
    }
}
