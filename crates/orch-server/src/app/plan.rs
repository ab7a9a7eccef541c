//! Planned steps of a gated run without a recipe: they run once a person has approved them.

use orch_core::approval::{Approval, Status, Subject};
use orch_core::digest::Digest;
use orch_core::engine;
use orch_core::ids::RunId;
use orch_core::recipe::Step;
use orch_store::{Conn, Needs, approval};
use serde_json::json;

use super::{App, AppError, Result};

/// Submits planned steps: parks the run until they are decided. Steps that were approved in this
/// run before are approved still.
pub async fn submit(
    app: &App,
    actor: &str,
    run_id: RunId,
    epoch: Option<u64>,
    steps: &[Step],
) -> Result<Approval> {
    if steps.is_empty() {
        return Err(AppError::invalid("steps", "must name at least one step"));
    }
    let mut tx = app.store().begin(actor).await?;
    let mut w = tx.load(Needs::run(run_id)).await?;
    let now = tx.now();
    let run = w.run(run_id)?.clone();
    run.check_writer(epoch, now)
        .map_err(engine::Refusal::from)?;
    let digest = Digest::of_planned_steps(run.digest, &orch_core::plan::canonical_steps(steps));
    let known = approval::of_run(&mut tx.conn, run_id).await?;
    if let Some(same) = known
        .into_iter()
        .rev()
        .find(|approval| approval.digest == digest)
        && matches!(same.status, Status::Approved | Status::Pending)
    {
        return Ok(same);
    }
    let text = serde_json::to_string(steps).expect("invariant: steps serialise");
    let subject = Subject::PlannedSteps { run_id };
    let reason = match steps.len() {
        1 => format!("the planned step of run {run_id}"),
        several => format!("the {several} planned steps of run {run_id}"),
    };
    let requested = approval::insert(
        &mut tx.conn,
        run.work_item_id,
        subject,
        Some(&reason),
        digest,
        Some(&text),
        now,
    )
    .await?;
    tx.decide(&mut w, |w, ctx| engine::park(w, ctx, run_id, epoch))?;
    tx.save(w).await?;
    let data = json!({
        "approval_id": requested.id, "run_id": run_id, "work_item_id": run.work_item_id,
        "digest": digest, "steps": steps.len(),
    });
    tx.record("approval.requested", Some(run.project_id), data);
    tx.touch_run(run_id);
    tx.commit().await?;
    Ok(requested)
}

/// The steps approved in a run, for exactly what the run is to do now.
pub(crate) async fn approved_steps(
    conn: &mut Conn,
    run_id: RunId,
    digest: Digest,
) -> Result<Option<String>> {
    for approval in approval::of_run(conn, run_id).await?.into_iter().rev() {
        if approval.status != Status::Approved {
            continue;
        }
        let Some(text) = approval.planned_steps else {
            continue;
        };
        let Ok(steps) = serde_json::from_str::<Vec<Step>>(&text) else {
            continue;
        };
        if Digest::of_planned_steps(digest, &orch_core::plan::canonical_steps(&steps))
            == approval.digest
        {
            return Ok(Some(text));
        }
    }
    Ok(None)
}
