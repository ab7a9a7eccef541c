//! Asking the model of the role `requirements` what a vision demands. Its answer is a suggestion, which the
//! core makes a document of: it approves nothing, calls nothing and changes nothing else.

use orch_api::types::requirements::ProposedBy;
use orch_core::ids::ProjectId;
use orch_core::requirements::{Document, Suggested, material};

use super::propose::Read;
use super::version::document;
use crate::app::suggestion::{self, BY_RULES};
use crate::app::{App, AppError, Result};

/// The role that reads visions.
const ROLE: &str = "requirements";

/// Who proposes where nobody says.
pub(super) async fn usual(app: &App, project_id: ProjectId) -> Result<ProposedBy> {
    suggestion::usual(app, project_id, ROLE).await
}

/// Asks the model. If the caller goes away, it is asked no longer; the call is kept in any case.
pub(super) async fn suggest(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    read: Read,
) -> Result<Suggested> {
    let shown = app.think(move || {
        let previous: Option<Document> = read.previous.as_ref().map(document).transpose()?;
        material(&read.texts, previous.as_ref())
            .map_err(|error| AppError::TooLarge(format!("{error}; {BY_RULES}")))
    });
    let shown = shown.await?;
    suggestion::ask(app, actor, (project_id, None), ROLE, &shown).await
}
