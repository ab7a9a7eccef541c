//! Tools that a running process asks for: the policy decides, and the audit keeps both answers.

use orch_core::engine::Refusal;
use orch_core::ids::RunId;
use orch_core::tool_policy::Asked;
use serde_json::json;

use super::{App, AppError, Result, checks, run};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Ask {
    pub epoch: Option<u64>,
    pub name: String,
    /// The version that would be installed.
    pub version: String,
    /// The trusted key that signed its entry; empty where there is none.
    pub signed_by: String,
}

/// Decides a request. Inside `Ok`, `Err` says why it is denied.
pub async fn decide(
    app: &App,
    actor: &str,
    run_id: RunId,
    ask: Ask,
) -> Result<std::result::Result<(), String>> {
    let name = checks::text("name", &ask.name, 128)?;
    let version = checks::text("version", &ask.version, 128)?;
    let signed_by = checks::optional_text("signed_by", Some(ask.signed_by.as_str()), 64)?;
    run::show(app, run_id).await?;
    let verdict = app.store().rules().tools.judge(&Asked {
        name: &name,
        version: &version,
        signed_by: signed_by.as_deref().unwrap_or_default(),
    });
    let mut tx = app.store().begin(actor).await?;
    let run = orch_store::run::find(&mut tx.conn, run_id)
        .await?
        .ok_or_else(|| AppError::not_found("run", run_id.get()))?;
    run.check_logger(ask.epoch, tx.now())
        .map_err(Refusal::from)?;
    let kind = match &verdict {
        Ok(()) => "tool.granted",
        Err(_) => "tool.denied",
    };
    let data = json!({
        "run_id": run_id, "name": name, "version": version, "signed_by": signed_by,
        "reason": verdict.as_ref().err(),
    });
    tx.record(kind, Some(run.project_id), data);
    tx.commit().await?;
    Ok(verdict)
}
