//! What a run of an item would do, from what is stored and what agents said of themselves.

use orch_api::types::dry_run::{DryRun, DryRunAgent, DryRunApproval, DryRunSource};
use orch_core::approval::Subject;
use orch_core::gate::{self, Gate};
use orch_core::ids::{QueueEntryId, WorkItemId};
use orch_core::recipe::Recipe;
use orch_core::work_item::WorkItem;
use orch_store::{approval, recipe};

use super::{App, AppError, Result, agents, project, source, work_item};

/// Looks and starts nothing.
pub async fn of_item(app: &App, id: WorkItemId) -> Result<DryRun> {
    let item = work_item::show(app, id).await?;
    let project = project::show(app, item.project_id).await?;
    let recipe = stored_recipe(app, &item).await?;
    let mut shown = DryRun::of(&recipe);
    shown.work_item_id = Some(id.get());
    shown.title = Some(item.title.clone());
    shown.source = source::meant_by(app, &item, &project).map(|meant| DryRunSource {
        repository: meant.url,
        reference: Some(meant.r#ref).filter(|name| !name.is_empty()),
        commit: Some(meant.commit).filter(|commit| !commit.is_empty()),
    });
    match &shown.source {
        Some(source) if source.commit.is_none() => {
            let why = "the commit: the branch or tag is resolved when the run begins";
            shown.unknown.push(why.to_owned());
        }
        Some(_) => {}
        None => {
            let why = "the files: an empty folder, or a copy of the agent's AGENT_WORKSPACE";
            shown.unknown.push(why.to_owned());
        }
    }
    shown.approval = Some(approval_of(app, &item, shown.steps.is_empty()).await?);
    shown.agents = connected(app, &recipe).await?;
    if shown.agents.is_empty() {
        shown
            .unknown
            .push("the sandbox and the limits: no agent is connected".to_owned());
    }
    for agent in &shown.agents {
        if agent.sandbox.is_none() {
            let why = format!("the sandbox of agent `{}`, which did not say", agent.name);
            shown.unknown.push(why);
        }
    }
    Ok(shown)
}

async fn stored_recipe(app: &App, item: &WorkItem) -> Result<Recipe> {
    let Some(id) = item.recipe_id else {
        return Ok(Recipe::default());
    };
    let mut conn = app.store().peek().await?;
    let Some(stored) = recipe::find(&mut conn, id).await? else {
        return Ok(Recipe::default());
    };
    orch_core::recipe::parse(&stored.yaml).map_err(|error| {
        AppError::conflict(
            "recipe_unreadable",
            format!(
                "the recipe of work item {} cannot be read: {error}",
                item.id
            ),
        )
    })
}

async fn approval_of(app: &App, item: &WorkItem, is_planned: bool) -> Result<DryRunApproval> {
    let rules = app.store().rules();
    let mut conn = app.store().read().await?;
    let all = approval::of_work_items(&mut conn, &[item.id])
        .await?
        .whole()?;
    let newest = all
        .iter()
        .filter(|approval| approval.subject == Subject::WorkItem);
    // An entry that it was used for keeps it, retries included.
    let entry = newest
        .max_by_key(|approval| approval.id)
        .and_then(|approval| approval.used_by);
    let answer = gate::check(item, &all, entry.unwrap_or(QueueEntryId(0)), rules);
    let needed = gate::is_gated(item, rules);
    Ok(DryRunApproval {
        needed,
        of_planned_steps: needed && is_planned,
        state: match answer {
            Gate::Free => "no approval is needed".to_owned(),
            Gate::Approved(id) => format!("approved by approval {id}"),
            Gate::Closed(closed) => closed.to_string(),
        },
    })
}

async fn connected(app: &App, recipe: &Recipe) -> Result<Vec<DryRunAgent>> {
    let listed = agents::list(app).await?.into_iter();
    let shown = listed.filter(|listed| listed.connected).map(|listed| {
        let labels: Vec<String> = serde_json::from_str(&listed.agent.labels).unwrap_or_default();
        DryRunAgent::of(listed.agent.name, &labels, recipe)
    });
    Ok(shown.collect())
}
