//! Saving what the engine changed: one statement for each kind of change, however many rows.

use orch_core::engine::{Changes, Working};
use orch_core::event::Event;
use orch_core::time::Timestamp;
use serde_json::{Value, json};

use crate::conn::{execute, json_ids};
use crate::{Conn, StoreError, approval, info_request, project, queue, run, work_item};

/// Answers the events of what became void along the way.
pub(crate) async fn save(
    conn: &mut Conn,
    w: &Working,
    changes: &Changes,
    now: Timestamp,
) -> Result<Vec<Event>, StoreError> {
    let created = rows(&changes.new_items, |id| {
        w.items.get(&id).map(work_item::to_json)
    });
    work_item::insert(conn, created).await?;
    let changed = changes.items.difference(&changes.new_items).copied();
    work_item::update(
        conn,
        rows(changed, |id| w.items.get(&id).map(work_item::to_json)),
    )
    .await?;

    let created = rows(&changes.new_entries, |id| {
        w.entries.get(&id).map(queue::to_json)
    });
    queue::insert(conn, created).await?;
    let changed = changes.entries.difference(&changes.new_entries).copied();
    queue::update(
        conn,
        rows(changed, |id| w.entries.get(&id).map(queue::to_json)),
    )
    .await?;
    save_dependencies(conn, changes).await?;

    run::insert(
        conn,
        rows(&changes.new_runs, |id| w.runs.get(&id).map(run::to_json)),
    )
    .await?;
    let changed = changes.runs.difference(&changes.new_runs).copied();
    run::update(conn, rows(changed, |id| w.runs.get(&id).map(run::to_json))).await?;

    for id in &changes.projects {
        if let Some(project) = w.projects.get(id) {
            project::update(conn, project).await?;
        }
    }
    for (item, id) in &changes.approvals {
        let known = w
            .approvals
            .get(item)
            .and_then(|all| all.iter().find(|approval| approval.id == *id));
        if let Some(approval) = known {
            approval::update(conn, approval).await?;
        }
    }
    let mut voided = Vec::new();
    if !changes.abandoned.is_empty() {
        let runs = json_ids(changes.abandoned.iter().map(|id| id.get()));
        voided.extend(info_request::cancel_of_runs(conn, &runs, now).await?);
        voided.extend(approval::expire_of_runs(conn, &runs).await?);
    }
    Ok(voided)
}

/// The rows as a JSON array of arrays; `None` when there are none.
fn rows<I: Copy>(
    ids: impl IntoIterator<Item = impl std::borrow::Borrow<I>>,
    row: impl Fn(I) -> Option<Value>,
) -> Option<String> {
    let rows: Vec<Value> = ids.into_iter().filter_map(|id| row(*id.borrow())).collect();
    (!rows.is_empty()).then(|| Value::Array(rows).to_string())
}

async fn save_dependencies(conn: &mut Conn, changes: &Changes) -> Result<(), StoreError> {
    if !changes.new_dependencies.is_empty() {
        let edges: Vec<Value> = changes
            .new_dependencies
            .iter()
            .map(|(entry, on)| json!([entry, on]))
            .collect();
        execute!(
            conn,
            "INSERT INTO queue_dependency (entry_id, depends_on, met)
             SELECT CAST(j.value->>0 AS BIGINT), CAST(j.value->>1 AS BIGINT), 0 FROM json_each($1) j
             WHERE true ON CONFLICT (entry_id, depends_on) DO UPDATE SET met = 0",
            Value::Array(edges).to_string()
        )?;
    }
    if !changes.met_dependencies.is_empty() {
        let edges: Vec<Value> = changes
            .met_dependencies
            .iter()
            .map(|(entry, on)| json!([entry, on]))
            .collect();
        execute!(
            conn,
            "INSERT INTO queue_dependency (entry_id, depends_on, met)
             SELECT CAST(j.value->>0 AS BIGINT), CAST(j.value->>1 AS BIGINT), 1 FROM json_each($1) j
             WHERE true ON CONFLICT (entry_id, depends_on) DO NOTHING",
            Value::Array(edges).to_string()
        )?;
    }
    if !changes.met.is_empty() {
        execute!(
            conn,
            "UPDATE queue_dependency SET met = 1
              WHERE met = 0 AND depends_on IN (SELECT value FROM json_each($1))",
            json_ids(changes.met.iter().map(|id| id.get()))
        )?;
    }
    if !changes.dropped.is_empty() {
        execute!(
            conn,
            "DELETE FROM queue_dependency
              WHERE met = 0 AND entry_id IN (SELECT value FROM json_each($1))",
            json_ids(changes.dropped.iter().map(|id| id.get()))
        )?;
    }
    Ok(())
}
