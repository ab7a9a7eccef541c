//! Delivering values to the agent that holds a run: those that the run's own steps name, and no
//! others. The entry in the audit is committed before a value leaves.

use std::collections::BTreeSet;

use orch_core::digest::Digest;
use orch_core::engine::Refusal;
use orch_core::ids::{AgentName, RunId};
use orch_core::recipe::{self, Step};
use orch_core::run::Run;
use orch_core::secret::SecretName;
use orch_core::time::Timestamp;
use orch_store::secret::{self, Stored};
use orch_store::{Conn, recipe as recipes, run, work_item};
use serde_json::json;

use super::value_of;
use crate::app::{App, AppError, Result, plan};

/// Who asks for what.
pub struct Wanted {
    pub agent: AgentName,
    pub run: RunId,
    pub epoch: u64,
    pub names: BTreeSet<SecretName>,
}

/// A value on its way out.
pub struct Delivered {
    pub name: SecretName,
    pub value: Vec<u8>,
    pub version: u32,
}

/// Values by name, and the names that nothing is kept under.
pub async fn deliver(app: &App, wanted: &Wanted) -> Result<(Vec<Delivered>, Vec<SecretName>)> {
    let (found, missing) = look(app, wanted).await?;
    let mut values = Vec::with_capacity(found.len());
    for stored in &found {
        values.push(Delivered {
            name: stored.secret.name.clone(),
            value: value_of(app, stored).await?,
            version: stored.secret.version,
        });
    }
    let mut tx = app
        .store()
        .begin(&format!("agent:{}", wanted.agent))
        .await?;
    // A vault may have taken its time: the hold counts at the moment of the entry.
    let now = tx.now();
    let run = run::find(&mut tx.conn, wanted.run)
        .await?
        .ok_or_else(|| AppError::not_found("run", wanted.run.get()))?;
    check_holder(&run, wanted, now)?;
    let given: Vec<_> = found
        .iter()
        .map(|Stored { secret, .. }| {
            json!({"name": secret.name, "environment": secret.scope.environment(), "version": secret.version})
        })
        .collect();
    let data = json!({
        "run_id": wanted.run, "epoch": wanted.epoch, "agent": wanted.agent, "secrets": given, "missing": missing,
    });
    tx.record("secret.delivered", Some(run.project_id), data);
    tx.commit().await?;
    Ok((values, missing))
}

/// The names that nothing is kept under. No value is read.
pub async fn missing(app: &App, wanted: &Wanted) -> Result<Vec<SecretName>> {
    Ok(look(app, wanted).await?.1)
}

async fn look(app: &App, wanted: &Wanted) -> Result<(Vec<Stored>, Vec<SecretName>)> {
    let mut conn = app.store().read().await?;
    let run = run::find(&mut conn, wanted.run)
        .await?
        .ok_or_else(|| AppError::not_found("run", wanted.run.get()))?;
    check_holder(&run, wanted, app.store().now())?;
    let (allowed, environment) = named_by(&mut conn, &run).await?;
    if let Some(other) = wanted.names.iter().find(|name| !allowed.contains(*name)) {
        let message = format!(
            "no step of run {}, as it was approved, names the secret {other}",
            run.id
        );
        return Err(AppError::forbidden("secret_not_named", message));
    }
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for name in &wanted.names {
        let stored =
            secret::resolve(&mut conn, run.project_id, name, environment.as_deref()).await?;
        match stored {
            Some(stored) => found.push(stored),
            None => missing.push(name.clone()),
        }
    }
    Ok((found, missing))
}

/// Lets only who holds the run at this moment, under this epoch.
fn check_holder(run: &Run, wanted: &Wanted, now: Timestamp) -> Result<()> {
    // Whoever could renew the hold has it.
    let mut renewed = run.clone();
    renewed
        .heartbeat(&wanted.agent, Some(wanted.epoch), None, now)
        .map_err(Refusal::from)?;
    Ok(())
}

/// The names in the steps that the run was started for or that a person approved in it, and the
/// environment of its item.
pub(super) async fn named_by(
    conn: &mut Conn,
    run: &Run,
) -> Result<(BTreeSet<SecretName>, Option<String>)> {
    let item = work_item::find(conn, run.work_item_id)
        .await?
        .ok_or_else(|| AppError::not_found("work item", run.work_item_id.get()))?;
    let yaml = match item.recipe_id {
        Some(id) => recipes::find(conn, id).await?.map(|recipe| recipe.yaml),
        None => None,
    };
    let environment = item.environment;
    let digest = Digest::of_work_item(
        &item.title,
        &item.description,
        yaml.as_deref(),
        environment.as_deref(),
    );
    if digest != run.digest {
        let message = format!(
            "work item {} was changed after run {} was started for it",
            item.id, run.id
        );
        return Err(AppError::conflict("item_changed", message));
    }
    let mut names = BTreeSet::new();
    let mut add = |steps: &[Step]| {
        let uses = steps.iter().flat_map(|step| &step.secrets);
        names.extend(uses.map(|secret| secret.name.clone()));
    };
    if let Some(recipe) = yaml.and_then(|yaml| recipe::parse(&yaml).ok()) {
        add(&recipe.steps);
    }
    if let Some(text) = plan::approved_steps(conn, run.id, run.digest).await?
        && let Ok(steps) = serde_json::from_str::<Vec<Step>>(&text)
    {
        add(&steps);
    }
    Ok((names, environment))
}
