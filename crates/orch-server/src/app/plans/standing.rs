//! Where the work of a plan stands: each task's item, what keeps it, and how long what is left takes.

use std::collections::{BTreeMap, BTreeSet};

use orch_core::breakdown::{
    Breakdown, Done, Fault, Finished, History, Measured, Offer, Schedule, Task, later,
    schedule as scheduled, unknown,
};
use orch_core::gate;
use orch_core::ids::ProjectId;
use orch_core::rules::Rules;
use orch_store::plan::{self, Plan, PlanItem, Worked};
use orch_store::{Page, StoreError, requirements};

use super::version::breakdown;
use crate::app::requirements::document;
use crate::app::{App, Result, agents, project, queue};

/// The most queued entries of a project that are explained.
const MOST_EXPLAINED: i64 = 10_000;
const MICROS_PER_MINUTE: i64 = 60_000_000;

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No version that has it was approved yet.
    Planned,
    Waiting,
    Ready,
    Running,
    /// Its attempts are used up.
    Failed,
    /// Taken out of the queue by a person.
    Stopped,
    Cancelled,
    Done,
}

impl State {
    fn of(item: &PlanItem) -> Self {
        match (item.item_state.as_str(), item.standing.as_deref()) {
            ("Done", _) => Self::Done,
            ("Cancelled", _) => Self::Cancelled,
            (_, Some("running")) => Self::Running,
            (_, Some("ready")) => Self::Ready,
            (_, Some("waiting")) => Self::Waiting,
            (_, Some("failed")) => Self::Failed,
            (_, Some(_) | None) => Self::Stopped,
        }
    }

    /// As the API writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Cancelled => "cancelled",
            Self::Done => "done",
        }
    }
}

/// A task's item.
#[derive(Clone, Debug)]
pub struct Standing {
    pub state: State,
    pub work_item_id: i64,
    pub run_id: Option<i64>,
    /// Why it is not running, while it is queued.
    pub why: Vec<String>,
}

/// A version with where its work stands.
#[derive(Clone, Debug)]
pub struct Shown {
    pub plan: Plan,
    pub breakdown: Breakdown,
    pub faults: Vec<Fault>,
    pub schedule: Option<Schedule>,
    /// By task; those without an item are absent.
    pub standings: BTreeMap<String, Standing>,
    /// Whether other requirements than those that it serves are approved now.
    pub requirements_changed: bool,
    /// Requirements that ask for work, but not in the first version.
    pub later: Vec<Later>,
    /// Tasks whose items wait, or will wait, for an approval of their own.
    pub gated: BTreeSet<String>,
    /// Tools and capabilities that no connected agent tells of, a line each.
    pub unknown: Vec<String>,
    /// Whether runs of the project begin with files; where it has no repository, each begins in an empty folder.
    pub begins: Begins,
}

/// What a run finds in its workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    WithRepository,
    Empty,
}

/// A requirement that waits for a later version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later {
    pub id: String,
    pub text: String,
    pub reason: String,
}

impl Shown {
    pub fn state(&self, task: &str) -> State {
        self.standings
            .get(task)
            .map_or(State::Planned, |standing| standing.state)
    }

    /// Tasks whose work is done.
    pub fn finished(&self) -> Finished {
        let done = self.standings.iter();
        let done = done.filter(|(_, standing)| standing.state == State::Done);
        done.map(|(task, _)| task.clone()).collect()
    }
}

/// Tasks whose work is done.
pub(super) fn finished(items: &[PlanItem]) -> Finished {
    let done = items.iter().filter(|item| State::of(item) == State::Done);
    done.map(|item| item.task.clone()).collect()
}

/// Whether the attempts of its item are used up.
pub(super) fn has_failed(item: &PlanItem) -> bool {
    State::of(item) == State::Failed
}

/// The standings of tasks, without reasons.
pub(super) fn standings(items: &[PlanItem]) -> BTreeMap<String, Standing> {
    let standing = |item: &PlanItem| Standing {
        state: State::of(item),
        work_item_id: item.work_item_id,
        run_id: item.run_id,
        why: Vec::new(),
    };
    items
        .iter()
        .map(|item| (item.task.clone(), standing(item)))
        .collect()
}

/// Says of a version where its work stands.
pub async fn show(app: &App, plan: Plan) -> Result<Shown> {
    let project_id = ProjectId(plan.project_id);
    let (items, worked, served, approved) = {
        let mut conn = app.store().read().await?;
        let items = plan::items(&mut conn, project_id).await?;
        let worked = plan::worked(&mut conn, project_id).await?;
        let served = requirements::find(&mut conn, project_id, plan.requirements()).await?;
        let approved = requirements::approved(&mut conn, project_id).await?;
        (items, worked, served, approved)
    };
    let requirements_changed =
        approved.is_some_and(|approved| approved.id() != plan.requirements());
    let why = reasons(app, project_id, &items).await?;
    let rules = app.store().rules().clone();
    let begins = match project::show(app, project_id).await?.repository {
        Some(_) => Begins::WithRepository,
        None => Begins::Empty,
    };
    let offers = offers(app).await?;
    tokio::task::spawn_blocking(move || {
        let breakdown = breakdown(&plan)?;
        let done = finished(&items);
        let asked = served.as_ref().map(document).transpose()?;
        let asked = asked.map_or_else(Vec::new, |document| document.items);
        let faults = match served {
            Some(_) => breakdown.check_with(&asked, &done),
            None => Vec::new(),
        };
        let later = later(&asked).into_iter().map(|(item, reason)| Later {
            id: item.id.clone(),
            text: item.text.clone(),
            reason,
        });
        let history = history(&breakdown, &worked);
        let schedule = scheduled(&breakdown, &history, &done).ok();
        let gated = gated(&breakdown, &items, &rules);
        let unknown = unknown(&breakdown, &offers, &done);
        let mut standings = standings(&items);
        for standing in standings.values_mut() {
            if let Some(said) = why.get(&standing.work_item_id) {
                standing.why.clone_from(said);
            }
        }
        Ok(Shown {
            plan,
            breakdown,
            faults,
            schedule,
            standings,
            requirements_changed,
            later: later.collect(),
            gated,
            unknown,
            begins,
        })
    })
    .await
    .map_err(|_| StoreError::Closed)?
}

/// What connected agents tell of; none where one of them does not say what it has.
async fn offers(app: &App) -> Result<Vec<Offer>> {
    let listed = agents::list(app).await?.into_iter();
    let offers = listed.filter(|listed| listed.connected).map(|listed| {
        let labels: Vec<String> = serde_json::from_str(&listed.agent.labels).unwrap_or_default();
        Offer::of(&labels)
    });
    Ok(offers.collect::<Option<Vec<_>>>().unwrap_or_default())
}

/// The plan's approval is not one of what risky work does: such tasks wait for one that binds their item.
fn gated(breakdown: &Breakdown, items: &[PlanItem], rules: &Rules) -> BTreeSet<String> {
    let known: BTreeMap<&str, &PlanItem> = items
        .iter()
        .map(|item| (item.task.as_str(), item))
        .collect();
    let waits = |task: &&Task| match known.get(task.id.as_str()) {
        Some(item) => {
            let is_queued = matches!(State::of(item), State::Waiting | State::Ready);
            is_queued && item.gate_closed.is_some_and(|closed| closed != 0)
        }
        None => gate::is_gated_by_risk(&task.title, None, task.kind, rules),
    };
    let gated = breakdown.tasks.iter().filter(waits);
    gated.map(|task| task.id.clone()).collect()
}

/// Why items that are queued are not running, by item.
async fn reasons(
    app: &App,
    project_id: ProjectId,
    items: &[PlanItem],
) -> Result<BTreeMap<i64, Vec<String>>> {
    let queued: BTreeSet<i64> = items
        .iter()
        .filter(|item| matches!(State::of(item), State::Waiting | State::Ready))
        .map(|item| item.work_item_id)
        .collect();
    if queued.is_empty() {
        return Ok(BTreeMap::new());
    }
    let page = Page {
        limit: MOST_EXPLAINED,
        ..Page::default()
    };
    let entries = queue::list(app, Some(project_id), Some("queued"), page).await?;
    let explained = entries.rows.into_iter().filter_map(|explained| {
        let item = explained.entry.work_item_id.get();
        let said = explained.why.into_iter().map(|reason| reason.message);
        queued.contains(&item).then(|| (item, said.collect()))
    });
    Ok(explained.collect())
}

/// What finished tasks took, where it was their work that took it.
fn history(breakdown: &Breakdown, worked: &[Worked]) -> History {
    let tasks: BTreeMap<&str, &Task> = breakdown
        .tasks
        .iter()
        .map(|task| (task.id.as_str(), task))
        .collect();
    let measured = worked.iter().filter_map(|one| {
        let task = tasks.get(one.task.as_str())?;
        let done = Done {
            accepted: one.accepted,
            by_hand: one.by_hand,
        };
        if !done.is_measured(task) {
            return None;
        }
        let minutes = one.worked_us.max(0) / MICROS_PER_MINUTE;
        Some(Measured {
            role: task.role.clone(),
            kind: task.kind,
            likely_minutes: task.estimate.likely_minutes,
            actual_minutes: u32::try_from(minutes).unwrap_or(u32::MAX).max(1),
        })
    });
    History {
        measured: measured.collect(),
    }
}
