//! Proposing a plan for the approved requirements, and proposing it anew because work failed.

use std::collections::BTreeSet;

use orch_api::types::requirements::ProposedBy;
use orch_core::breakdown::{self, Breakdown, Finished, ReplanFault};
use orch_core::ids::{PlanId, ProjectId};
use orch_store::plan::{self, Plan, PlanItem};
use orch_store::requirements::{self, Requirements};
use orch_store::{Conn, StoreError};
use serde_json::json;

use super::model::{self, Suggestion};
use super::standing::{finished, has_failed};
use super::version::{Origin, Written, breakdown as read_back};
use crate::app::requirements::document;
use crate::app::suggestion::unusable;
use crate::app::{App, AppError, Result, checks, project};

/// How often a proposal is made anew because somebody made another version meanwhile.
const MOST_ATTEMPTS: usize = 4;
/// The longest reason, in characters.
pub(super) const LONGEST_REASON: usize = 1_000;

/// Why a plan is made anew.
#[derive(Clone, Debug)]
pub struct Occasion {
    pub reason: String,
    /// Tasks that failed; those that are known to have failed where it is absent.
    pub failed: Option<Vec<String>>,
}

/// Why a version is made, and from what.
enum Cause {
    Rules,
    Model(Suggestion),
    Occasion(Occasion),
}

impl Cause {
    const fn occasion(&self) -> Option<&Occasion> {
        match self {
            Self::Occasion(occasion) => Some(occasion),
            Self::Rules | Self::Model(_) => None,
        }
    }

    const fn suggestion(&self) -> Option<&Suggestion> {
        match self {
            Self::Model(suggestion) => Some(suggestion),
            Self::Rules | Self::Occasion(_) => None,
        }
    }
}

/// Proposes a plan for the approved requirements. Tasks of the version before keep their ids.
///
/// # Errors
/// When no requirements are approved, a model gives nothing that can be used, or the store fails.
pub async fn propose(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    by: Option<ProposedBy>,
) -> Result<Plan> {
    app.check_room()?;
    project::show(app, project_id).await?;
    let by = match by {
        Some(by) => by,
        None => model::usual(app, project_id).await?,
    };
    let cause = match by {
        ProposedBy::Rules => Cause::Rules,
        ProposedBy::Model => Cause::Model(model::suggest(app, actor, project_id).await?),
    };
    make(app, actor, project_id, &cause).await
}

/// Proposes the plan anew: what failed is looked into first, what is done is kept.
pub async fn replan(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    occasion: Occasion,
) -> Result<Plan> {
    let reason = checks::text("reason", &occasion.reason, LONGEST_REASON)?;
    app.check_room()?;
    project::show(app, project_id).await?;
    let occasion = Occasion { reason, ..occasion };
    make(app, actor, project_id, &Cause::Occasion(occasion)).await
}

async fn make(app: &App, actor: &str, project_id: ProjectId, cause: &Cause) -> Result<Plan> {
    for _ in 0..MOST_ATTEMPTS {
        if let Some(made) = attempt(app, actor, project_id, cause).await? {
            return Ok(made);
        }
    }
    let message = "others make versions of this plan all the time; propose again";
    Err(AppError::conflict("plan_changed", message))
}

/// None where another version was made meanwhile.
async fn attempt(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    cause: &Cause,
) -> Result<Option<Plan>> {
    let occasion = cause.occasion();
    let (served, previous, items, ended) = {
        let mut conn = app.store().read().await?;
        let served = approved(&mut conn, project_id).await?;
        let previous = match occasion {
            Some(_) => Some(super::version::newest(&mut conn, project_id).await?),
            None => plan::current(&mut conn, project_id).await?,
        };
        let items = plan::items(&mut conn, project_id).await?;
        let ended = match occasion {
            Some(_) => plan::endings(&mut conn, project_id).await?,
            None => Vec::new(),
        };
        (served, previous, items, ended)
    };
    let requirements_id = served.id();
    let suggestion = cause.suggestion().cloned();
    if suggestion
        .as_ref()
        .is_some_and(|suggestion| suggestion.requirements != requirements_id)
    {
        let message =
            "other requirements were approved while the model read those before; propose again";
        return Err(AppError::conflict("requirements_changed", message));
    }
    let by = match suggestion {
        Some(_) => "model",
        None => "rules",
    };
    let parent = previous.as_ref().map(Plan::id);
    let failed = occasion.map(|occasion| occasion.failed.clone());
    let reason = occasion.map(|occasion| occasion.reason.clone());
    let (written, failed) = tokio::task::spawn_blocking(move || {
        let served = document(&served)?;
        if let Some(suggestion) = suggestion {
            let before: Option<Breakdown> = previous.as_ref().map(read_back).transpose()?;
            let done = finished(&items);
            let made = breakdown::plan_of_model(&suggestion.plan, &served, before.as_ref(), &done)
                .map_err(|nothing| unusable(&nothing.to_string()))?;
            return Ok((Written::of(&made), Vec::new()));
        }
        let Some(previous) = &previous else {
            let made = breakdown::propose(&served, None, &Finished::default());
            return Ok((Written::of(&made), Vec::new()));
        };
        let done = finished(&items);
        let before = read_back(previous)?;
        let (Some(failed), Some(reason)) = (failed, reason) else {
            let made = breakdown::propose(&served, Some(&before), &done);
            return Ok((Written::of(&made), Vec::new()));
        };
        let base = match previous.requirements() == requirements_id {
            true => before,
            false => breakdown::propose(&served, Some(&before), &done),
        };
        let failed = failed.unwrap_or_else(|| known_failures(&base, &items));
        let mut made = breakdown::replan(&base, &reason, &failed, &done)
            .map_err(|fault| not_replanned(&failed, fault))?;
        super::endings::told(&mut made.plan, &base, &failed, &ended);
        Ok::<_, AppError>((Written::of(&made.plan), failed))
    })
    .await
    .map_err(|_| StoreError::Closed)??;
    let mut tx = app.store().begin(actor).await?;
    if plan::newest_id(&mut tx.conn, project_id).await? != parent {
        return Ok(None);
    }
    let reason = occasion.map(|occasion| occasion.reason.as_str());
    let origin = Origin {
        project: project_id,
        requirements: requirements_id,
        parent,
        author: actor,
        reason,
    };
    let made = written.save(&mut tx, &origin).await?;
    let mut data = json!({
        "project_id": project_id, "plan_id": made.id, "requirements_id": requirements_id,
        "parent_id": parent.map(PlanId::get), "digest": made.digest, "tasks": made.tasks,
    });
    match occasion {
        None => {
            data["by"] = json!(by);
            tx.record("plan.proposed", Some(project_id), data);
        }
        Some(occasion) => {
            data["reason"] = json!(occasion.reason);
            data["failed"] = json!(failed);
            tx.record("plan.replanned", Some(project_id), data);
        }
    }
    tx.commit().await?;
    Ok(Some(made))
}

/// The tasks of the plan that are known to have failed.
fn known_failures(plan: &Breakdown, items: &[PlanItem]) -> Vec<String> {
    let failed: BTreeSet<&str> = items
        .iter()
        .filter(|item| has_failed(item))
        .map(|item| item.task.as_str())
        .collect();
    let ids = plan.tasks.iter().map(|task| &task.id);
    ids.filter(|id| failed.contains(id.as_str()))
        .cloned()
        .collect()
}

fn not_replanned(failed: &[String], fault: ReplanFault) -> AppError {
    let field = |task: &str| {
        let at = failed.iter().position(|named| named == task);
        format!("failed[{}]", at.unwrap_or(0))
    };
    match &fault {
        ReplanFault::Reason { .. } => AppError::invalid("reason", fault.to_string()),
        ReplanFault::UnknownTask { task } => {
            let expected = "the id of a task of the newest plan, such as T-1";
            AppError::wrong(field(task), task, expected)
        }
        ReplanFault::Done { task } => AppError::wrong(field(task), task, "a task that is not done"),
        ReplanFault::Full => AppError::conflict("plan_full", fault.to_string()),
    }
}

/// The requirements that a plan is made for.
pub(super) async fn approved(conn: &mut Conn, project_id: ProjectId) -> Result<Requirements> {
    if let Some(approved) = requirements::approved(conn, project_id).await? {
        return Ok(approved);
    }
    let next = match requirements::current(conn, project_id).await? {
        Some(proposed) => format!(
            "requirements {id} are proposed: read them, and approve them with POST /projects/{project_id}/requirements/{id}/approve",
            id = proposed.id
        ),
        None => format!(
            "propose them with POST /projects/{project_id}/requirements/propose, and approve them"
        ),
    };
    let message = format!(
        "a plan is made for requirements that a person approved, and project {project_id} has none; {next}"
    );
    Err(AppError::conflict("requirements_not_approved", message))
}
