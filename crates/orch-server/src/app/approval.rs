//! Approvals: requested by anybody, decided once by a person.

use orch_core::approval::{Approval, Decision, Status, Subject, Verdict};
use orch_core::engine;
use orch_core::ids::{ApprovalId, RunId, WorkItemId};
use orch_core::source::Source;
use orch_core::work_item::WorkItem;
use orch_store::{Listed, Needs, Page, approval, info_request};
use serde_json::json;

use super::{App, AppError, Result, checks, run, source, work_item};

/// Requests an approval of what an item would run now.
pub async fn request(
    app: &App,
    actor: &str,
    item_id: WorkItemId,
    reason: Option<&str>,
) -> Result<Approval> {
    let reason = checks::optional_text("reason", reason, 2000)?;
    let seen = work_item::show(app, item_id).await?;
    let pinned = source::to_pin(app, &seen).await?;
    let mut tx = app.store().begin(actor).await?;
    let mut w = tx.load(Needs::item(item_id)).await?;
    work_item::refuse_cancelled(w.item(item_id)?)?;
    pin(&mut tx, &mut w, &seen, pinned).await?;
    let (digest, project) = (w.item(item_id)?.digest, w.item(item_id)?.project_id);
    let now = tx.now();
    let requested = approval::insert(
        &mut tx.conn,
        item_id,
        Subject::WorkItem,
        reason.as_deref(),
        digest,
        None,
        now,
    )
    .await?;
    work_item::note_approval_asked(&mut w, item_id)?;
    w.approvals.insert(
        item_id,
        approval::of_work_items(&mut tx.conn, &[item_id])
            .await?
            .whole()?,
    );
    tx.decide(&mut w, |w, ctx| engine::regate(w, ctx, item_id))?;
    tx.save(w).await?;
    let data = json!({"approval_id": requested.id, "work_item_id": item_id, "digest": digest});
    tx.record("approval.requested", Some(project), data);
    tx.commit().await?;
    Ok(requested)
}

/// What is approved is one commit, and not whatever a branch leads to later.
async fn pin(
    tx: &mut orch_store::Tx,
    w: &mut engine::Working,
    seen: &WorkItem,
    pinned: Option<Source>,
) -> Result<()> {
    let mut item = w.item(seen.id)?.clone();
    if item.reference != seen.reference {
        let message = format!("work item {} was changed meanwhile; ask again", item.id);
        return Err(AppError::conflict("work_item_changed", message));
    }
    if item.pinned == pinned {
        return Ok(());
    }
    item.pinned = pinned;
    let yaml = work_item::current_yaml(tx, &item).await?;
    let digest = source::digest(&item, yaml.as_deref());
    let (id, project) = (item.id, item.project_id);
    let data = json!({"work_item_id": id, "source": item.pinned, "digest": digest});
    w.items.insert(id, item);
    tx.decide(w, |w, ctx| engine::item_changed(w, ctx, id, digest))?;
    tx.record("work_item.commit_pinned", Some(project), data);
    Ok(())
}

/// Decides an approval, once.
pub async fn decide(
    app: &App,
    actor: &str,
    id: ApprovalId,
    verdict: Verdict,
    reason: Option<&str>,
) -> Result<Approval> {
    let reason = checks::optional_text("reason", reason, 2000)?;
    let mut tx = app.store().begin(actor).await?;
    let mut approval = approval::find(&mut tx.conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("approval", id.get()))?;
    let item_id = approval.work_item_id;
    let mut needs = Needs::item(item_id);
    if let Subject::PlannedSteps { run_id } = approval.subject {
        needs.finishing.insert(run_id);
    }
    let mut w = tx.load(needs).await?;
    let project = w.item(item_id)?.project_id;
    let decision = Decision {
        by: actor.to_owned(),
        at: tx.now(),
        reason: reason.clone(),
    };
    approval
        .decide(verdict, decision)
        .map_err(|decided| AppError::conflict("approval_decided", decided.to_string()))?;
    approval::update(&mut tx.conn, &approval).await?;
    let kind = match verdict {
        Verdict::Approve => "approval.approved",
        Verdict::Deny => "approval.denied",
    };
    let data = json!({
        "approval_id": id, "work_item_id": item_id, "digest": approval.digest, "reason": reason,
    });
    tx.record(kind, Some(project), data);
    match approval.subject {
        Subject::WorkItem => {
            w.approvals.insert(
                item_id,
                approval::of_work_items(&mut tx.conn, &[item_id])
                    .await?
                    .whole()?,
            );
            tx.decide(&mut w, |w, ctx| engine::regate(w, ctx, item_id))?;
        }
        Subject::PlannedSteps { run_id } => {
            follow_plan(&mut tx, &mut w, run_id, verdict, reason).await?
        }
    }
    tx.save(w).await?;
    tx.touch_queue();
    orch_failpoint::pass("server.approval.decide");
    tx.commit().await?;
    orch_failpoint::pass("server.approval.decided");
    Ok(approval)
}

/// The run whose plan was decided goes on, or ends.
async fn follow_plan(
    tx: &mut orch_store::Tx,
    w: &mut engine::Working,
    run_id: RunId,
    verdict: Verdict,
    reason: Option<String>,
) -> Result<()> {
    match verdict {
        Verdict::Approve => {
            if info_request::pending_in(&mut tx.conn, run_id).await? == 0 {
                tx.decide(w, |w, ctx| engine::unpark(w, ctx, run_id))?;
            }
        }
        Verdict::Deny => {
            let why = reason.map_or(String::new(), |reason| format!(": {reason}"));
            let why = Some(format!("the planned steps were denied{why}"));
            tx.decide(w, |w, ctx| engine::cancel_run(w, ctx, run_id, why))?;
        }
    }
    Ok(())
}

/// Decides the one pending approval that concerns a run: of its planned steps, or of its item.
pub async fn decide_for_run(
    app: &App,
    actor: &str,
    run_id: RunId,
    verdict: Verdict,
    reason: Option<&str>,
) -> Result<Approval> {
    let run = run::show(app, run_id).await?;
    let pending = {
        let mut conn = app.store().read().await?;
        let mut all = approval::of_run(&mut conn, run_id).await?;
        all.extend(
            approval::of_work_items(&mut conn, &[run.work_item_id])
                .await?
                .whole()?
                .into_iter()
                .filter(|approval| approval.subject == Subject::WorkItem),
        );
        all.retain(|approval| approval.status == Status::Pending);
        all
    };
    match pending.as_slice() {
        [one] => decide(app, actor, one.id, verdict, reason).await,
        [] => Err(AppError::conflict(
            "nothing_pending",
            format!("run {run_id} has no pending approval"),
        )),
        several => {
            let ids: Vec<String> = several
                .iter()
                .map(|approval| approval.id.to_string())
                .collect();
            let message = format!(
                "run {run_id} has several pending approvals ({}); decide each with POST /work-items/approvals/ID/approve or /deny",
                ids.join(", ")
            );
            Err(AppError::conflict("several_pending", message))
        }
    }
}

/// One approval.
pub async fn show(app: &App, id: ApprovalId) -> Result<Approval> {
    let mut conn = app.store().read().await?;
    approval::find(&mut conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("approval", id.get()))
}

/// The approvals of an item, oldest first.
pub async fn of_item(app: &App, item_id: WorkItemId) -> Result<Vec<Approval>> {
    work_item::show(app, item_id).await?;
    let mut conn = app.store().read().await?;
    let found = approval::of_work_items(&mut conn, &[item_id]).await?;
    Ok(app.store().named(found).rows)
}

/// Approvals of all items.
pub async fn list(app: &App, status: Option<Status>, page: Page) -> Result<Listed<Approval>> {
    let mut conn = app.store().read().await?;
    Ok(app
        .store()
        .named(approval::list(&mut conn, status, page).await?))
}
