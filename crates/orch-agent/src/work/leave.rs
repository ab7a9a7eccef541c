//! What becomes of a run's folder once the run has ended.
//!
//! One that failed may stay for a while, for people to look into; on a full disk none does.

use orch_sandbox::exec::RunFolder;

use crate::{
    config::AgentConfig,
    kept::{self, Note},
    runs,
    worker::{Job, Outcome, Verdict},
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
            "the workspace stays on this agent until {}: {}",
            note.until,
            folder.work().display()
        ),
        Err(error) => format!("the workspace does not stay: {error}"),
    };
    job.log.system(&line).await;
}
