//! The table of routes: which statement holds for a path and a method.
//!
//! Filled at registration only. A request whose route is not in it gets the strictest statement.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use utoipa::openapi::path::PathItem;

use super::area::Statement;
use super::stack::Edge;

/// The methods that an entry stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    Any,
    Only(Method),
}

/// Every route of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteTable(BTreeMap<String, Vec<(Verb, Statement)>>);

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteEntry<'a> {
    pub verb: &'a Verb,
    pub path: &'a str,
    pub statement: Statement,
}

impl RouteTable {
    /// All rows, ordered by path.
    pub fn entries(&self) -> impl Iterator<Item = RouteEntry<'_>> {
        self.0.iter().flat_map(|(path, rows)| {
            rows.iter().map(move |(verb, statement)| RouteEntry {
                verb,
                path,
                statement: *statement,
            })
        })
    }

    pub(super) fn add(&mut self, path: &str, verb: Verb, statement: Statement) {
        assert!(
            path == "/" || !path.ends_with('/'),
            "the route {path} ends in a slash: requests lose theirs, so it would never match"
        );
        let rows = self.0.entry(path.to_owned()).or_default();
        rows.push((verb, statement));
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (path, rows) in other.0 {
            self.0.entry(path).or_default().extend(rows);
        }
    }

    fn find(&self, path: &str, method: &Method) -> Option<Statement> {
        let rows = self.0.get(path)?;
        let stated = |wanted: &Method| {
            rows.iter()
                .find(|(verb, _)| match verb {
                    Verb::Any => true,
                    Verb::Only(method) => method == wanted,
                })
                .map(|(_, statement)| *statement)
        };
        // A GET route answers HEAD too.
        stated(method).or_else(|| {
            (method == Method::HEAD)
                .then(|| stated(&Method::GET))
                .flatten()
        })
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Only(method) => method.fmt(f),
        }
    }
}

/// The methods that an OpenAPI path documents.
pub(super) fn methods_of(item: &PathItem) -> impl Iterator<Item = Method> {
    [
        (&item.get, Method::GET),
        (&item.put, Method::PUT),
        (&item.post, Method::POST),
        (&item.delete, Method::DELETE),
        (&item.options, Method::OPTIONS),
        (&item.head, Method::HEAD),
        (&item.patch, Method::PATCH),
        (&item.trace, Method::TRACE),
    ]
    .into_iter()
    .filter_map(|(operation, method)| operation.is_some().then_some(method))
}

/// Attaches to the request what its route states.
pub(super) async fn attach(
    State(edge): State<Arc<Edge>>,
    mut request: Request,
    next: Next,
) -> Response {
    let statement = request
        .extensions()
        .get::<MatchedPath>()
        .and_then(|path| edge.table.find(path.as_str(), request.method()))
        .unwrap_or(Statement::STRICTEST);
    request.extensions_mut().insert(statement);
    next.run(request).await
}
