//! Health, counts, usage, and the audit chain.

use std::collections::BTreeMap;

use orch_core::project::Project;
use orch_store::audit::{self, Filter, Stored};
use orch_store::counts::{self, Counts};
use orch_store::{Listed, Page, project, summary};

use super::{App, Result};

/// Counts of everything.
pub async fn counts(app: &App) -> Result<Counts> {
    let mut conn = app.store().read().await?;
    Ok(counts::all(&mut conn).await?)
}

/// What a project has used.
pub struct Usage {
    pub project: Project,
    pub runs_by_status: BTreeMap<String, i64>,
    /// Input, cached input, output.
    pub tokens: (i64, i64, i64),
}

/// What each project has used.
pub async fn usage(app: &App) -> Result<Vec<Usage>> {
    let mut conn = app.store().read().await?;
    let projects = project::list(&mut conn, Page::default()).await?;
    let projects = app.store().named(projects).rows;
    let mut runs: BTreeMap<i64, BTreeMap<String, i64>> = BTreeMap::new();
    for (project, status, count) in counts::runs_by_project(&mut conn).await? {
        runs.entry(project).or_default().insert(status, count);
    }
    let tokens = summary::tokens_by_project(&mut conn).await?;
    let tokens = app.store().named(tokens).rows.into_iter();
    let tokens: BTreeMap<i64, (i64, i64, i64)> = tokens
        .map(|(project, input, cached, output)| (project, (input, cached, output)))
        .collect();
    let now = app.store().now();
    let usage = |mut project: Project| {
        project.quota = project.quota.at(now);
        Usage {
            runs_by_status: runs.remove(&project.id.get()).unwrap_or_default(),
            tokens: tokens.get(&project.id.get()).copied().unwrap_or_default(),
            project,
        }
    };
    Ok(projects.into_iter().map(usage).collect())
}

/// Entries of the audit chain.
pub async fn audit(app: &App, filter: &Filter, page: Page) -> Result<Listed<Stored>> {
    let mut conn = app.store().read().await?;
    Ok(app
        .store()
        .named(audit::list(&mut conn, filter, page).await?))
}
