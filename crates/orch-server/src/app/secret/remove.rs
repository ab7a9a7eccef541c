//! Removing a secret.

use orch_store::secret::{self, Kept};
use serde_json::json;

use super::Named;
use super::list::absent;
use super::set::place;
use crate::app::{App, Result, project};

/// Forgets a secret; where its value is in a vault, there as well.
pub async fn remove(app: &App, actor: &str, named: &Named) -> Result<()> {
    project::show(app, named.project).await?;
    let mut tx = app.store().begin(actor).await?;
    let found = secret::find(&mut tx.conn, named.project, &named.name, &named.scope).await?;
    let found = found.ok_or_else(|| absent(named))?;
    secret::delete(&mut tx.conn, found.secret.id).await?;
    let data = json!({
        "project_id": named.project, "name": named.name, "environment": named.scope.environment(),
        "version": found.secret.version,
    });
    tx.record("secret.removed", Some(named.project), data);
    tx.commit().await?;
    // No row names it any more, so nobody reads what a vault keeps that is away now.
    if let (Kept::Vault(_), Some(kv)) = (&found.kept, app.vault().kv())
        && let Err(error) = kv.remove(&place(named, 0)).await
    {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            secret.name = named.name.as_str(),
            project.id = named.project.get(),
            "a removed secret's value is still in the vault"
        );
    }
    Ok(())
}
