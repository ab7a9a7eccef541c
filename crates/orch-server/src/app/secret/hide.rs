//! What a run must not tell: the values that its steps were given, and its token. What comes with the run's own token
//! has passed no agent, so that it is redacted here. And what a model must not be told: all values of a project.

use orch_core::ids::{ProjectId, RunId};
use orch_redact::Redactor;
use orch_store::secret::{self, Stored};
use orch_store::{Page, run};

use super::deliver::named_by;
use super::value_of;
use crate::app::{App, AppError, Result};

/// Secrets that are read at a time.
const AT_ONCE: i64 = 1000;

/// Hides what the run was given.
///
/// # Errors
/// When there is no such run, or a value cannot be read: then nothing of it may be stored.
pub async fn redactor_of(app: &App, id: RunId) -> Result<Redactor> {
    let mut conn = app.store().read().await?;
    let run = run::find(&mut conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("run", id.get()))?;
    let stored = match named_by(&mut conn, &run).await {
        Ok((names, environment)) => {
            let mut found = Vec::with_capacity(names.len());
            for name in names {
                let environment = environment.as_deref();
                found.extend(secret::resolve(&mut conn, run.project_id, &name, environment).await?);
            }
            found
        }
        // The item was changed meanwhile: what the run was given can no longer be told from the rest.
        Err(AppError::Refused(_)) => all(&mut conn, run.project_id).await?,
        Err(error) => return Err(error),
    };
    drop(conn);
    let mut values = Vec::with_capacity(stored.len() + 1);
    for one in &stored {
        values.push(value_of(app, one).await?);
    }
    if let Some(keys) = app.vault().tokens() {
        values.push(keys.mint(run.id, run.epoch).into_bytes());
    }
    Ok(Redactor::new(values))
}

/// The values of all secrets of a project, in whatever environment.
///
/// # Errors
/// When one cannot be read.
pub async fn values_of(app: &App, project: ProjectId) -> Result<Vec<Vec<u8>>> {
    let mut conn = app.store().read().await?;
    let stored = all(&mut conn, project).await?;
    drop(conn);
    let mut values = Vec::with_capacity(stored.len());
    for one in &stored {
        values.push(value_of(app, one).await?);
    }
    Ok(values)
}

async fn all(conn: &mut orch_store::Conn, project: ProjectId) -> Result<Vec<Stored>> {
    let mut found: Vec<Stored> = Vec::new();
    let mut page = Page {
        limit: AT_ONCE,
        ..Page::default()
    };
    loop {
        let listing = secret::list(conn, project, page).await?;
        page.after = listing.next();
        found.extend(listing.whole()?);
        if page.after.is_none() {
            return Ok(found);
        }
    }
}
