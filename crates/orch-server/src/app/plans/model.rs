//! Asking the model of the role `breakdown` for a plan. Its answer is a suggestion, which the core makes a
//! plan of: it approves nothing, queues nothing and changes nothing else.

use std::sync::Arc;

use orch_api::types::requirements::ProposedBy;
use orch_core::breakdown::{PlanBrief, SuggestedPlan, plan_material};
use orch_core::ids::{ProjectId, RequirementsId};
use orch_store::StoreError;
use orch_store::plan::Plan;

use super::failure::failure;
use super::propose::{Occasion, scene};
use crate::app::requirements::document;
use crate::app::suggestion::{self, BY_RULES};
use crate::app::{App, AppError, Result};

/// The role that breaks requirements down.
const ROLE: &str = "breakdown";

/// What a model suggests, and for which requirements.
#[derive(Clone)]
pub(super) struct Suggestion {
    pub requirements: RequirementsId,
    pub plan: Arc<SuggestedPlan>,
}

/// Who proposes where nobody says.
pub(super) async fn usual(app: &App, project_id: ProjectId) -> Result<ProposedBy> {
    suggestion::usual(app, project_id, ROLE).await
}

/// Asks the model. If the caller goes away, it is asked no longer; the call is kept in any case.
pub(super) async fn suggest(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    occasion: Option<&Occasion>,
) -> Result<Suggestion> {
    let scene = Arc::new(scene(app, project_id, occasion).await?);
    let requirements = scene.served.id();
    let failed = match occasion {
        Some(occasion) => failure(app, &scene, occasion).await?,
        None => None,
    };
    // The plan that is worked on pays for the next; before there is one, the one that is written anew.
    let payer = scene.approved.as_ref().or(scene.previous.as_ref());
    let payer = payer.map(Plan::id);
    let shown = tokio::task::spawn_blocking(move || {
        let previous = scene.before()?;
        let brief = PlanBrief {
            document: &document(&scene.served)?,
            checks: &scene.checks,
            previous: previous.as_ref(),
            kept: &scene.done(),
            failure: failed.as_ref(),
        };
        plan_material(brief).map_err(|error| AppError::TooLarge(format!("{error}; {BY_RULES}")))
    });
    let shown = shown.await.map_err(|_| StoreError::Closed)??;
    let plan = suggestion::ask(app, actor, (project_id, payer), ROLE, &shown).await?;
    Ok(Suggestion {
        requirements,
        plan: Arc::new(plan),
    })
}
