//! Where the cost of a piece of work counts: what is above it is found by what it names.

use orch_core::ids::{ProjectId, RunId, WorkItemId};
use orch_core::run::Run;
use orch_store::Conn;
use orch_store::budget::Levels;
use orch_store::{charge, run};

use super::super::{App, AppError, Result, project};

/// The work that somebody names; any of it may be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    pub project: Option<i64>,
    pub work_item: Option<i64>,
    pub run: Option<i64>,
}

/// Where its cost counts; nowhere where nothing is named.
///
/// # Errors
/// When something is not there, or two of the names contradict each other.
pub async fn found(app: &App, work: Work) -> Result<Option<Levels>> {
    let mut conn = app.store().peek().await?;
    let below = match (work.run, work.work_item) {
        (Some(id), given) => {
            let run = run::find(&mut conn, RunId(id))
                .await?
                .ok_or_else(|| AppError::not_found("run", id))?;
            let levels = of_run(&mut conn, &run).await?;
            let item = run.work_item_id.get();
            if let Some(given) = given.filter(|given| *given != item) {
                let expected = format!("{item}, the work item of run {id}, or nothing");
                return Err(AppError::wrong("work_item_id", given, expected));
            }
            Some((levels, format!("run {id}")))
        }
        (None, Some(id)) => {
            let levels = of_item(&mut conn, WorkItemId(id)).await?;
            Some((levels, format!("work item {id}")))
        }
        (None, None) => None,
    };
    drop(conn);
    match (below, work.project) {
        (Some((levels, of)), Some(given)) if given != levels.project.get() => {
            let expected = format!("{}, the project of {of}, or nothing", levels.project);
            Err(AppError::wrong("project_id", given, expected))
        }
        (Some((levels, _)), _) => Ok(Some(levels)),
        (None, Some(id)) => {
            let project = project::show(app, ProjectId(id)).await?.id;
            Ok(Some(Levels::of_project(project)))
        }
        (None, None) => Ok(None),
    }
}

/// Where the cost of a run counts.
///
/// # Errors
/// When its work item is not there, or the store fails.
pub async fn of_run(conn: &mut Conn, run: &Run) -> Result<Levels> {
    let levels = of_item(conn, run.work_item_id).await?;
    Ok(Levels {
        run: Some(run.id.get()),
        ..levels
    })
}

async fn of_item(conn: &mut Conn, id: WorkItemId) -> Result<Levels> {
    charge::levels_of(conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("work item", id.get()))
}
