//! Asking the model of the role `requirements` what a vision demands. Its answer is a suggestion, which the
//! core makes a document of: it approves nothing, calls nothing and changes nothing else.

use orch_api::types::requirements::ProposedBy;
use orch_core::ids::ProjectId;
use orch_core::requirements::{Document, Material as Shown, Suggested, material};
use orch_model::role::{Material, Role, Roles};
use orch_store::StoreError;
use tokio::time::Instant;

use super::propose::Read;
use super::version::document;
use crate::app::model_call::{Purpose, Terms, Waiting, ask_and_keep};
use crate::app::role::told;
use crate::app::{App, AppError, Result};

/// The role that reads visions.
const ROLE: &str = "requirements";
const BY_RULES: &str = r#"nothing was stored; {"by": "rules"} proposes without a model"#;

/// Who proposes where nobody says.
pub(super) async fn usual(app: &App, project_id: ProjectId) -> Result<ProposedBy> {
    let (_, role) = role(app, project_id).await?;
    let models = app.team().models();
    // A role whose model is misspelt is told so, and not passed over.
    let is_set = models.line(&role).or_else(|| models.usual()).is_some();
    Ok(if is_set {
        ProposedBy::Model
    } else {
        ProposedBy::Rules
    })
}

async fn role(app: &App, project_id: ProjectId) -> Result<(Roles, Role)> {
    crate::app::role::find(app, project_id, ROLE).await
}

/// Asks the model. If the caller goes away, it is asked no longer; the call is kept in any case.
pub(super) async fn suggest(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    read: Read,
) -> Result<Suggested> {
    let (roles, role) = role(app, project_id).await?;
    let place = app.team().place()?;
    let shown = shown(read).await?;
    let ask = roles.ask(
        &role,
        &Material {
            prompt: format!(
                "The marks of this message carry {}.\n\n{}",
                shown.mark, shown.text
            ),
            memory: told(app, project_id, &role).await?,
            ..Material::default()
        },
    );
    let ask = ask.map_err(|error| AppError::Unavailable(format!("{error}; {BY_RULES}")))?;
    let stop = app.team().stop.child_token();
    let guard = stop.clone().drop_guard();
    let purpose = Purpose::of_project(actor, project_id);
    let asking = app.team().tasks.spawn({
        let app = app.clone();
        async move {
            let terms = Terms {
                deltas: &orch_model::silent,
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
        let detail = format!(
            "the model's answer is no document of requirements: {error} (has the role {ROLE} a schema of its own?); {BY_RULES}"
        );
        AppError::Unavailable(detail)
    })
}

async fn shown(read: Read) -> Result<Shown> {
    let shown = tokio::task::spawn_blocking(move || {
        let previous: Option<Document> = read.previous.as_ref().map(document).transpose()?;
        material(&read.texts, previous.as_ref())
            .map_err(|error| AppError::TooLarge(format!("{error}; {BY_RULES}")))
    });
    shown.await.map_err(|_| StoreError::Closed)?
}

/// What to do where the model does not help.
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
