//! Which version is meant.

use orch_api::client::Client;
use orch_api::types::requirements::Requirements;

use crate::exit::Exit;
use crate::failure::Failure;

/// The named version; else the newest.
pub async fn choose(
    client: &Client,
    project: i64,
    version: Option<i64>,
) -> Result<Requirements, Failure> {
    if let Some(version) = version {
        let found = client.requirements_version(project, version).await;
        return found.map_err(|error| {
            Failure::from(error).next_step(format!(
                "codex-orchestrator requirements show {project} --all"
            ))
        });
    }
    client.newest_requirements(project).await?.ok_or_else(|| {
        let message = format!("project {project} has no requirements");
        Failure::new(Exit::Refused, message)
            .next_step(format!("codex-orchestrator requirements propose {project}"))
    })
}
