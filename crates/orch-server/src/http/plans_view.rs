//! Plans as the API shows them.

use std::collections::BTreeSet;

use orch_api::types::plan::{
    ApprovedPlan, Plan, PlanChange, PlanCriterion, PlanDependency, PlanDifference, PlanEpic,
    PlanEstimate, PlanFault, PlanFieldChange, PlanGraph, PlanLater, PlanNamed, PlanNode,
    PlanProgress, PlanStatus, PlanStory, PlanTask, PlanVersion,
};
use orch_api::types::requirements::ProposedBy;
use orch_core::breakdown::{
    Changed, Criterion, Dependency, Difference, Epic, Fault, Story, Task, draw,
};
use orch_core::engine::Followed;
use orch_core::ids::WorkItemId;
use orch_store::plan::Head;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::instant;
use crate::app::plans::{Begins, Later, Shown, State};

/// A version without its content.
pub fn head(head: Head) -> PlanVersion {
    PlanVersion {
        id: head.id,
        project_id: head.project_id,
        requirements_id: head.requirements_id,
        parent_id: head.parent_id,
        status: status(&head.status),
        author: head.author,
        reason: head.reason,
        digest: head.digest,
        task_count: head.tasks,
        created_at: instant(head.created_at),
        approved_at: head.approved_at.map(instant),
        approved_by: head.approved_by,
    }
}

fn status(status: &str) -> PlanStatus {
    match status {
        "approved" => PlanStatus::Approved,
        "superseded" => PlanStatus::Superseded,
        _ => PlanStatus::Proposed,
    }
}

/// A version, and where its work stands.
pub fn plan(shown: Shown) -> Plan {
    let stored = &shown.plan;
    let version = PlanVersion {
        id: stored.id,
        project_id: stored.project_id,
        requirements_id: stored.requirements_id,
        parent_id: stored.parent_id,
        status: status(&stored.status),
        author: stored.author.clone(),
        reason: stored.reason.clone(),
        digest: stored.digest.clone(),
        task_count: stored.tasks,
        created_at: instant(stored.created_at),
        approved_at: stored.approved_at.map(instant),
        approved_by: stored.approved_by.clone(),
    };
    let content = &shown.breakdown;
    let failed: Vec<String> = content
        .tasks
        .iter()
        .filter(|task| shown.state(&task.id) == State::Failed)
        .map(|task| task.id.clone())
        .collect();
    let is_approved = version.status == PlanStatus::Approved;
    Plan {
        epics: content
            .epics
            .iter()
            .map(|epic| PlanEpic {
                id: epic.id.clone(),
                title: epic.title.clone(),
                requirements: epic.requirements.clone(),
            })
            .collect(),
        stories: content
            .stories
            .iter()
            .map(|story| PlanStory {
                id: story.id.clone(),
                epic: story.epic.clone(),
                title: story.title.clone(),
                requirements: story.requirements.clone(),
                acceptance: criteria(&story.acceptance),
            })
            .collect(),
        tasks: content.tasks.iter().map(|one| task(&shown, one)).collect(),
        faults: shown.faults.iter().map(fault).collect(),
        schedule: shown.schedule.as_ref().map(as_shown),
        progress: progress(&shown),
        needs_replan: is_approved && !failed.is_empty(),
        failed,
        requirements_changed: shown.requirements_changed,
        later: shown.later.iter().map(later).collect(),
        by: match content.by_model {
            true => ProposedBy::Model,
            false => ProposedBy::Rules,
        },
        notes: content.notes.clone(),
        without_repository: shown.begins == Begins::Empty,
        not_offered: shown.unknown.clone(),
        version,
    }
}

fn later(one: &Later) -> PlanLater {
    PlanLater {
        id: one.id.clone(),
        text: one.text.clone(),
        reason: one.reason.clone(),
    }
}

fn criteria(criteria: &[Criterion]) -> Vec<PlanCriterion> {
    let shown = criteria.iter().map(|criterion| PlanCriterion {
        text: criterion.text.clone(),
        command: criterion.command.clone(),
    });
    shown.collect()
}

fn task(shown: &Shown, task: &Task) -> PlanTask {
    let standing = shown.standings.get(&task.id);
    PlanTask {
        id: task.id.clone(),
        story: task.story.clone(),
        title: task.title.clone(),
        description: task.description.clone(),
        kind: task.kind.as_str().to_owned(),
        role: task.role.clone(),
        capabilities: task.capabilities.clone(),
        tools: task.tools.clone(),
        requirements: task.requirements.clone(),
        acceptance: criteria(&task.acceptance),
        depends_on: task.depends_on.clone(),
        estimate: PlanEstimate {
            low_minutes: task.estimate.low_minutes,
            likely_minutes: task.estimate.likely_minutes,
            high_minutes: task.estimate.high_minutes,
        },
        origin: task.origin.name().to_owned(),
        edited: task.edited,
        work_item_id: standing.map(|standing| standing.work_item_id),
        state: shown.state(&task.id).name().to_owned(),
        run_id: standing.and_then(|standing| standing.run_id),
        why: standing.map_or_else(Vec::new, |standing| standing.why.clone()),
        needs_approval: shown.gated.contains(&task.id),
    }
}

fn fault(fault: &Fault) -> PlanFault {
    PlanFault {
        kind: fault.kind().to_owned(),
        message: fault.message(),
        blocking: fault.is_blocking(),
    }
}

fn progress(shown: &Shown) -> PlanProgress {
    let mut counts = PlanProgress {
        total: shown.breakdown.tasks.len(),
        ..PlanProgress::default()
    };
    for task in &shown.breakdown.tasks {
        let count = match shown.state(&task.id) {
            State::Planned => &mut counts.planned,
            State::Waiting => &mut counts.waiting,
            State::Ready => &mut counts.ready,
            State::Running => &mut counts.running,
            State::Failed => &mut counts.failed,
            State::Stopped => &mut counts.stopped,
            State::Cancelled => &mut counts.cancelled,
            State::Done => &mut counts.done,
        };
        *count += 1;
    }
    counts
}

/// What an approval did.
pub fn approved(plan: Plan, followed: &Followed) -> ApprovedPlan {
    let ids = |items: &[WorkItemId]| items.iter().map(|id| id.get()).collect();
    ApprovedPlan {
        plan,
        created: ids(&followed.created),
        rewritten: ids(&followed.rewritten),
        cancelled: ids(&followed.cancelled),
    }
}

/// How a graph is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawing {
    Text,
    Mermaid,
    Dot,
}

fn critical(shown: &Shown) -> BTreeSet<&str> {
    let path = shown.schedule.iter().flat_map(|found| &found.critical_path);
    path.map(String::as_str).collect()
}

/// The graph as data.
pub fn graph(shown: &Shown) -> PlanGraph {
    let critical = critical(shown);
    let tasks = &shown.breakdown.tasks;
    PlanGraph {
        plan_id: shown.plan.id,
        nodes: tasks
            .iter()
            .map(|task| PlanNode {
                id: task.id.clone(),
                title: task.title.clone(),
                state: shown.state(&task.id).name().to_owned(),
                critical: critical.contains(task.id.as_str()),
            })
            .collect(),
        edges: tasks
            .iter()
            .flat_map(|task| {
                task.depends_on.iter().map(|on| PlanDependency {
                    task: task.id.clone(),
                    on: on.clone(),
                })
            })
            .collect(),
    }
}

/// The same as a text that is drawn or read.
pub fn drawn(shown: &Shown, drawing: Drawing) -> String {
    let schedule = shown.schedule.as_ref();
    let (plan, done) = (&shown.breakdown, &shown.finished());
    match drawing {
        Drawing::Text => draw::text(plan, schedule, done),
        Drawing::Mermaid => draw::mermaid(plan, schedule, done),
        Drawing::Dot => draw::dot(plan, schedule, done),
    }
}

// The core's plain data have the names of the wire; this is where the two meet.
fn as_shown<T: DeserializeOwned>(value: &impl Serialize) -> T {
    let value = serde_json::to_value(value).expect("invariant: plain data serialise");
    serde_json::from_value(value).expect("invariant: the wire has the core's fields")
}

/// What changed between two versions.
pub fn difference(from: i64, to: i64, found: Difference) -> PlanDifference {
    let Difference {
        epics,
        stories,
        tasks,
        dependencies_added,
        dependencies_removed,
    } = found;
    let named = |epics: Vec<Epic>, stories: Vec<Story>, tasks: Vec<Task>| {
        let epics = epics.into_iter().map(|epic| (epic.id, epic.title));
        let stories = stories.into_iter().map(|story| (story.id, story.title));
        let tasks = tasks.into_iter().map(|task| (task.id, task.title));
        let all = epics.chain(stories).chain(tasks);
        all.map(|(id, title)| PlanNamed { id, title }).collect()
    };
    let changed = epics
        .changed
        .into_iter()
        .chain(stories.changed)
        .chain(tasks.changed);
    PlanDifference {
        from,
        to,
        added: named(epics.added, stories.added, tasks.added),
        removed: named(epics.removed, stories.removed, tasks.removed),
        changed: changed.filter_map(change).collect(),
        dependencies_added: dependencies(dependencies_added),
        dependencies_removed: dependencies(dependencies_removed),
    }
}

/// None where nothing changed that people see.
fn change(changed: Changed) -> Option<PlanChange> {
    let fields = changed.fields.into_iter();
    let fields: Vec<PlanFieldChange> = fields
        .filter(|change| !matches!(change.field.as_str(), "key" | "edited"))
        .map(|change| PlanFieldChange {
            field: change.field,
            before: change.before,
            after: change.after,
        })
        .collect();
    (!fields.is_empty()).then_some(PlanChange {
        id: changed.id,
        fields,
    })
}

fn dependencies(found: Vec<Dependency>) -> Vec<PlanDependency> {
    let shown = found.into_iter().map(|edge| PlanDependency {
        task: edge.task,
        on: edge.on,
    });
    shown.collect()
}
