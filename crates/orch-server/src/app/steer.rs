//! What a person says to a run while an agent works on it: kept in the audit, and passed on.

use orch_api::proto::{ServerMessage, Steer, server_message};
use orch_core::ids::RunId;
use orch_core::run::Run;
use serde_json::json;

use super::agents::Deaf;
use super::{App, AppError, Result, checks, run};

/// The longest word.
const LONGEST: usize = 8000;

/// Says something to a run.
pub async fn steer(app: &App, actor: &str, id: RunId, text: &str) -> Result<Run> {
    let text = checks::text("text", text, LONGEST)?;
    let run = run::show(app, id).await?;
    let Some(lease) = run.lease() else {
        return Err(AppError::conflict("not_working", not_working(&run)));
    };
    // A place is taken first: what is in the audit has been said.
    let ear = app
        .agents()
        .ear(id, run.epoch)
        .map_err(|deaf| unheard(deaf, id, lease.agent.as_str()))?;
    let mut tx = app.store().begin(actor).await?;
    let data = json!({"run_id": id, "epoch": run.epoch, "agent": lease.agent, "text": text});
    tx.record("run.steered", Some(run.project_id), data);
    tx.commit().await?;
    let said = Steer {
        run_id: id.get(),
        epoch: run.epoch,
        text,
    };
    ear.send(ServerMessage {
        kind: Some(server_message::Kind::Steer(said)),
    });
    Ok(run)
}

fn not_working(run: &Run) -> String {
    let id = run.id;
    match run.status() {
        "waiting" => format!(
            "run {id} waits for a person, and nobody works on it: answer its question (`answer`), or decide on its approval, instead"
        ),
        "running" => format!("run {id} is held by no agent yet: say it again when one works on it"),
        status => format!("run {id} is {status}, and nobody works on it any more"),
    }
}

fn unheard(deaf: Deaf, id: RunId, agent: &str) -> AppError {
    match deaf {
        Deaf::NotHere => AppError::conflict(
            "agent_elsewhere",
            format!(
                "agent {agent}, which works on run {id}, has no stream to this server: ask the server that it is connected to, or, where it came by REST, itself"
            ),
        ),
        Deaf::NotOffered => AppError::conflict(
            "cannot_be_steered",
            format!(
                "run {id} cannot be steered: agent {agent} carries runs out by steps or by a program that hears nothing. Only AGENT_EXECUTOR=codex by its app-server does"
            ),
        ),
        Deaf::Busy => AppError::Unavailable(format!(
            "agent {agent}, which works on run {id}, takes no messages at the moment: try again"
        )),
    }
}
