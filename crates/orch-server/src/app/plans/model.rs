//! Asking the model of the role `breakdown` for a plan. Its answer is a suggestion, which the core makes a
//! plan of: it approves nothing, queues nothing and changes nothing else.

use std::sync::Arc;

use orch_api::types::requirements::ProposedBy;
use orch_core::breakdown::{Breakdown, SuggestedPlan, plan_material};
use orch_core::ids::{ProjectId, RequirementsId};
use orch_store::StoreError;
use orch_store::plan::{self, Plan};

use super::propose::approved;
use super::standing::finished;
use super::version::breakdown;
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
pub(super) async fn suggest(app: &App, actor: &str, project_id: ProjectId) -> Result<Suggestion> {
    let (served, previous, items, charged) = {
        let mut conn = app.store().read().await?;
        let served = approved(&mut conn, project_id).await?;
        let previous = plan::current(&mut conn, project_id).await?;
        let items = plan::items(&mut conn, project_id).await?;
        let approved = plan::approved(&mut conn, project_id).await?;
        // The plan that is worked on pays for the next; before there is one, the one that is written anew.
        let charged = approved.as_ref().or(previous.as_ref()).map(Plan::id);
        (served, previous, items, charged)
    };
    let requirements = served.id();
    let shown = tokio::task::spawn_blocking(move || {
        let previous: Option<Breakdown> = previous.as_ref().map(breakdown).transpose()?;
        plan_material(&document(&served)?, previous.as_ref(), &finished(&items))
            .map_err(|error| AppError::TooLarge(format!("{error}; {BY_RULES}")))
    });
    let shown = shown.await.map_err(|_| StoreError::Closed)??;
    let plan = suggestion::ask(app, actor, (project_id, charged), ROLE, &shown).await?;
    Ok(Suggestion {
        requirements,
        plan: Arc::new(plan),
    })
}
