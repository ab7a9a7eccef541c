//! Setting a secret: its first value, or the next.

use orch_core::secret::{MAX_PER_PROJECT, MAX_VALUE_BYTES, SHORTEST_REDACTED_BYTES, Secret};
use orch_store::secret::{self, Kept};
use serde_json::json;

use super::{Named, check_key};
use crate::app::{App, AppError, Result, project};
use crate::vault::Place;

/// A secret that was set.
pub struct Set {
    pub secret: Secret,
    /// What its owner should know.
    pub warning: Option<String>,
}

/// Keeps a value.
pub async fn set(app: &App, actor: &str, named: &Named, value: &[u8]) -> Result<Set> {
    check_value(value)?;
    app.check_room()?;
    let (project, name, scope) = (named.project, &named.name, &named.scope);
    project::show(app, project).await?;
    // Before the row: a value that no row names is never read.
    let in_vault = match app.vault().kv() {
        Some(kv) => {
            let place = place(named, 0);
            Some(kv.write(&place, value).await?)
        }
        None => {
            check_key(app)?;
            None
        }
    };
    let keep = |version: u32| match in_vault {
        Some(version) => Kept::Vault(version),
        None => Kept::Sealed(app.vault().seal_value(&place(named, version), value)),
    };
    let mut tx = app.store().begin(actor).await?;
    let now = tx.now();
    let known = secret::find(&mut tx.conn, project, name, scope).await?;
    let set = match known {
        Some(known) => {
            let secret = Secret {
                version: known.secret.version.saturating_add(1),
                updated_at: now,
                set_by: actor.to_owned(),
                ..known.secret
            };
            secret::replace(&mut tx.conn, &secret, &keep(secret.version)).await?;
            secret
        }
        None => {
            let count = secret::count(&mut tx.conn, project).await?;
            if usize::try_from(count).is_ok_and(|count| count >= MAX_PER_PROJECT) {
                let message = format!(
                    "project {project} has {count} secrets, and no more fit; remove what is not used"
                );
                return Err(AppError::conflict("too_many_secrets", message));
            }
            let key = (project, name, scope);
            secret::insert(&mut tx.conn, key, &keep(1), actor, now)
                .await?
                .secret
        }
    };
    let data = json!({
        "project_id": project, "name": name, "environment": scope.environment(), "version": set.version,
    });
    tx.record("secret.set", Some(project), data);
    tx.commit().await?;
    let warning = (value.len() < SHORTEST_REDACTED_BYTES).then(|| {
        format!(
            "the value has less than {SHORTEST_REDACTED_BYTES} bytes: it would be found in innocent text everywhere, and is not kept out of logs"
        )
    });
    Ok(Set {
        secret: set,
        warning,
    })
}

fn check_value(value: &[u8]) -> Result<()> {
    if value.is_empty() {
        return Err(AppError::invalid("value", "must not be empty"));
    }
    if value.len() > MAX_VALUE_BYTES {
        let message = format!("has {} bytes; at most {MAX_VALUE_BYTES} fit", value.len());
        return Err(AppError::invalid("value", message));
    }
    Ok(())
}

pub(super) fn place(named: &Named, version: u32) -> Place<'_> {
    Place {
        project: named.project.get(),
        environment: named.scope.environment(),
        name: named.name.as_str(),
        version,
    }
}
