//! A row that cannot be read, as the one who asked for it is told; and that the store looks at it.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use orch_store::{Key, Unreadable};
use serde_json::Value;

use crate::app::App;
use crate::edge::Problem;

const SLUG: &str = "unreadable-row";

/// 500: the row is named, and what to do about it.
pub(super) fn problem(row: &Unreadable) -> Problem {
    let detail = format!("{row}; mend the row, or bring it back from a backup");
    let id = match &row.key {
        Key::Number(id) => Value::from(*id),
        Key::Name(name) => Value::from(name.as_str()),
    };
    let problem = Problem::new(500, SLUG, "Unreadable row", detail)
        .with("code", "unreadable_row")
        .with("table", row.table)
        .with("id", id);
    match row.column.as_deref() {
        Some(column) => problem.with("column", column),
        None => problem,
    }
}

/// Has the row looked at that an answer names, so that health names it too.
pub(crate) async fn note(State(app): State<App>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let problem = response.extensions().get::<Problem>();
    if let Some(problem) = problem.filter(|problem| problem.slug() == SLUG)
        && let Some(Value::String(table)) = problem.extra.get("table")
        && let Some(key) = problem.extra.get("id").and_then(key)
    {
        app.store().suspect(table, key);
    }
    response
}

fn key(id: &Value) -> Option<Key> {
    match id {
        Value::Number(id) => id.as_i64().map(Key::Number),
        Value::String(name) => Some(Key::Name(name.clone())),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
