//! Asking the model of a role for a proposal: requirements, a plan. Its answer is a suggestion, of which the
//! core makes what is stored. The call is kept and charged to the project, and to the plan that the proposal comes on
//! top of, whatever becomes of it.

use orch_api::types::requirements::ProposedBy;
use orch_core::ids::{PlanId, ProjectId};
use orch_core::requirements::Material as Shown;
use orch_model::role::{Material, Output, Role, Roles};
use orch_store::StoreError;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::model_call::{Purpose, Terms, Waiting, ask_and_keep};
use super::role::{find, told};
use super::{App, AppError, Result};

/// What to do where the model does not help.
pub(super) const BY_RULES: &str = r#"nothing was stored; {"by": "rules"} proposes without a model"#;

/// Who proposes where nobody says.
pub(super) async fn usual(app: &App, project_id: ProjectId, role: &str) -> Result<ProposedBy> {
    let (_, role) = find(app, project_id, role).await?;
    let models = app.team().models();
    // A role whose model is misspelt is told so, and not passed over.
    let is_set = models.line(&role).or_else(|| models.usual()).is_some();
    Ok(if is_set {
        ProposedBy::Model
    } else {
        ProposedBy::Rules
    })
}

/// Asks the model of `role`. If the caller goes away, it is asked no longer; the call is kept in any case.
pub(super) async fn ask<T: DeserializeOwned>(
    app: &App,
    actor: &str,
    (project_id, plan): (ProjectId, Option<PlanId>),
    role: &str,
    shown: &Shown,
) -> Result<T> {
    let (roles, role) = find(app, project_id, role).await?;
    let role = in_form(role);
    let name = role.name.clone();
    let place = app.team().place()?;
    let material = Material {
        prompt: format!(
            "The marks of this message carry {}.\n\n{}",
            shown.mark, shown.text
        ),
        memory: told(app, project_id, &role).await?,
        ..Material::default()
    };
    let asker = role.clone();
    let ask = app.texts().run(move || roles.ask(&asker, &material)).await;
    let ask = ask.map_err(|error| AppError::Unavailable(format!("{error}; {BY_RULES}")))?;
    let stop = app.team().stop.child_token();
    let guard = stop.clone().drop_guard();
    let purpose = Purpose {
        plan: plan.map(PlanId::get),
        ..Purpose::of_project(actor, project_id)
    };
    let asking = app.team().tasks.spawn({
        let app = app.clone();
        async move {
            let terms = Terms {
                deltas: None,
                parked: &|_| {},
                stop: &stop,
                deadline: Instant::now() + app.team().timeout,
                waiting: Waiting::Client,
            };
            let answer = ask_and_keep(&app, &purpose, &role, ask, terms).await;
            drop(place);
            answer
        }
    });
    let answer = asking.await.map_err(|_| StoreError::Closed)?;
    guard.disarm();
    let answer = answer.map_err(with_way_out)?;
    serde_json::from_str(&answer.text).map_err(|error| {
        unusable(&format!(
            "{error} (has the role {name} a schema of its own?)"
        ))
    })
}

/// A role that a project set without a form of its own answers in that of the program's.
fn in_form(role: Role) -> Role {
    let mut role = role;
    if role.output == Output::Text
        && let Some(built_in) = Roles::built_in().find(&role.name)
    {
        role.output = built_in.output.clone();
    }
    role
}

/// The answer cannot be used.
pub(super) fn unusable(why: &str) -> AppError {
    AppError::Unavailable(format!(
        "the model's answer is not what was asked for: {why}; {BY_RULES}"
    ))
}

fn with_way_out(error: AppError) -> AppError {
    match error {
        AppError::Busy {
            detail,
            after_seconds,
        } => AppError::Busy {
            detail: format!("{detail}; {BY_RULES}"),
            after_seconds,
        },
        AppError::Unavailable(detail) => AppError::Unavailable(format!("{detail}; {BY_RULES}")),
        other => other,
    }
}
