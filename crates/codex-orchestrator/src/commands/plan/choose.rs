//! Which version is meant.

use orch_api::client::Client;

use crate::exit::Exit;
use crate::failure::Failure;

/// The named version; else the newest.
pub async fn choose(client: &Client, project: i64, version: Option<i64>) -> Result<i64, Failure> {
    if let Some(version) = version {
        return Ok(version);
    }
    let newest = client.newest_plan(project).await?;
    newest.map(|newest| newest.id).ok_or_else(|| {
        let message = format!("project {project} has no plan");
        Failure::new(Exit::Refused, message)
            .next_step(format!("codex-orchestrator plan propose {project}"))
    })
}
