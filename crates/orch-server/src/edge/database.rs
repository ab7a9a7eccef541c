//! No request waits for a database that is away: 503 and when to come again, while the database is
//! known not to answer and as soon as it is found not to.
//!
//! Public routes answer without a database. gRPC calls are the agents', which wait and come again.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};

use super::ApiError;
use super::stack::Edge;
use super::throttle::{is_grpc, is_public};

/// Serves the request, or gives it up.
pub(super) async fn answer_without(
    State(edge): State<Arc<Edge>>,
    request: Request,
    next: Next,
) -> Response {
    let store = edge.config.store.as_ref();
    let Some(store) = store.filter(|_| !is_public(&request) && !is_grpc(&request)) else {
        return next.run(request).await;
    };
    match store.unless_away(next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::database_away().into_response(),
    }
}

/// Says in the API's document that it may happen.
pub(super) fn document(item: &mut PathItem) {
    let operations: [&mut Option<Operation>; 8] = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.options,
        &mut item.head,
        &mut item.patch,
        &mut item.trace,
    ];
    for operation in operations.into_iter().flatten() {
        let responses = &mut operation.responses.responses;
        responses.entry("503".to_owned()).or_insert_with(away);
    }
}

fn away() -> RefOr<utoipa::openapi::Response> {
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new()
        .description(
            "The database is away (`code` is `database_unreachable`, and `Retry-After` says when to come again), or time ran out",
        )
        .content(orch_api::problem::CONTENT_TYPE, problem)
        .into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_route_but_the_public_ones_documents_that_the_database_may_be_away() {
        let document = serde_json::to_value(crate::http::openapi()).unwrap();
        let code = |path: &str, method: &str| {
            document["paths"][path][method]["responses"]["503"]["content"].clone()
        };
        for (path, method) in [("/projects", "get"), ("/scheduler/enqueue", "post")] {
            let expected = "#/components/schemas/Problem";
            let schema = &code(path, method)["application/problem+json"]["schema"];
            assert_eq!(schema["$ref"], expected, "{method} {path}");
        }
        assert!(code("/observability/ping", "get").is_null());
        // Its own 503 stands.
        assert!(code("/observability/health", "get")["application/json"].is_object());
    }
}
