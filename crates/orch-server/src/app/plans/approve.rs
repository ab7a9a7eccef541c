//! Approving a version: what is approved is what was read, by its digest. In the transaction of the
//! approval its tasks become work items that are queued behind what they depend on.

use std::collections::{BTreeMap, BTreeSet};

use orch_core::breakdown::{Fault, Finished};
use orch_core::engine::{self, Followed, NewWorkItem, PlannedWork, Wording};
use orch_core::ids::{PlanId, ProjectId, RequirementsId, RunId, WorkItemId};
use orch_store::plan::{self, NewPlanItem, Plan, PlanItem};
use orch_store::requirements::{self, Requirements};
use orch_store::{Conn, Needs, StoreError, Tx, charge};
use serde_json::json;

use super::brief::{Briefing, new_item};
use super::ended::Otherwise;
use super::standing::finished;
use super::version::{breakdown, changed, newest};
use crate::app::requirements::document;
use crate::app::{App, AppError, Result, project};

/// How many faults an answer names.
const MOST_NAMED: usize = 20;

/// What a person approves.
#[derive(Clone, Debug, Default)]
pub struct Approval {
    /// The version; the newest where it is not named.
    pub id: Option<PlanId>,
    /// The digest that was read.
    pub digest: Option<String>,
}

/// What came of an approval.
#[derive(Clone, Debug)]
pub struct Approved {
    pub plan: Plan,
    pub followed: Followed,
}

/// A task with what its item is told.
struct Ready {
    task: String,
    depends_on: Vec<usize>,
    work: NewWorkItem,
    wording_hash: String,
    work_hash: String,
}

/// Approves a version. The one that was approved before is superseded, and its work items become those
/// of this one.
pub async fn approve(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    approval: Approval,
) -> Result<Approved> {
    app.check_room()?;
    project::show(app, project_id).await?;
    let (read, served, done, worked_on) = {
        let mut conn = app.store().read().await?;
        let read = wanted(&mut conn, project_id, approval.id).await?;
        let served = requirements::find(&mut conn, project_id, read.requirements()).await?;
        let done = finished(&plan::items(&mut conn, project_id).await?);
        let worked_on = worked_on(&mut conn, project_id).await?;
        (read, served, done, worked_on)
    };
    let Some(served) = served else {
        return Err(AppError::not_found("requirements", read.requirements_id));
    };
    refuse_decided(&read)?;
    // Before the transaction: others must not wait for a large plan.
    let (read, ready, otherwise) = tokio::task::spawn_blocking(move || {
        let ready = prepared(&read, &served, &done, approval.digest.as_deref())?;
        let otherwise = Otherwise::of(&read, worked_on.as_ref())?;
        Ok::<_, AppError>((read, ready, otherwise))
    })
    .await
    .map_err(|_| StoreError::Closed)??;
    let mut tx = app.store().begin(actor).await?;
    if plan::newest_id(&mut tx.conn, project_id).await? != Some(read.id()) {
        let message = "another version was made meanwhile; read it, and approve that one";
        return Err(AppError::conflict("plan_changed", message));
    }
    let version = wanted(&mut tx.conn, project_id, Some(read.id())).await?;
    refuse_decided(&version)?;
    check_requirements(&mut tx.conn, project_id, &version).await?;
    let known = plan::items(&mut tx.conn, project_id).await?;
    // Again, for work goes on while a version is read and while it is approved.
    otherwise.refuse(version.id, project_id, &finished(&known))?;
    let followed = follow(&mut tx, project_id, version.id(), &ready, &known).await?;
    let now = tx.now();
    let approved = plan::approve(&mut tx.conn, project_id, version.id(), actor, now).await?;
    let data = json!({
        "project_id": project_id, "plan_id": version.id, "requirements_id": version.requirements_id,
        "digest": version.digest, "created": followed.created, "rewritten": followed.rewritten,
        "cancelled": followed.cancelled,
    });
    tx.record("plan.approved", Some(project_id), data);
    if let Some(before) = charge::carry_on(&mut tx.conn, project_id, version.id()).await? {
        let data = json!({"from_plan_id": before, "plan_id": version.id});
        tx.record("budget.carried_on", Some(project_id), data);
    }
    tx.commit().await?;
    for run in &followed.stopped {
        let why = "an approved plan has no longer the task of its work item";
        app.agents().revoke(*run, why);
    }
    Ok(Approved {
        plan: approved,
        followed,
    })
}

/// The named version, or the newest.
async fn wanted(conn: &mut Conn, project_id: ProjectId, id: Option<PlanId>) -> Result<Plan> {
    match id {
        Some(id) => plan::find(conn, project_id, id)
            .await?
            .ok_or_else(|| AppError::not_found("plan", id.get())),
        None => newest(conn, project_id).await,
    }
}

/// The version that is worked on, and what it serves.
pub(super) async fn worked_on(
    conn: &mut Conn,
    project_id: ProjectId,
) -> Result<Option<(Plan, Option<Requirements>)>> {
    let Some(approved) = plan::approved(conn, project_id).await? else {
        return Ok(None);
    };
    let served = requirements::find(conn, project_id, approved.requirements()).await?;
    Ok(Some((approved, served)))
}

fn refuse_decided(version: &Plan) -> Result<()> {
    if version.status == "proposed" {
        return Ok(());
    }
    let message = format!("plan {} is already {}", version.id, version.status);
    Err(AppError::conflict("plan_decided", message))
}

/// Checks the version, and works out what its items are told, in an order in which every task comes
/// behind those that it depends on.
fn prepared(
    version: &Plan,
    served: &Requirements,
    done: &Finished,
    digest: Option<&str>,
) -> Result<Vec<Ready>> {
    let breakdown = breakdown(version)?;
    let found = breakdown.digest();
    if found != version.digest {
        let message = format!(
            "plan {} was stored with the digest {} and has {found}: it was changed from outside; make a new version",
            version.id, version.digest
        );
        return Err(AppError::conflict("digest_changed", message));
    }
    if let Some(wanted) = digest.filter(|wanted| *wanted != found) {
        return Err(changed(version.id, wanted, &found));
    }
    let document = document(served)?;
    refuse_faulty(version, &breakdown.check_with(&document.items, done))?;
    let briefing = Briefing::of(&breakdown, &document.items);
    let project = ProjectId(version.project_id);
    let ordered = breakdown
        .ordered()
        .or_else(|cycle| refuse_faulty(version, &[cycle]).map(|()| Vec::new()))?;
    let places: BTreeMap<&str, usize> = ordered
        .iter()
        .enumerate()
        .map(|(place, task)| (task.id.as_str(), place))
        .collect();
    let ready = ordered.iter().map(|task| {
        let brief = briefing.brief(task);
        let depends_on = task.depends_on.iter();
        Ready {
            task: task.id.clone(),
            depends_on: depends_on
                .filter_map(|on| places.get(on.as_str()).copied())
                .collect(),
            work: new_item(project, task, &brief),
            wording_hash: brief.wording,
            work_hash: brief.work,
        }
    });
    Ok(ready.collect())
}

fn refuse_faulty(version: &Plan, faults: &[Fault]) -> Result<()> {
    let blocking: Vec<String> = faults
        .iter()
        .filter(|fault| fault.is_blocking())
        .map(|fault| fault.message())
        .collect();
    if blocking.is_empty() {
        return Ok(());
    }
    let named = blocking[..blocking.len().min(MOST_NAMED)].join("; ");
    let more = match blocking.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let message = format!(
        "plan {id} cannot be approved: {named}{more}; mend it with POST /projects/{project}/plans/{id}/edits, and approve the version that this makes",
        id = version.id,
        project = version.project_id
    );
    Err(AppError::conflict("plan_not_sound", message))
}

/// The plan must serve what is approved now.
async fn check_requirements(conn: &mut Conn, project_id: ProjectId, version: &Plan) -> Result<()> {
    let approved = super::propose::approved(conn, project_id).await?.id();
    if approved == version.requirements() {
        return Ok(());
    }
    let (from, id) = (version.requirements(), version.id);
    let RequirementsId(to) = approved;
    let message = format!(
        "plan {id} serves requirements {from}, and {to} are approved by now; GET /projects/{project_id}/plans/impact?from={from}&to={to} shows what that touches, POST /projects/{project_id}/tasks/plan makes a plan for them"
    );
    Err(AppError::conflict("requirements_changed", message))
}

/// Brings work items and queue in line with the version.
async fn follow(
    tx: &mut Tx,
    project_id: ProjectId,
    id: PlanId,
    ready: &[Ready],
    known: &[PlanItem],
) -> Result<Followed> {
    let of_task: BTreeMap<&str, &PlanItem> = known
        .iter()
        .map(|item| (item.task.as_str(), item))
        .collect();
    let named: BTreeSet<&str> = ready.iter().map(|one| one.task.as_str()).collect();
    let gone: Vec<&PlanItem> = known
        .iter()
        .filter(|item| !named.contains(item.task.as_str()))
        .collect();
    let items = || known.iter().map(|item| WorkItemId(item.work_item_id));
    let recipes = plan::recipes_of(&mut tx.conn, items()).await?;
    let recipes: BTreeMap<WorkItemId, String> = recipes.into_iter().collect();
    let planned: Vec<PlannedWork> = ready
        .iter()
        .map(|one| planned(one, of_task.get(one.task.as_str()).copied(), &recipes))
        .collect();
    let removed: Vec<WorkItemId> = gone
        .iter()
        .map(|item| WorkItemId(item.work_item_id))
        .collect();
    let running = gone
        .iter()
        .filter(|item| item.standing.as_deref() == Some("running"));
    let needs = Needs {
        projects: BTreeSet::from([project_id]),
        items: items().collect(),
        dependents_of: items().collect(),
        graph_from: items().collect(),
        finishing: running.filter_map(|item| item.run_id.map(RunId)).collect(),
        ..Needs::default()
    };
    let mut w = tx.load(needs).await?;
    let followed = tx.decide(&mut w, |w, ctx| {
        engine::follow_plan(w, ctx, &planned, &removed)
    })?;
    tx.save(w).await?;
    let told: BTreeSet<WorkItemId> = followed
        .created
        .iter()
        .chain(&followed.rewritten)
        .copied()
        .collect();
    let set = ready.iter().zip(&followed.items);
    let set = set.filter(|(_, item)| told.contains(item));
    let set = set.map(|(one, item)| NewPlanItem {
        task: &one.task,
        item: *item,
        wording: &one.wording_hash,
        work: &one.work_hash,
    });
    plan::set_items(&mut tx.conn, project_id, id, set).await?;
    Ok(followed)
}

fn planned(
    one: &Ready,
    known: Option<&PlanItem>,
    recipes: &BTreeMap<WorkItemId, String>,
) -> PlannedWork {
    let item = known.map(|known| WorkItemId(known.work_item_id));
    let wording = match known {
        Some(known) if known.wording == one.wording_hash => Wording::Same,
        Some(known) if known.work == one.work_hash => Wording::Reworded,
        Some(_) => Wording::Changed,
        None => Wording::Same,
    };
    PlannedWork {
        task: one.task.clone(),
        item,
        work: one.work.clone(),
        wording,
        depends_on: one.depends_on.clone(),
        recipe: item.and_then(|item| recipes.get(&item).cloned()),
    }
}
