//! Asking the model of the role `breakdown` for a plan. Its answer is a suggestion, which the core makes a
//! plan of: it approves nothing, queues nothing and changes nothing else.

use std::sync::Arc;

use orch_api::types::requirements::ProposedBy;
use orch_core::breakdown::{PlanBrief, PlanFailure, SuggestedPlan, TaskFailure, plan_material};
use orch_core::ids::{ProjectId, RequirementsId, RunId};
use orch_core::run::RunState;
use orch_store::log::{Count, Side, Wanted};
use orch_store::plan::{Plan, PlanItem};

use super::make::Scene;
use super::propose::{Occasion, scene};
use crate::app::requirements::document;
use crate::app::suggestion::{self, BY_RULES};
use crate::app::{App, AppError, Result, log, run};

/// The role that breaks requirements down.
const ROLE: &str = "breakdown";
/// Of so many failed tasks the log is looked at, and so many of its last lines.
const MOST_LOGS: usize = 20;
const MOST_LINES: usize = 60;

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
    let failure = match occasion {
        Some(occasion) => failure(app, &scene, occasion).await?,
        None => None,
    };
    // The plan that is worked on pays for the next; before there is one, the one that is written anew.
    let payer = scene.approved.as_ref().or(scene.previous.as_ref());
    let payer = payer.map(Plan::id);
    let shown = app.think(move || {
        let previous = scene.before()?;
        let brief = PlanBrief {
            document: &document(&scene.served)?,
            checks: &scene.checks,
            previous: previous.as_ref(),
            kept: &scene.done(),
            failure: failure.as_ref(),
        };
        plan_material(brief).map_err(|error| AppError::TooLarge(format!("{error}; {BY_RULES}")))
    });
    let shown = shown.await?;
    let plan = suggestion::ask(app, actor, (project_id, payer), ROLE, &shown).await?;
    Ok(Suggestion {
        requirements,
        plan: Arc::new(plan),
    })
}

/// What the model is told of what failed. Nobody is asked where what is said to have failed did not.
pub(super) async fn failure(
    app: &App,
    scene: &Arc<Scene>,
    occasion: &Occasion,
) -> Result<Option<PlanFailure>> {
    let (looked_at, of) = (Arc::clone(scene), occasion.clone());
    let failed = app.think(move || {
        let before = looked_at.before()?;
        let failed = before.map(|before| looked_at.failed(&before, &of));
        failed.transpose()
    });
    let Some(failed) = failed.await? else {
        return Ok(None);
    };
    let mut tasks = Vec::new();
    for task in failed {
        let item = scene.items.iter().find(|item| item.task == task);
        let run = item.and_then(|item: &PlanItem| item.run_id);
        let told = match run.filter(|_| tasks.len() < MOST_LOGS) {
            Some(run) => said(app, RunId(run)).await?,
            None => TaskFailure::default(),
        };
        tasks.push(TaskFailure { task, ..told });
    }
    Ok(Some(PlanFailure {
        reason: occasion.reason.clone(),
        tasks,
    }))
}

/// Why a run ended, and the end of its log.
async fn said(app: &App, id: RunId) -> Result<TaskFailure> {
    let run = run::show(app, id).await?;
    let why = match run.state {
        RunState::Finished(finish) => {
            let code = finish.exit_code.map(|code| format!("exit code {code}"));
            let said: Vec<String> = code.into_iter().chain(finish.reason).collect();
            said.join("; ")
        }
        RunState::Running { .. } | RunState::Waiting { .. } => String::new(),
    };
    let wanted = Wanted {
        side: Side::Last,
        count: Count::Page,
        ..Wanted::first(None, 0, MOST_LINES)
    };
    let found = log::page(app, id, wanted).await?;
    let lines = found.lines.into_iter();
    Ok(TaskFailure {
        task: String::new(),
        why,
        log: lines.map(|line| line.line.message).collect(),
    })
}
