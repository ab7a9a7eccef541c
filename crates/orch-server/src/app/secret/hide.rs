//! What a run must not tell: the values that its steps were given, and its token. What comes with the run's own token
//! has passed no agent, so that it is redacted here.

use orch_core::ids::{ProjectId, RunId};
use orch_redact::Redactor;
use orch_store::secret::{self, Stored};
use orch_store::{Page, run};

use super::deliver::named_by;
use super::value_of;
use crate::app::{App, AppError, Result};

/// More secrets of a project than these are not looked through.
const MOST: i64 = 1000;

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

async fn all(conn: &mut orch_store::Conn, project: ProjectId) -> Result<Vec<Stored>> {
    let page = Page {
        limit: MOST,
        ..Page::default()
    };
    Ok(secret::list(conn, project, page).await?.whole()?)
}
