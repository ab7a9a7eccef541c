//! What an agent is told of a run that it was given: exactly what the run's digest names.

use std::collections::{BTreeMap, BTreeSet};

use orch_api::proto::Assignment;
use orch_core::gate;
use orch_core::ids::{ProjectId, RecipeId, WorkItemId};
use orch_core::info_request::Secrecy;
use orch_core::project::Project;
use orch_core::run::Run;
use orch_core::work_item::WorkItem;
use orch_store::{project, recipe, step, work_item};

use super::started;
use crate::app::agents::Answers;
use crate::app::{App, AppError, Result, info_request, plan, plans, source};

/// The assignments of several runs and their items; `None` where the item is not what the run was
/// started for.
pub async fn assignments(
    app: &App,
    runs: Vec<(Run, WorkItem)>,
    answers: Answers,
) -> Result<Vec<(Run, Option<Assignment>)>> {
    let named: BTreeSet<RecipeId> = runs.iter().filter_map(|(_, item)| item.recipe_id).collect();
    let mut recipes: BTreeMap<RecipeId, String> = BTreeMap::new();
    if !named.is_empty() {
        let mut conn = app.store().peek().await?;
        for id in named {
            if let Some(recipe) = recipe::find(&mut conn, id).await? {
                recipes.insert(id, recipe.yaml);
            }
        }
    }
    let items: Vec<WorkItemId> = runs.iter().map(|(_, item)| item.id).collect();
    let accepting = {
        let mut conn = app.store().peek().await?;
        plans::acceptance(&mut conn, items).await?
    };
    let projects = match projects(app, &runs).await {
        // Its runs are not handed out; see `build`.
        Err(AppError::Store(error)) if error.is_unreadable() => BTreeMap::new(),
        found => found?,
    };
    let mut all = Vec::with_capacity(runs.len());
    for (run, item) in runs {
        let project = projects.get(&item.project_id);
        let planned = accepting.get(&item.id);
        if planned.is_some_and(Option::is_none) {
            all.push((run, None));
            continue;
        }
        let assignment = match build(app, &run, &item, &recipes, project, answers).await {
            // Its steps or answers: the others are handed out all the same.
            Err(AppError::Store(error)) if error.is_unreadable() => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    run.id = run.id.get(),
                    "a run cannot be handed out"
                );
                None
            }
            built => built?.map(|assignment| Assignment {
                planned: planned.is_some(),
                acceptance: planned.cloned().flatten().unwrap_or_default(),
                ..assignment
            }),
        };
        all.push((run, assignment));
    }
    Ok(all)
}

/// The projects of these runs: they say where files come from.
async fn projects(app: &App, runs: &[(Run, WorkItem)]) -> Result<BTreeMap<ProjectId, Project>> {
    let named: BTreeSet<ProjectId> = runs.iter().map(|(_, item)| item.project_id).collect();
    let mut conn = app.store().peek().await?;
    let found = project::find_all(&mut conn, &named).await?;
    Ok(found
        .into_iter()
        .map(|project| (project.id, project))
        .collect())
}

/// The assignment of one run.
pub async fn assignment(app: &App, run: &Run, answers: Answers) -> Result<Option<Assignment>> {
    let item = {
        let mut conn = app.store().peek().await?;
        work_item::find(&mut conn, run.work_item_id).await?
    };
    let Some(item) = item else {
        return Ok(None);
    };
    Ok(assignments(app, vec![(run.clone(), item)], answers)
        .await?
        .pop()
        .and_then(|(_, assignment)| assignment))
}

async fn build(
    app: &App,
    run: &Run,
    item: &WorkItem,
    recipes: &BTreeMap<RecipeId, String>,
    project: Option<&Project>,
    answers: Answers,
) -> Result<Option<Assignment>> {
    let recipe_yaml = item.recipe_id.and_then(|id| recipes.get(&id)).cloned();
    if source::digest(item, recipe_yaml.as_deref()) != run.digest {
        return Ok(None);
    }
    // One that cannot be read does not say where its files come from.
    let Some(project) = project else {
        return Ok(None);
    };
    let mut assignment = Assignment {
        run_id: run.id.get(),
        epoch: run.epoch,
        work_item_id: item.id.get(),
        project_id: item.project_id.get(),
        title: item.title.clone(),
        description: item.description.clone(),
        environment: item.environment.clone().unwrap_or_default(),
        attempt: run.attempt,
        trace_id: run.trace_id.clone(),
        recipe_yaml: recipe_yaml.unwrap_or_default(),
        plan_needs_approval: gate::is_gated(item, app.store().rules()),
        source: source::assigned(app, run, item, project),
        ..Assignment::default()
    };
    if run.epoch > 1 || run.attempt > 1 {
        assignment.started_steps = started::steps(app, run).await?;
    }
    if answers == Answers::Readable
        && let Some(keys) = app.vault().tokens()
    {
        assignment.run_token = keys.mint(run.id, run.epoch);
    }
    // A run that nobody held before has no history to take up.
    if run.epoch > 1 {
        let mut conn = app.store().peek().await?;
        let steps = step::of_run(&mut conn, run.id).await?.whole()?;
        assignment.steps_done = steps
            .iter()
            // A person said of one that was passed over that it was done.
            .filter(|step| matches!(step.status.as_str(), "succeeded" | "skipped"))
            .filter_map(|step| u32::try_from(step.number).ok())
            .collect();
        assignment.approved_steps_json = plan::approved_steps(&mut conn, run.id, run.digest)
            .await?
            .unwrap_or_default();
        drop(conn);
        let given = info_request::answers_of_run(app, run.id).await?;
        match answers {
            Answers::Readable => {
                assignment.answers = given
                    .into_iter()
                    .map(|given| (given.key, given.value))
                    .collect()
            }
            Answers::Sealed => {
                let (secret, open): (Vec<_>, Vec<_>) = given
                    .into_iter()
                    .partition(|given| given.secret == Secrecy::Secret);
                assignment.answers_withheld = !secret.is_empty();
                assignment.answers = open
                    .into_iter()
                    .map(|given| (given.key, given.value))
                    .collect();
            }
        }
    }
    Ok(Some(assignment))
}
