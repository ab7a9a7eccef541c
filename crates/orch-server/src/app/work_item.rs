//! Work items: creation, change, policy, recipes.

use orch_api::problem::FieldError;
use orch_core::engine::{self, NewWorkItem};
use orch_core::ids::WorkItemId;
use orch_core::run::Run;
use orch_core::work_item::{
    ApprovalHistory, Kind, Policy, State, WorkItem, check_description, check_title,
};
use orch_store::recipe::{self, Recipe};
use orch_store::work_item::{self, Filter};
use orch_store::{Command, Listed, Needs, Page, Reply, StoreError};
use serde_json::json;

use super::{App, AppError, Result, checks, source};

/// The most items or entries in one batch.
pub const LARGEST_BATCH: usize = 1000;

/// Creates items, all or none.
pub async fn create(app: &App, actor: &str, new: Vec<NewWorkItem>) -> Result<Vec<WorkItem>> {
    app.check_room()?;
    if new.is_empty() || new.len() > LARGEST_BATCH {
        return Err(AppError::wrong(
            "items",
            format!("a list of {}", new.len()),
            format!("a list of 1 to {LARGEST_BATCH}"),
        ));
    }
    match app.store().submit(actor, Command::CreateItems(new)).await? {
        Reply::Items(items) => Ok(items),
        other => Err(unexpected(&other)),
    }
}

pub(crate) fn unexpected(reply: &Reply) -> AppError {
    tracing::error!(?reply, "the writer answered something else than was asked");
    AppError::Store(StoreError::Closed)
}

/// One item.
pub async fn show(app: &App, id: WorkItemId) -> Result<WorkItem> {
    let mut conn = app.store().peek().await?;
    work_item::find(&mut conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("work item", id.get()))
}

/// Items that match.
pub async fn list(app: &App, filter: &Filter, page: Page) -> Result<Listed<WorkItem>> {
    let mut conn = app.store().read().await?;
    Ok(app
        .store()
        .named(work_item::list(&mut conn, filter, page).await?))
}

/// What may change of an item; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Update {
    pub title: Option<String>,
    pub description: Option<String>,
    pub kind: Option<Kind>,
    pub environment: Option<Option<String>>,
    pub concurrency_key: Option<Option<String>>,
    pub reference: Option<Option<String>>,
    /// The version that the caller read, when it named one.
    pub if_version: Option<i64>,
}

/// Changes an item; approvals of what it was are void then.
pub async fn update(app: &App, actor: &str, id: WorkItemId, update: Update) -> Result<WorkItem> {
    let mut tx = app.store().begin(actor).await?;
    let mut w = tx.load(Needs::item(id)).await?;
    refuse_cancelled(w.item(id)?)?;
    let mut item = w.item(id)?.clone();
    if update
        .if_version
        .is_some_and(|version| version != item.version)
    {
        let message = format!(
            "work item {id} is at version {}; read it again",
            item.version
        );
        return Err(AppError::PreconditionFailed(message));
    }
    if let Some(title) = &update.title {
        item.title = check_title(title).map_err(|message| AppError::invalid("title", message))?;
    }
    if let Some(description) = update.description {
        item.description = check_description(&description)
            .map_err(|message| AppError::invalid("description", message))?;
    }
    item.kind = update.kind.unwrap_or(item.kind);
    if let Some(key) = update.concurrency_key {
        item.concurrency_key = key.as_deref().map(checks::concurrency_key).transpose()?;
    }
    if let Some(environment) = update.environment {
        item.environment = environment.filter(|name| !name.trim().is_empty());
    }
    if let Some(reference) = update.reference {
        item.reference = reference.as_deref().map(checks::reference).transpose()?;
    }
    if item == *w.item(id)? {
        return Ok(item);
    }
    let before = w.item(id)?;
    if item.reference != before.reference {
        // Another commit takes another approval, which pins it.
        item.pinned = None;
    }
    let yaml = current_yaml(&mut tx, &item).await?;
    let digest = source::digest(&item, yaml.as_deref());
    let project = item.project_id;
    w.items.insert(id, item);
    tx.decide(&mut w, |w, ctx| engine::item_changed(w, ctx, id, digest))?;
    let item = w.item(id)?.clone();
    tx.save(w).await?;
    tx.record(
        "work_item.changed",
        Some(project),
        json!({"work_item_id": id, "title": item.title, "digest": digest}),
    );
    tx.commit().await?;
    Ok(item)
}

pub(crate) async fn current_yaml(
    tx: &mut orch_store::Tx,
    item: &WorkItem,
) -> Result<Option<String>> {
    match item.recipe_id {
        Some(id) => Ok(recipe::find(&mut tx.conn, id)
            .await?
            .map(|recipe| recipe.yaml)),
        None => Ok(None),
    }
}

/// Sets the retry policy: each part is kept, or set to a value or the default.
pub async fn set_policy(
    app: &App,
    actor: &str,
    id: WorkItemId,
    change: impl FnOnce(Policy) -> Policy,
) -> Result<WorkItem> {
    let mut tx = app.store().begin(actor).await?;
    let mut w = tx.load(Needs::item(id)).await?;
    let mut item = w.item(id)?.clone();
    item.policy = change(item.policy);
    item.version += 1;
    let policy = item.policy;
    let project = item.project_id;
    w.items.insert(id, item.clone());
    w.changes.items.insert(id);
    tx.save(w).await?;
    let data = json!({
        "work_item_id": id, "max_retries": policy.max_retries,
        "backoff_base_seconds": policy.backoff_base.map(|d| d.as_secs_f64()),
        "backoff_jitter_seconds": policy.backoff_jitter.map(|d| d.as_secs_f64()),
    });
    tx.record("work_item.policy_set", Some(project), data);
    tx.commit().await?;
    Ok(item)
}

/// Attaches a recipe; only a valid one is stored.
pub async fn set_recipe(app: &App, actor: &str, id: WorkItemId, yaml: &str) -> Result<Recipe> {
    app.check_room()?;
    show(app, id).await?;
    orch_core::recipe::parse(yaml).map_err(|error| AppError::Invalid {
        detail: format!("the recipe is not valid: {error}"),
        errors: vec![FieldError::new("yaml", error.to_string())],
    })?;
    let mut tx = app.store().begin(actor).await?;
    let mut w = tx.load(Needs::item(id)).await?;
    let now = tx.now();
    let stored = recipe::insert(&mut tx.conn, id, yaml, now).await?;
    refuse_cancelled(w.item(id)?)?;
    let mut item = w.item(id)?.clone();
    item.recipe_id = Some(orch_core::ids::RecipeId(stored.id));
    let digest = source::digest(&item, Some(yaml));
    let project = item.project_id;
    w.items.insert(id, item);
    tx.decide(&mut w, |w, ctx| engine::item_changed(w, ctx, id, digest))?;
    tx.save(w).await?;
    let data = json!({"work_item_id": id, "recipe_id": stored.id, "digest": digest});
    tx.record("recipe.attached", Some(project), data);
    tx.commit().await?;
    Ok(stored)
}

/// The current recipe of an item.
pub async fn recipe(app: &App, id: WorkItemId) -> Result<Recipe> {
    let item = show(app, id).await?;
    let mut conn = app.store().peek().await?;
    let found = match item.recipe_id {
        Some(recipe_id) => recipe::find(&mut conn, recipe_id).await?,
        None => None,
    };
    found.ok_or_else(|| AppError::not_found("tool recipe of work item", id.get()))
}

/// Starts an item by hand.
pub async fn start(
    app: &App,
    actor: &str,
    id: WorkItemId,
    trace_id: Option<String>,
) -> Result<Run> {
    app.check_room()?;
    let mut tx = app.store().begin(actor).await?;
    let mut w = tx.load(Needs::start(id)).await?;
    let run = tx.decide(&mut w, |w, ctx| engine::start_item(w, ctx, id, trace_id))?;
    tx.save(w).await?;
    tx.commit().await?;
    Ok(run)
}

/// Cancels an item, with its run or its place in the queue.
pub async fn cancel(app: &App, actor: &str, id: WorkItemId) -> Result<WorkItem> {
    let mut tx = app.store().begin(actor).await?;
    let mut w = tx.load(Needs::item(id)).await?;
    let running = match w.open_entry(id).map(|entry| entry.status) {
        Some(orch_core::queue::Status::Running { run_id }) => Some(run_id),
        Some(_) | None => None,
    };
    if let Some(run_id) = running {
        let mut needs = Needs::item(id);
        needs.finishing.insert(run_id);
        w = tx.load(needs).await?;
    }
    let item = tx.decide(&mut w, |w, ctx| engine::cancel_item(w, ctx, id))?;
    tx.save(w).await?;
    tx.commit().await?;
    if let Some(run_id) = running {
        app.agents().revoke(run_id, "the work item was cancelled");
    }
    Ok(item)
}

/// A cancelled item is over: nothing about it changes any more.
pub(crate) fn refuse_cancelled(item: &WorkItem) -> Result<()> {
    match item.state {
        State::Cancelled => Err(AppError::conflict(
            "work_item_cancelled",
            format!("work item {} is cancelled", item.id),
        )),
        State::Proposed | State::Approved | State::InProgress | State::Review | State::Done => {
            Ok(())
        }
    }
}

/// Notes that somebody asked for an approval: the gate looks at approvals from now on.
pub(crate) fn note_approval_asked(
    w: &mut orch_core::engine::Working,
    id: WorkItemId,
) -> Result<()> {
    let mut item = w.item(id)?.clone();
    if item.approval == ApprovalHistory::NeverRequested {
        item.approval = ApprovalHistory::Requested;
        item.version += 1;
        w.items.insert(id, item);
        w.changes.items.insert(id);
    }
    Ok(())
}
