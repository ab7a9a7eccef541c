//! Approvals in the simulated world: people give them and change what they were given for.
//!
//! Whatever runs of a gated item was approved, exactly as it is, for that entry of the queue; an
//! approval is good for one entry.

use std::collections::HashMap;

use orch_core::approval::{Approval, Status, Subject};
use orch_core::digest::Digest;
use orch_core::engine::{self, Ctx, Refusal, Working};
use orch_core::gate;
use orch_core::ids::{ApprovalId, QueueEntryId, WorkItemId};
use orch_core::run::{Run, RunState};
use orch_core::work_item::{ApprovalHistory, ConcurrencyKey};

use crate::database::Database;
use crate::oracle::{Violation, violated};

/// A person approves an item as it is now.
pub fn approve(w: &mut Working, ctx: &Ctx<'_>, item_id: WorkItemId) -> Result<(), Refusal> {
    let id = w.approvals.values().map(Vec::len).sum::<usize>() + 1;
    let item = w
        .items
        .get_mut(&item_id)
        .ok_or(Refusal::not_found("work item", item_id.get()))?;
    item.approval = ApprovalHistory::Requested;
    let approval = Approval {
        id: ApprovalId(i64::try_from(id).unwrap()),
        work_item_id: item_id,
        subject: Subject::WorkItem,
        status: Status::Approved,
        reason: None,
        digest: item.digest,
        planned_steps: None,
        used_by: None,
        created_at: ctx.now,
        decision: None,
    };
    w.approvals.entry(item_id).or_default().push(approval);
    engine::regate(w, ctx, item_id)
}

/// A person changes what an item runs, and its concurrency key.
pub fn change(
    w: &mut Working,
    ctx: &Ctx<'_>,
    item_id: WorkItemId,
    number: u64,
) -> Result<(), Refusal> {
    let key = number % 3;
    if let Some(item) = w.items.get_mut(&item_id) {
        item.concurrency_key =
            (key > 0).then(|| ConcurrencyKey::parse(&format!("key-{key}")).unwrap());
    }
    let digest = Digest::of("changed", &[Some(&number.to_le_bytes())]);
    engine::item_changed(w, ctx, item_id, digest)
}

/// Items that stand still until somebody approves them.
pub fn wanted(db: &Database) -> Vec<WorkItemId> {
    let mut items: Vec<WorkItemId> =
        db.w.entries
            .values()
            .filter(|entry| entry.status.is_open())
            .filter(|entry| {
                let item = &db.w.items[&entry.work_item_id];
                gate::is_gated(item, &db.rules)
                    && !approvals(db, item.id).any(|approval| {
                        approval.status == Status::Approved
                            && approval.digest == item.digest
                            && approval.used_by.is_none_or(|used| used == entry.id)
                    })
            })
            .map(|entry| entry.work_item_id)
            .collect();
    items.sort_unstable();
    items
}

fn approvals(db: &Database, item: WorkItemId) -> impl Iterator<Item = &Approval> {
    db.w.approvals.get(&item).into_iter().flatten()
}

/// Whether a run that nobody holds waits for an approval of a change.
pub fn is_held_back(db: &Database, run: &Run) -> bool {
    let item = &db.w.items[&run.work_item_id];
    item.digest != run.digest && gate::is_gated(item, &db.rules)
}

/// A run was started or given to somebody.
pub fn covers(db: &Database, run: &Run) -> Result<(), Violation> {
    let item = &db.w.items[&run.work_item_id];
    let finished = matches!(run.state, RunState::Finished(_));
    let covered = approvals(db, item.id)
        .any(|approval| approval.digest == run.digest && approval.used_by == Some(run.entry_id));
    if finished || covered || !gate::is_gated(item, &db.rules) {
        return Ok(());
    }
    violated(
        "what runs was approved for its entry",
        format!("run {} of entry {}", run.id, run.entry_id),
    )
}

/// Who used each approval up.
#[derive(Default)]
pub struct Uses(HashMap<ApprovalId, QueueEntryId>);

impl Uses {
    pub fn check(&mut self, db: &Database) -> Result<(), Violation> {
        for approval in db.w.approvals.values().flatten() {
            if let Some(entry) = approval.used_by
                && *self.0.entry(approval.id).or_insert(entry) != entry
            {
                let detail = format!("approval {}", approval.id);
                return violated("an approval is good for one entry", detail);
            }
        }
        Ok(())
    }
}
