//! What may be known of secrets, by anybody who may see their project.

use orch_core::ids::ProjectId;
use orch_core::secret::Secret;
use orch_store::secret;
use orch_store::{Listed, Page};

use super::Named;
use crate::app::{App, AppError, Result, project};

/// The secrets of a project, without values.
pub async fn list(app: &App, id: ProjectId, page: Page) -> Result<Listed<Secret>> {
    project::show(app, id).await?;
    let mut conn = app.store().read().await?;
    let found = app.store().named(secret::list(&mut conn, id, page).await?);
    Ok(Listed {
        rows: found.rows.into_iter().map(|stored| stored.secret).collect(),
        next: found.next,
    })
}

/// One secret, without its value.
pub async fn show(app: &App, named: &Named) -> Result<Secret> {
    project::show(app, named.project).await?;
    let mut conn = app.store().read().await?;
    let found = secret::find(&mut conn, named.project, &named.name, &named.scope).await?;
    found
        .map(|stored| stored.secret)
        .ok_or_else(|| absent(named))
}

/// There is no such secret.
pub(super) fn absent(named: &Named) -> AppError {
    AppError::NotFound(named.in_words())
}
