//! What becomes of a run's folder once the run has ended.
//!
//! One that failed may stay for a while, for people to look into; on a full disk none does.

use orch_git::size_bytes;
use orch_sandbox::{exec::RunFolder, sandbox::size};

use crate::{
    config::AgentConfig,
    kept::{self, Note},
    runs,
    worker::{Job, Outcome, Verdict},
    workspaces::WorkspaceSetup,
};

/// Makes room at once.
pub(super) async fn remove(folder: RunFolder) -> Option<RunFolder> {
    if let Err(error) = tokio::task::spawn_blocking(move || runs::remove(folder)).await {
        tracing::warn!(%error, "the removal of a run's folder broke off");
    }
    None
}

/// Says of a run that failed where its workspace stays, and until when.
pub(super) async fn keep_failed(
    config: &AgentConfig,
    job: &Job,
    outcome: &Outcome,
    folder: &RunFolder,
) {
    let Outcome::Finished(finished) = outcome else {
        return;
    };
    let keeping = config.workspaces.keeping();
    if finished.verdict != Verdict::Failed || !kept::is_worth_keeping(folder, keeping) {
        return;
    }
    if let Some(line) = too_large(&config.workspaces, folder).await {
        job.log.system(&line).await;
        return;
    }
    let since = job.log.now()();
    let note = Note {
        run_id: job.assignment.run_id,
        work_item_id: job.assignment.work_item_id,
        reason: job.log.redactor().redact(&finished.reason).into_owned(),
        since,
        until: since.saturating_add(keeping.time).unwrap_or(since),
    };
    let line = match kept::note(folder, &note) {
        Ok(()) => format!(
            "the workspace stays on this agent until {}, or until its room is needed: {}",
            note.until,
            folder.work().display()
        ),
        Err(error) => format!("the workspace does not stay: {error}"),
    };
    job.log.system(&line).await;
}

/// That a workspace does not stay, because it would be removed at once.
async fn too_large(setup: &WorkspaceSetup, folder: &RunFolder) -> Option<String> {
    let work = folder.work();
    let measured = tokio::task::spawn_blocking(move || size_bytes(&work)).await;
    said_of(measured.unwrap_or(0), setup)
}

fn said_of(bytes: u64, setup: &WorkspaceSetup) -> Option<String> {
    let kept = Some(setup.keep_failed_bytes);
    let bounds = [
        (kept, "AGENT_KEEP_FAILED_BYTES"),
        (setup.disk_cap_bytes, "AGENT_DISK_CAP"),
    ];
    bounds.into_iter().find_map(|(bound, name)| {
        let bound = bound.filter(|bound| bytes > *bound)?;
        Some(format!(
            "the workspace does not stay: it has {}, and {name} allows {}",
            size(&bytes),
            size(&bound)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_over_a_cap_is_not_said_to_stay() {
        let setup = WorkspaceSetup {
            keep_failed_bytes: 5 << 30,
            disk_cap_bytes: Some(1 << 30),
            ..WorkspaceSetup::default()
        };
        assert_eq!(said_of(1 << 30, &setup), None);
        let said = said_of(2 << 30, &setup).unwrap();
        assert!(said.contains("AGENT_DISK_CAP"), "{said}");
        let said = said_of(6 << 30, &setup).unwrap();
        assert!(said.contains("AGENT_KEEP_FAILED_BYTES"), "{said}");
    }
}
