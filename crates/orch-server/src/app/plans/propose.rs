//! Proposing a plan for the approved requirements, and proposing it anew because work failed.

use std::sync::Arc;

use orch_api::types::requirements::ProposedBy;
use orch_core::ids::{PlanId, ProjectId};
use orch_store::Conn;
use orch_store::plan::{self, Plan};
use orch_store::requirements::{self, Requirements};
use serde_json::json;

use super::failure::failure;
use super::make::{Made, Scene, make};
use super::model::{self, Suggestion};
use super::version::Origin;
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

/// Who makes a version, and why it is made anew, where it is.
pub(super) struct Cause {
    pub maker: Maker,
    pub occasion: Option<Occasion>,
}

/// Who makes a version.
pub(super) enum Maker {
    Rules,
    Model(Suggestion),
}

impl Maker {
    const fn name(&self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Model(_) => "model",
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
    version(app, actor, project_id, by, None).await
}

/// Proposes the plan anew: what failed is looked into first, what is done is kept.
///
/// # Errors
/// As for a proposal; and when there is no plan, or what is said to have failed did not.
pub async fn replan(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    by: Option<ProposedBy>,
    occasion: Occasion,
) -> Result<Plan> {
    let reason = checks::text("reason", &occasion.reason, LONGEST_REASON)?;
    let occasion = Occasion { reason, ..occasion };
    version(app, actor, project_id, by, Some(occasion)).await
}

async fn version(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    by: Option<ProposedBy>,
    occasion: Option<Occasion>,
) -> Result<Plan> {
    app.check_room()?;
    project::show(app, project_id).await?;
    let by = match by {
        Some(by) => by,
        None => model::usual(app, project_id).await?,
    };
    let maker = match by {
        ProposedBy::Rules => Maker::Rules,
        ProposedBy::Model => {
            Maker::Model(model::suggest(app, actor, project_id, occasion.as_ref()).await?)
        }
    };
    let cause = Arc::new(Cause { maker, occasion });
    for _ in 0..MOST_ATTEMPTS {
        if let Some(made) = attempt(app, actor, project_id, &cause).await? {
            return Ok(made);
        }
    }
    let message = "others make versions of this plan all the time; propose again";
    Err(AppError::conflict("plan_changed", message))
}

/// What a version is made from.
pub(super) async fn scene(
    app: &App,
    project_id: ProjectId,
    occasion: Option<&Occasion>,
) -> Result<Scene> {
    let (served, previous, previous_served, working, items) = {
        let mut conn = app.store().read().await?;
        let served = approved(&mut conn, project_id).await?;
        let previous = match occasion {
            Some(_) => Some(super::version::newest(&mut conn, project_id).await?),
            None => plan::current(&mut conn, project_id).await?,
        };
        let previous_served = match &previous {
            Some(previous) => {
                requirements::find(&mut conn, project_id, previous.requirements()).await?
            }
            None => None,
        };
        let working = super::approve::worked_on(&mut conn, project_id).await?;
        let items = plan::items(&mut conn, project_id).await?;
        (served, previous, previous_served, working, items)
    };
    let checks = super::existing::checks(app, project_id, &served).await?;
    let (approved, approved_served) = match working {
        Some((approved, served)) => (Some(approved), served),
        None => (None, None),
    };
    Ok(Scene {
        served,
        previous,
        previous_served,
        approved,
        approved_served,
        items,
        checks,
    })
}

/// None where another version was made meanwhile.
async fn attempt(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    cause: &Arc<Cause>,
) -> Result<Option<Plan>> {
    let scene = Arc::new(scene(app, project_id, cause.occasion.as_ref()).await?);
    let requirements_id = scene.served.id();
    if let Maker::Model(suggestion) = &cause.maker
        && suggestion.requirements != requirements_id
    {
        let message =
            "other requirements were approved while the model read those before; propose again";
        return Err(AppError::conflict("requirements_changed", message));
    }
    let parent = scene.previous.as_ref().map(Plan::id);
    let failed = match &cause.occasion {
        Some(occasion) => failure(app, &scene, occasion).await?,
        None => None,
    };
    let making = Arc::clone(cause);
    let made = app.think(move || make(&scene, &making, failed.as_ref()));
    let Made {
        written,
        failed,
        difference,
    } = made.await?;
    let mut tx = app.store().begin(actor).await?;
    if plan::newest_id(&mut tx.conn, project_id).await? != parent {
        return Ok(None);
    }
    let origin = Origin {
        project: project_id,
        requirements: requirements_id,
        parent,
        author: actor,
        reason: cause
            .occasion
            .as_ref()
            .map(|occasion| occasion.reason.as_str()),
    };
    let made = written.save(&mut tx, &origin).await?;
    let mut data = json!({
        "project_id": project_id, "plan_id": made.id, "requirements_id": requirements_id,
        "parent_id": parent.map(PlanId::get), "digest": made.digest, "tasks": made.tasks, "by": cause.maker.name(),
    });
    match &cause.occasion {
        None => tx.record("plan.proposed", Some(project_id), data),
        Some(occasion) => {
            data["reason"] = json!(occasion.reason);
            data["failed"] = json!(failed);
            data["difference"] = difference;
            tx.record("plan.replanned", Some(project_id), data);
        }
    }
    tx.commit().await?;
    Ok(Some(made))
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
