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
use utoipa::openapi::path::{Operation, PathItem};

use super::area::Statement;
use super::known_query::KnownQuery;
use super::stack::Edge;

/// The methods that an entry stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    Any,
    Only(Method),
}

/// Every route of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteTable(BTreeMap<String, Vec<Row>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    verb: Verb,
    statement: Statement,
    /// None where the route reads its query itself.
    query: Option<KnownQuery>,
}

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
            rows.iter().map(move |row| RouteEntry {
                verb: &row.verb,
                path,
                statement: row.statement,
            })
        })
    }

    /// Adds a route that is documented, and so are its query values.
    pub(super) fn add_documented(
        &mut self,
        path: &str,
        method: Method,
        operation: &Operation,
        statement: Statement,
    ) {
        let query = Some(KnownQuery::of(operation));
        self.put(
            path,
            Row {
                verb: Verb::Only(method),
                statement,
                query,
            },
        );
    }

    /// Adds a route that reads its query itself.
    pub(super) fn add(&mut self, path: &str, verb: Verb, statement: Statement) {
        self.put(
            path,
            Row {
                verb,
                statement,
                query: None,
            },
        );
    }

    fn put(&mut self, path: &str, row: Row) {
        assert!(
            path == "/" || !path.ends_with('/'),
            "the route {path} ends in a slash: requests lose theirs, so it would never match"
        );
        self.0.entry(path.to_owned()).or_default().push(row);
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (path, rows) in other.0 {
            self.0.entry(path).or_default().extend(rows);
        }
    }

    fn find(&self, path: &str, method: &Method) -> Option<&Row> {
        let rows = self.0.get(path)?;
        let stated = |wanted: &Method| {
            rows.iter().find(|row| match &row.verb {
                Verb::Any => true,
                Verb::Only(method) => method == wanted,
            })
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

/// The operations that an OpenAPI path documents.
pub(super) fn operations_of(item: &PathItem) -> impl Iterator<Item = (Method, &Operation)> {
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
    .filter_map(|(operation, method)| Some((method, operation.as_ref()?)))
}

/// Attaches to the request what its route states.
pub(super) async fn attach(
    State(edge): State<Arc<Edge>>,
    mut request: Request,
    next: Next,
) -> Response {
    let row = request
        .extensions()
        .get::<MatchedPath>()
        .and_then(|path| edge.table.find(path.as_str(), request.method()));
    let statement = row.map_or(Statement::STRICTEST, |row| row.statement);
    let query = row.and_then(|row| row.query.clone());
    request.extensions_mut().insert(statement);
    if let Some(query) = query {
        request.extensions_mut().insert(query);
    }
    next.run(request).await
}
