//! Which commit of which repository a run works on: pinned where somebody approves it, noted when a
//! run begins.
//!
//! What was approved runs: a branch that moves later changes nothing.

use std::time::Duration;

use orch_core::digest::Digest;
use orch_core::engine::Refusal;
use orch_core::gate;
use orch_core::ids::RunId;
use orch_core::project::Project;
use orch_core::source::{Commit, Reference, Repository, RepositoryUrl, Source};
use orch_core::work_item::WorkItem;
use orch_git::Git;
use orch_store::run;
use serde_json::json;

use super::{App, AppError, Result, checks, project};

/// Where the server finds git.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// How long a repository may take to say what a name means.
const PATIENCE: Duration = Duration::from_secs(20);

/// A repository as somebody names it.
pub(crate) fn repository(named: &orch_api::types::project::Repository) -> Result<Repository> {
    let url = RepositoryUrl::parse(&named.url)
        .map_err(|problem| AppError::invalid("repository.url", problem))?;
    let reference = named.reference.as_deref().map(|name| {
        Reference::parse(name).map_err(|problem| AppError::invalid("repository.ref", problem))
    });
    Ok(Repository {
        url,
        reference: reference.transpose()?,
    })
}

/// What an item would run, with the commit that is pinned.
pub(crate) fn digest(item: &WorkItem, yaml: Option<&str>) -> Digest {
    let environment = item.environment.as_deref();
    let digest = Digest::of_work_item(&item.title, &item.description, yaml, environment);
    match &item.pinned {
        Some(source) => digest.with_source(source),
        None => digest,
    }
}

/// The commit that an approval of the item binds, as things stand; none where its project has no
/// repository.
pub(crate) async fn to_pin(app: &App, item: &WorkItem) -> Result<Option<Source>> {
    let project = project::show(app, item.project_id).await?;
    let Some((url, reference)) = meant(&project, item)? else {
        return Ok(None);
    };
    let commit = resolve(url.clone(), reference.clone()).await?;
    Ok(Some(Source {
        url: url.to_string(),
        reference: reference.map(|name| name.to_string()),
        commit,
    }))
}

/// The repository of an item and what of it is meant.
fn meant(project: &Project, item: &WorkItem) -> Result<Option<(RepositoryUrl, Option<Reference>)>> {
    match (&project.repository, &item.reference) {
        (Some(repository), named) => {
            let reference = named.clone().or_else(|| repository.reference.clone());
            Ok(Some((repository.url.clone(), reference)))
        }
        (None, None) => Ok(None),
        (None, Some(reference)) => Err(AppError::conflict(
            "no_repository",
            format!(
                "work item {} names `{reference}`, and project {} has no repository; set one with \
                 PATCH /projects/{}, or take the item's `ref` away",
                item.id, project.id, project.id
            ),
        )),
    }
}

async fn resolve(url: RepositoryUrl, reference: Option<Reference>) -> Result<Commit> {
    if let Some(commit) = reference.as_ref().and_then(Reference::as_commit) {
        return Ok(commit);
    }
    let asked = url.clone();
    let resolved = tokio::task::spawn_blocking(move || {
        let git = Git::find(PATH, PATIENCE)?;
        orch_git::resolve(&git, &asked, reference.as_ref())
    });
    let failed = |why: String| {
        AppError::conflict(
            "commit_unresolved",
            format!(
                "an approval binds a commit, and the server cannot tell which one is meant: {why}; \
                 name the commit by its full id as the item's `ref`"
            ),
        )
    };
    match resolved.await {
        Ok(Ok(commit)) => Ok(commit),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(error) => Err(failed(error.to_string())),
    }
}

fn settled(source: &Source) -> orch_api::proto::Source {
    orch_api::proto::Source {
        url: source.url.clone(),
        r#ref: source.reference.clone().unwrap_or_default(),
        commit: source.commit.to_string(),
    }
}

/// What a run is told to work on: what was approved, what it began with, or what is named now.
pub(crate) fn assigned(
    app: &App,
    run: &orch_core::run::Run,
    item: &WorkItem,
    project: &Project,
) -> Option<orch_api::proto::Source> {
    match &run.source {
        Some(source) => Some(settled(source)),
        None => meant_by(app, item, project),
    }
}

/// What a run of the item would be told to work on.
pub(crate) fn meant_by(
    app: &App,
    item: &WorkItem,
    project: &Project,
) -> Option<orch_api::proto::Source> {
    if let Some(source) = &item.pinned {
        return Some(settled(source));
    }
    // It was approved without any files.
    if gate::is_gated(item, app.store().rules()) {
        return None;
    }
    let repository = project.repository.as_ref();
    let reference = (item.reference.as_ref())
        .or_else(|| repository.and_then(|repository| repository.reference.as_ref()));
    if repository.is_none() && reference.is_none() {
        return None;
    }
    Some(orch_api::proto::Source {
        url: repository
            .map(|repository| repository.url.to_string())
            .unwrap_or_default(),
        r#ref: reference.map(ToString::to_string).unwrap_or_default(),
        commit: String::new(),
    })
}

/// Notes the commit that a run works on. It is noted once: who goes on with the run works on it, too.
pub async fn resolved(
    app: &App,
    actor: &str,
    run_id: RunId,
    epoch: Option<u64>,
    said: orch_api::proto::Source,
) -> Result<()> {
    let url = RepositoryUrl::parse(&said.url)
        .map_err(|problem| AppError::invalid("source.url", problem))?;
    let commit = Commit::parse(&said.commit)
        .ok_or_else(|| AppError::invalid("source.commit", "is no full commit id"))?;
    let source = Source {
        url: url.to_string(),
        reference: checks::optional_text("source.ref", Some(&said.r#ref), 200)?,
        commit,
    };
    let mut tx = app.store().begin(actor).await?;
    let run = run::find(&mut tx.conn, run_id)
        .await?
        .ok_or_else(|| AppError::not_found("run", run_id.get()))?;
    run.check_writer(epoch, tx.now()).map_err(Refusal::from)?;
    match &run.source {
        Some(known) if known.commit == source.commit && known.url == source.url => return Ok(()),
        Some(known) => {
            let message = format!("run {run_id} works on commit {} already", known.commit);
            return Err(AppError::conflict("commit_changed", message));
        }
        None => {}
    }
    run::set_source(&mut tx.conn, run_id, &source).await?;
    let data = json!({
        "run_id": run_id, "repository": source.url, "ref": source.reference,
        "commit": source.commit,
    });
    tx.record("run.commit_resolved", Some(run.project_id), data);
    tx.touch_run(run_id);
    tx.commit().await?;
    Ok(())
}
