//! Loading a working set: each kind of row in one query, however many commands share it.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use orch_core::engine::{NextIds, Occupancy, Working};
use orch_core::gate;
use orch_core::ids::{ProjectId, QueueEntryId, RunId, WorkItemId};
use orch_core::queue::{QueueEntry, Status};
use orch_core::rules::Rules;

use crate::ahead::{self, Ahead, Asked, Dependents};
use crate::conn::{Link, all, json_ids};
use crate::{Conn, StoreError, approval, project, queue, run, work_item};

/// The rows that a decision needs; what belongs to them comes along.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    pub projects: BTreeSet<ProjectId>,
    /// With their open entries, what these wait for, and their projects.
    pub items: BTreeSet<WorkItemId>,
    /// With their items and entries.
    pub runs: BTreeSet<RunId>,
    pub entries: BTreeSet<QueueEntryId>,
    /// Items whose waiting dependents are wanted too.
    pub dependents_of: BTreeSet<WorkItemId>,
    /// Runs whose items' dependents are wanted, because they may be done.
    pub finishing: BTreeSet<RunId>,
    /// What is under way in the projects, because runs may start.
    pub starts: Starts,
    /// Items from which the waiting graph is followed, to find cycles.
    pub graph_from: BTreeSet<WorkItemId>,
    /// Runs that are logged to.
    pub logged: BTreeSet<RunId>,
}

/// Whether a decision may start runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Starts {
    #[default]
    None,
    Some,
}

impl Needs {
    /// What starting an item needs.
    #[must_use]
    pub fn start(id: WorkItemId) -> Self {
        Self {
            starts: Starts::Some,
            ..Self::item(id)
        }
    }

    #[must_use]
    pub fn item(id: WorkItemId) -> Self {
        Self {
            items: BTreeSet::from([id]),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn run(id: RunId) -> Self {
        Self {
            runs: BTreeSet::from([id]),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn finishing(id: RunId) -> Self {
        Self {
            finishing: BTreeSet::from([id]),
            ..Self::default()
        }
    }
}

pub(crate) async fn load(
    conn: &mut Conn,
    next: NextIds,
    needs: Needs,
    rules: &Rules,
    asked: Option<Asked>,
) -> Result<(Working, Ahead), StoreError> {
    let mut w = Working::new(next);
    let mut ahead = Ahead::default();
    if let Link::Piped(piped) = conn.link() {
        let asked = match asked {
            Some(asked) if asked.is_about(&needs) => Some(asked),
            _ => ahead::ask(piped, &needs).await?,
        };
        if let Some(asked) = asked {
            ahead = ahead::take(piped, asked, &mut w).await?;
        }
    }
    load_missing(conn, &mut w, needs, rules, &ahead).await?;
    Ok((w, ahead))
}

/// Loads kind by kind what is not there.
async fn load_missing(
    conn: &mut Conn,
    w: &mut Working,
    mut needs: Needs,
    rules: &Rules,
    ahead: &Ahead,
) -> Result<(), StoreError> {
    let named = Named {
        items: needs.items.clone(),
        entries: needs.entries.clone(),
    };
    needs.runs.extend(needs.finishing.iter().copied());
    let absent = missing(&needs.runs, &w.runs);
    if !absent.is_empty() {
        for run in run::by_ids(conn, &absent).await? {
            w.runs.insert(run.id, run);
        }
    }
    for run in w.runs.values() {
        needs.items.insert(run.work_item_id);
        needs.entries.insert(run.entry_id);
        if needs.finishing.contains(&run.id) {
            needs.dependents_of.insert(run.work_item_id);
        }
    }
    if !needs.dependents_of.is_empty() && ahead.dependents_of == Dependents::Unknown {
        let ids = json_ids(needs.dependents_of.iter().map(|id| id.get()));
        let edges = all!(
            conn,
            (i64, i64),
            "SELECT depends_on, entry_id FROM queue_dependency
              WHERE met = 0 AND depends_on IN (SELECT CAST(value AS BIGINT) FROM json_each($1))",
            ids
        )?;
        for (on, entry) in edges {
            w.dependents
                .entry(WorkItemId(on))
                .or_default()
                .insert(QueueEntryId(entry));
        }
    }
    needs.entries.extend(w.dependents.values().flatten());
    let mut wants_items = std::mem::take(&mut needs.items);
    let absent = missing(&needs.entries, &w.entries);
    if !absent.is_empty() {
        for entry in queue::by_ids(conn, &absent).await? {
            insert_entry(w, entry);
        }
    }
    wants_items.extend(w.entries.values().map(|entry| entry.work_item_id));
    let without_entry: BTreeSet<WorkItemId> = wants_items
        .difference(&ahead.open_of)
        .copied()
        .filter(|id| !w.open_entries.contains_key(id))
        .collect();
    if !without_entry.is_empty() {
        for entry in queue::open_of(conn, &without_entry).await? {
            insert_entry(w, entry);
        }
    }
    let absent = missing(&wants_items, &w.items);
    if !absent.is_empty() {
        for item in work_item::by_ids(conn, &absent).await? {
            w.items.insert(item.id, item);
        }
    }
    needs
        .projects
        .extend(w.items.values().map(|item| item.project_id));
    load_waits(conn, w, &needs, &named).await?;
    let absent = missing(&needs.projects, &w.projects);
    if !absent.is_empty() {
        for project in project::by_ids(conn, &absent).await? {
            w.projects.insert(project.id, project);
        }
    }
    if needs.starts == Starts::Some {
        load_occupancy(conn, w).await?;
        w.virtual_time = match ahead.virtual_time {
            Some(time) => time,
            None => project::virtual_time(conn).await?,
        };
    }
    load_approvals(conn, w, rules).await
}

/// The ids of rows that are wanted and not there.
fn missing<I: Copy + Ord + Hash, T>(wanted: &BTreeSet<I>, there: &HashMap<I, T>) -> BTreeSet<I> {
    wanted
        .iter()
        .copied()
        .filter(|id| !there.contains_key(id))
        .collect()
}

pub(crate) fn insert_entry(w: &mut Working, entry: QueueEntry) {
    if entry.status.is_open() {
        w.open_entries.insert(entry.work_item_id, entry.id);
    }
    w.entries.insert(entry.id, entry);
}

/// What a decision is about, and not only touched by it.
struct Named {
    items: BTreeSet<WorkItemId>,
    entries: BTreeSet<QueueEntryId>,
}

impl Named {
    fn has(&self, entry: &QueueEntry) -> bool {
        self.entries.contains(&entry.id) || self.items.contains(&entry.work_item_id)
    }
}

/// What the named entries wait for, and the graph behind `graph_from`. Entries that only wait for
/// something here may wait for thousands of others, which is nobody's question.
async fn load_waits(
    conn: &mut Conn,
    w: &mut Working,
    needs: &Needs,
    named: &Named,
) -> Result<(), StoreError> {
    let waiting: Vec<i64> = w
        .entries
        .values()
        .filter(|entry| named.has(entry))
        .filter(|entry| matches!(entry.status, Status::Queued { unmet: 1.., .. }))
        .map(|entry| entry.work_item_id.get())
        .collect();
    if waiting.is_empty() && needs.graph_from.is_empty() {
        return Ok(());
    }
    let edges = if needs.graph_from.is_empty() {
        all!(
            conn,
            (i64, i64),
            "SELECT e.work_item_id, d.depends_on FROM queue_entry e
               JOIN queue_dependency d ON d.entry_id = e.id AND d.met = 0
              WHERE e.state = 'waiting' AND e.work_item_id IN (SELECT CAST(value AS BIGINT) FROM json_each($1))",
            json_ids(waiting)
        )?
    } else {
        let from = needs.graph_from.iter().map(|id| id.get()).chain(waiting);
        all!(
            conn,
            (i64, i64),
            "WITH RECURSIVE reached (item) AS (
                 SELECT CAST(j.value AS BIGINT) FROM json_each($1) j
                 UNION
                 SELECT d.depends_on FROM reached r
                   JOIN queue_entry e ON e.work_item_id = r.item AND e.state = 'waiting'
                   JOIN queue_dependency d ON d.entry_id = e.id AND d.met = 0
             )
             SELECT e.work_item_id, d.depends_on FROM reached r
               JOIN queue_entry e ON e.work_item_id = r.item AND e.state = 'waiting'
               JOIN queue_dependency d ON d.entry_id = e.id AND d.met = 0",
            json_ids(from)
        )?
    };
    for (item, on) in edges {
        w.waits_for
            .entry(WorkItemId(item))
            .or_default()
            .insert(WorkItemId(on));
    }
    Ok(())
}

/// What is under way in the loaded projects. Runs are counted only where there is a limit.
async fn load_occupancy(conn: &mut Conn, w: &mut Working) -> Result<(), StoreError> {
    for id in w.projects.keys() {
        w.occupancy.insert(*id, Occupancy::default());
    }
    let limited: BTreeSet<ProjectId> = w
        .projects
        .values()
        .filter(|project| project.max_concurrent_runs.is_some())
        .map(|project| project.id)
        .collect();
    if !limited.is_empty() {
        for (id, open) in run::open_in(conn, &limited).await? {
            let there = w.occupancy.entry(ProjectId(id)).or_default();
            there.open_runs = u32::try_from(open).unwrap_or(u32::MAX);
        }
    }
    let keyed: BTreeSet<ProjectId> = w
        .items
        .values()
        .filter(|item| item.concurrency_key.is_some())
        .map(|item| item.project_id)
        .collect();
    if !keyed.is_empty() {
        for (project, key, run) in run::keys_held_in(conn, &keyed).await? {
            w.occupancy
                .entry(project)
                .or_default()
                .keys
                .insert(key, run);
        }
    }
    Ok(())
}

async fn load_approvals(conn: &mut Conn, w: &mut Working, rules: &Rules) -> Result<(), StoreError> {
    let gated: Vec<i64> = w
        .items
        .values()
        .filter(|item| gate::is_gated(item, rules))
        .map(|item| item.id.get())
        .collect();
    if gated.is_empty() {
        return Ok(());
    }
    for approval in approval::of_items(conn, gated).await?.whole()? {
        w.approvals
            .entry(approval.work_item_id)
            .or_default()
            .push(approval);
    }
    Ok(())
}
