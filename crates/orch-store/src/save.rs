//! Saving what the engine changed: one statement for each kind of change, however many rows.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use orch_core::engine::{Changes, Working};
use orch_core::event::Event;
use orch_core::ids::{QueueEntryId, WorkItemId};
use orch_core::time::Timestamp;

use crate::bulk::{Cell, bulk, cells};
use crate::conn::{json_ids, send};
use crate::{Conn, StoreError, approval, info_request, project, queue, run, work_item};

/// Answers the events of what became void along the way.
pub(crate) async fn save(
    conn: &mut Conn,
    w: &Working,
    changes: &Changes,
    now: Timestamp,
) -> Result<Vec<Event>, StoreError> {
    let created = rows(&changes.new_items, &w.items, work_item::push);
    work_item::insert(conn, created).await?;
    let changed = changes.items.difference(&changes.new_items);
    work_item::update(conn, rows(changed, &w.items, work_item::push)).await?;

    // First: an item has one open entry, and the one that was given up makes room for the new one.
    let changed = changes.entries.difference(&changes.new_entries);
    queue::update(conn, rows(changed, &w.entries, queue::push)).await?;
    let created = rows(&changes.new_entries, &w.entries, queue::push);
    queue::insert(conn, created).await?;
    save_dependencies(conn, changes).await?;

    let created = rows(&changes.new_runs, &w.runs, run::push);
    run::insert(conn, created).await?;
    let changed = changes.runs.difference(&changes.new_runs);
    run::update(conn, rows(changed, &w.runs, run::push)).await?;

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
        voided.extend(info_request::cancel_of_runs(conn, runs.clone(), now).await?);
        voided.extend(approval::expire_of_runs(conn, runs).await?);
    }
    Ok(voided)
}

/// The cells of the rows that are named and loaded.
fn rows<'a, I: Copy + Eq + Hash + 'a, T>(
    ids: impl IntoIterator<Item = &'a I>,
    loaded: &HashMap<I, T>,
    push: impl Fn(&mut Vec<Cell>, &T),
) -> Vec<Cell> {
    let mut cells = Vec::new();
    for row in ids.into_iter().filter_map(|id| loaded.get(id)) {
        push(&mut cells, row);
    }
    cells
}

bulk!(
    NEW_DEPENDENCIES,
    "INSERT INTO queue_dependency (entry_id, depends_on, met) VALUES ",
    [Int, Int, Int],
    " ON CONFLICT (entry_id, depends_on) DO UPDATE SET met = 0"
);
bulk!(
    MET_DEPENDENCIES,
    "INSERT INTO queue_dependency (entry_id, depends_on, met) VALUES ",
    [Int, Int, Int],
    " ON CONFLICT (entry_id, depends_on) DO NOTHING"
);

async fn save_dependencies(conn: &mut Conn, changes: &Changes) -> Result<(), StoreError> {
    let edges = |edges: &[(QueueEntryId, WorkItemId)], met: i64| {
        // One statement may not name an edge twice.
        let distinct: BTreeSet<_> = edges.iter().collect();
        let mut cells = Vec::with_capacity(distinct.len() * 3);
        for (entry, on) in distinct {
            cells!(cells; entry.get(), on.get(), met);
        }
        cells
    };
    NEW_DEPENDENCIES
        .run(conn, edges(&changes.new_dependencies, 0))
        .await?;
    MET_DEPENDENCIES
        .run(conn, edges(&changes.met_dependencies, 1))
        .await?;
    if !changes.met.is_empty() {
        send!(
            conn,
            "UPDATE queue_dependency SET met = 1
              WHERE met = 0 AND depends_on IN (SELECT CAST(value AS BIGINT) FROM json_each($1))",
            json_ids(changes.met.iter().map(|id| id.get()))
        )?;
    }
    if !changes.dropped.is_empty() {
        send!(
            conn,
            "DELETE FROM queue_dependency
              WHERE met = 0 AND entry_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))",
            json_ids(changes.dropped.iter().map(|id| id.get()))
        )?;
    }
    Ok(())
}
