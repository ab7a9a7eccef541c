//! What the way out refused to the steps of runs: kept in the audit, where nobody removes it.

use orch_core::{engine, ids::RunId};
use serde_json::json;

use super::{App, AppError, Result, checks};

/// A connection that was refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The step's number, from 1.
    pub step: u32,
    /// As it was asked for: a name or an address.
    pub host: String,
    pub port: u32,
    pub reason: String,
}

/// Keeps a refusal of a run's way out.
pub async fn keep(
    app: &App,
    actor: &str,
    run_id: RunId,
    epoch: Option<u64>,
    refusal: Refusal,
) -> Result<()> {
    let host = checks::text("host", &refusal.host, 255)?;
    let reason = checks::text("reason", &refusal.reason, 1000)?;
    let port = u16::try_from(refusal.port)
        .map_err(|_| AppError::invalid("port", "must be from 0 to 65535"))?;
    let mut tx = app.store().begin(actor).await?;
    let run = orch_store::run::find(&mut tx.conn, run_id)
        .await?
        .ok_or_else(|| AppError::not_found("run", run_id.get()))?;
    run.check_logger(epoch, tx.now())
        .map_err(engine::Refusal::from)?;
    let data = json!({"run_id": run_id, "step": refusal.step, "host": host, "port": port, "reason": reason});
    tx.record("egress.refused", Some(run.project_id), data);
    tx.commit().await?;
    Ok(())
}
