//! Creating work items.

use super::{Ctx, Refusal, Working};
use crate::digest::Digest;
use crate::event::facts;
use crate::ids::{ProjectId, WorkItemId};
use crate::source::Reference;
use crate::work_item::{
    ApprovalHistory, ConcurrencyKey, Kind, Policy, State, WorkItem, check_description, check_title,
};

/// A work item to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWorkItem {
    pub project_id: ProjectId,
    pub title: String,
    pub description: String,
    pub kind: Kind,
    pub environment: Option<String>,
    pub policy: Policy,
    pub concurrency_key: Option<ConcurrencyKey>,
    /// See [`WorkItem::reference`].
    pub reference: Option<Reference>,
}

/// Creates a work item in `Proposed`.
///
/// # Errors
/// When the project does not exist, or the title or description cannot be stored.
pub fn create_item(w: &mut Working, ctx: &Ctx<'_>, new: NewWorkItem) -> Result<WorkItem, Refusal> {
    w.project(new.project_id)?;
    let title = check_title(&new.title).map_err(|message| Refusal::invalid("title", message))?;
    let description = check_description(&new.description)
        .map_err(|message| Refusal::invalid("description", message))?;
    let id = WorkItemId(w.next.work_item);
    w.next.work_item += 1;
    let digest = Digest::of_work_item(&title, &description, None, new.environment.as_deref());
    let item = WorkItem {
        id,
        project_id: new.project_id,
        title,
        description,
        kind: new.kind,
        environment: new.environment,
        state: State::Proposed,
        policy: new.policy,
        concurrency_key: new.concurrency_key,
        approval: ApprovalHistory::NeverRequested,
        recipe_id: None,
        reference: new.reference,
        pinned: None,
        digest,
        created_at: ctx.now,
        version: 1,
    };
    w.items.insert(id, item.clone());
    w.changes.new_items.insert(id);
    w.changes.items.insert(id);
    let data =
        facts!({"work_item_id": id, "title": item.title, "kind": item.kind, "digest": digest});
    w.record(ctx, "work_item.created", new.project_id, data);
    Ok(item)
}
