//! The queue: enqueue, tick, requeue, and why an entry is not running.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use orch_core::engine::{self, Enqueue, Requeue};
use orch_core::gate::{self, Gate};
use orch_core::ids::{ProjectId, QueueEntryId, RunId, WorkItemId};
use orch_core::project::Quota;
use orch_core::queue::{QueueEntry, Status};
use orch_core::run::Run;
use orch_core::why::{self, Dependency, Facts, KeyHeld, Limit, Reason, Standing};
use orch_core::work_item::ConcurrencyKey;
use orch_store::queue::DependencyRow;
use orch_store::{
    Command, Conn, Hindered, Key, Listed, Needs, Page, Queued, Reply, StoreError, Unreadable,
    approval, project, queue, run, work_item,
};

use super::work_item::{LARGEST_BATCH, unexpected};
use super::{App, AppError, Result};

/// An entry with its dependencies and, while it is queued, every reason that keeps it.
#[derive(Clone, Debug)]
pub struct Explained {
    pub entry: QueueEntry,
    pub depends_on: Vec<WorkItemId>,
    pub why: Vec<Reason>,
}

impl Explained {
    fn unexplained(entry: QueueEntry) -> Self {
        Self {
            entry,
            depends_on: Vec::new(),
            why: Vec::new(),
        }
    }
}

/// Queues items, all or none.
pub async fn enqueue(
    app: &App,
    actor: &str,
    wanted: Vec<(WorkItemId, Enqueue)>,
) -> Result<Vec<Explained>> {
    app.check_room()?;
    if wanted.is_empty() || wanted.len() > LARGEST_BATCH {
        return Err(AppError::wrong(
            "entries",
            format!("a list of {}", wanted.len()),
            format!("a list of 1 to {LARGEST_BATCH}"),
        ));
    }
    match app.store().submit(actor, Command::Enqueue(wanted)).await? {
        Reply::Entries(queued) => explain_queued(app, queued).await,
        other => Err(unexpected(&other)),
    }
}

/// The same as [`explain`], where the writer said what it saw: most of what is queued is new and
/// waits for nothing.
async fn explain_queued(app: &App, queued: Vec<Queued>) -> Result<Vec<Explained>> {
    let (now, connected_agents) = (app.store().now(), app.connected_agents());
    let mut explained = Vec::with_capacity(queued.len());
    let mut unclear = Vec::new();
    for Queued { entry, hindered } in queued {
        let Hindered::No(quota) = hindered else {
            unclear.push((explained.len(), entry.clone()));
            explained.push(Explained::unexplained(entry));
            continue;
        };
        let facts = unhindered(app, &entry, quota, connected_agents);
        explained.push(Explained {
            why: why::explain(&facts, now),
            ..Explained::unexplained(entry)
        });
    }
    if !unclear.is_empty() {
        let (places, entries): (Vec<usize>, Vec<QueueEntry>) = unclear.into_iter().unzip();
        for (place, known) in places.into_iter().zip(explain(app, entries).await?) {
            explained[place] = known;
        }
    }
    Ok(explained)
}

/// Starts everything that is eligible.
pub async fn tick(app: &App, actor: &str) -> Result<Vec<Run>> {
    app.check_room()?;
    match app.store().submit(actor, Command::Tick).await? {
        Reply::Runs(runs) => Ok(runs),
        other => Err(unexpected(&other)),
    }
}

/// Queues an item again.
pub async fn requeue_item(
    app: &App,
    actor: &str,
    id: WorkItemId,
    how: Requeue,
) -> Result<QueueEntry> {
    app.check_room()?;
    let mut tx = app.store().begin(actor).await?;
    let mut w = tx.load(Needs::item(id)).await?;
    let entry = tx.decide(&mut w, |w, ctx| engine::requeue_item(w, ctx, id, how))?;
    tx.save(w).await?;
    tx.commit().await?;
    Ok(entry)
}

/// Queues the item of an ended run again.
pub async fn requeue_run(app: &App, actor: &str, id: RunId, how: Requeue) -> Result<QueueEntry> {
    app.check_room()?;
    let mut tx = app.store().begin(actor).await?;
    let mut w = tx.load(Needs::run(id)).await?;
    let entry = tx.decide(&mut w, |w, ctx| engine::requeue_run(w, ctx, id, how))?;
    tx.save(w).await?;
    tx.commit().await?;
    Ok(entry)
}

/// Takes a queued entry out.
pub async fn cancel(app: &App, actor: &str, id: QueueEntryId) -> Result<QueueEntry> {
    let mut tx = app.store().begin(actor).await?;
    let mut needs = Needs::default();
    needs.entries.insert(id);
    let mut w = tx.load(needs).await?;
    let entry = tx.decide(&mut w, |w, ctx| engine::cancel_entry(w, ctx, id))?;
    tx.save(w).await?;
    tx.commit().await?;
    Ok(entry)
}

/// Entries, explained.
pub async fn list(
    app: &App,
    project: Option<ProjectId>,
    status: Option<&str>,
    page: Page,
) -> Result<Listed<Explained>> {
    let Listed { rows, next } = {
        let mut conn = app.store().read().await?;
        let found = queue::list(&mut conn, project, status, page).await?;
        app.store().named(found)
    };
    let rows = explain(app, rows).await?;
    Ok(Listed { rows, next })
}

/// One entry, explained.
pub async fn show(app: &App, id: QueueEntryId) -> Result<Explained> {
    let entry = {
        let mut conn = app.store().peek().await?;
        queue::find(&mut conn, id)
            .await?
            .ok_or_else(|| AppError::not_found("queue entry", id.get()))?
    };
    explain(app, vec![entry])
        .await?
        .pop()
        .ok_or_else(|| AppError::not_found("queue entry", id.get()))
}

/// Says of entries what they depend on and what keeps them.
pub async fn explain(app: &App, entries: Vec<QueueEntry>) -> Result<Vec<Explained>> {
    let ids: Vec<QueueEntryId> = entries.iter().map(|entry| entry.id).collect();
    let queued: Vec<&QueueEntry> = entries
        .iter()
        .filter(|entry| matches!(entry.status, Status::Queued { .. }))
        .collect();
    let mut conn = app.store().peek().await?;
    let mut dependencies: BTreeMap<i64, Vec<DependencyRow>> = BTreeMap::new();
    for row in queue::dependencies(&mut conn, &ids).await? {
        dependencies.entry(row.entry_id).or_default().push(row);
    }
    let (now, rules) = (app.store().now(), app.store().rules());
    let items: BTreeSet<WorkItemId> = queued.iter().map(|entry| entry.work_item_id).collect();
    let items = work_item::find_all(&mut conn, &items).await?;
    let unreadable = items.unreadable().to_vec();
    let items = app.store().named(items).rows;
    let items: BTreeMap<WorkItemId, _> = items.into_iter().map(|item| (item.id, item)).collect();
    let gated: Vec<WorkItemId> = items
        .values()
        .filter(|item| gate::is_gated(item, rules))
        .map(|item| item.id)
        .collect();
    let mut approvals: BTreeMap<WorkItemId, Vec<_>> = BTreeMap::new();
    if !gated.is_empty() {
        let found = approval::of_work_items(&mut conn, &gated).await?;
        for approval in app.store().named(found).rows {
            approvals
                .entry(approval.work_item_id)
                .or_default()
                .push(approval);
        }
    }
    let any_keyed = items.values().any(|item| item.concurrency_key.is_some());
    let mut whys: BTreeMap<QueueEntryId, Vec<Reason>> = BTreeMap::new();
    let mut standings = BTreeMap::new();
    let connected_agents = app.connected_agents();
    for entry in queued {
        let own = Key::Number(entry.work_item_id.get());
        let of_item = unreadable.iter().find(|row| row.key == own).cloned();
        if let Some(row) = of_item.or_else(|| app.store().quarantine().of_entry(entry.id)) {
            whys.insert(entry.id, vec![set_aside(&row)]);
            continue;
        }
        let Some(item) = items.get(&entry.work_item_id) else {
            continue;
        };
        if let Entry::Vacant(unread) = standings.entry(entry.project_id) {
            let read = Standings::read(&mut conn, entry.project_id, any_keyed).await;
            unread.insert(match read {
                Err(AppError::Store(StoreError::Unreadable(row))) => Err(row),
                read => Ok(read?),
            });
        }
        let project = match &standings[&entry.project_id] {
            Ok(project) => project,
            Err(row) => {
                app.store().suspect(row.table, row.key.clone());
                whys.insert(entry.id, vec![set_aside(row)]);
                continue;
            }
        };
        let known = approvals
            .get(&entry.work_item_id)
            .map_or(&[][..], Vec::as_slice);
        let closed = match gate::check(item, known, entry.id, rules) {
            Gate::Free | Gate::Approved(_) => None,
            Gate::Closed(closed) => Some(closed),
        };
        let facts = Facts {
            dependencies: unmet(dependencies.get(&entry.id.get())),
            gate: closed,
            limit: project.limit,
            key_held: item
                .concurrency_key
                .as_ref()
                .and_then(|key| project.key_held(key)),
            ..unhindered(app, entry, project.quota, connected_agents)
        };
        whys.insert(entry.id, why::explain(&facts, now));
    }
    drop(conn);
    let mut explained = |entry: QueueEntry| {
        let rows = dependencies.get(&entry.id.get());
        let depends_on = rows
            .into_iter()
            .flatten()
            .map(|row| WorkItemId(row.depends_on))
            .collect();
        Explained {
            depends_on,
            why: whys.remove(&entry.id).unwrap_or_default(),
            entry,
        }
    };
    Ok(entries.into_iter().map(&mut explained).collect())
}

fn set_aside(row: &Unreadable) -> Reason {
    why::set_aside(&row.to_string(), row.table, &row.key.to_string())
}

/// The facts about an entry that nothing keeps but time, quota and want of agents.
fn unhindered(app: &App, entry: &QueueEntry, quota: Quota, connected_agents: usize) -> Facts {
    Facts {
        work_item_id: entry.work_item_id,
        project_id: entry.project_id,
        dependencies: Vec::new(),
        gate: None,
        scheduled_for: entry.scheduled_for,
        attempts: entry.attempts,
        quota,
        limit: None,
        key_held: None,
        scheduling: app.scheduling(),
        connected_agents,
    }
}

/// What stands in a project against another run.
struct Standings {
    quota: Quota,
    limit: Option<Limit>,
    keys: Vec<KeyHeld>,
}

impl Standings {
    /// Which keys are held is read only where somebody wants one.
    async fn read(conn: &mut Conn, id: ProjectId, any_keyed: bool) -> Result<Self> {
        let project = project::find(conn, id).await?;
        let only = BTreeSet::from([id]);
        let limit = match project.as_ref().and_then(|known| known.max_concurrent_runs) {
            Some(max_concurrent_runs) => {
                let open = run::open_in(conn, &only).await?;
                let open = open.first().map_or(0, |(_, open)| *open);
                Some(Limit {
                    max_concurrent_runs,
                    open_runs: u32::try_from(open).unwrap_or(u32::MAX),
                })
            }
            None => None,
        };
        let keys = match any_keyed {
            true => run::keys_held_in(conn, &only).await?,
            false => Vec::new(),
        };
        Ok(Self {
            quota: project.map(|project| project.quota).unwrap_or_default(),
            limit,
            keys: keys
                .into_iter()
                .map(|(_, key, by)| KeyHeld { key, by })
                .collect(),
        })
    }

    fn key_held(&self, key: &ConcurrencyKey) -> Option<KeyHeld> {
        self.keys.iter().find(|held| held.key == *key).cloned()
    }
}

fn unmet(rows: Option<&Vec<DependencyRow>>) -> Vec<Dependency> {
    let standing = |row: &DependencyRow| match row.standing.as_deref() {
        _ if row.item_state == "Cancelled" => Standing::WorkItemCancelled,
        None => Standing::NotQueued,
        Some("running") => Standing::Running,
        Some("failed") => Standing::Failed,
        Some("cancelled") => Standing::Cancelled,
        Some(_) => Standing::Queued,
    };
    rows.into_iter()
        .flatten()
        .filter(|row| row.met == 0)
        .map(|row| Dependency {
            work_item_id: WorkItemId(row.depends_on),
            title: row.title.clone(),
            standing: standing(row),
        })
        .collect()
}
