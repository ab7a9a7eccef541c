//! The commit that a run works on: settled before anything runs, told to the server, and laid out.
//!
//! The server has it on disk before the first step starts: what ran can be told afterwards.

use std::path::Path;

use orch_api::proto::{Assignment, Source};
use orch_core::source::{Commit, Reference, RepositoryUrl};
use orch_git::{Git, GitError, Mirror};

use crate::{
    config::AgentConfig, room::Working, text::chain, worker::Job, workspaces::WorkspaceSetup,
};

/// How much a commit may hold.
const MOST_BYTES: u64 = 10 << 30;

/// A commit whose objects are here.
#[derive(Debug, Clone)]
pub(super) struct Files {
    git: Git,
    mirror: Mirror,
    url: RepositoryUrl,
    commit: Commit,
}

impl Files {
    /// Lays them out in an empty folder.
    pub(super) fn lay_out(&self, work: &Path) -> Result<(), GitError> {
        orch_git::check_out(
            &self.git,
            &self.mirror,
            &self.url,
            &self.commit,
            work,
            MOST_BYTES,
        )
    }

    /// What the workspace borrows from and steps may read.
    pub(super) fn mirror(&self) -> &Mirror {
        &self.mirror
    }

    /// What tells a step which commit it works on.
    pub(super) fn variables(&self) -> [(String, String); 2] {
        [
            ("ORCH_REPOSITORY".to_owned(), self.url.to_string()),
            ("ORCH_COMMIT".to_owned(), self.commit.to_string()),
        ]
    }
}

/// What is meant, as the server said it.
struct Meant {
    url: RepositoryUrl,
    reference: Option<Reference>,
    /// Settled already.
    commit: Option<Commit>,
}

/// Settles the commit and fetches it where it is missing; none where the run has no repository.
///
/// # Errors
/// What is wrong, for people.
pub(super) async fn settle(
    config: &AgentConfig,
    job: &Job,
    working: &Working,
) -> Result<Option<Files>, String> {
    let Some(meant) = meant(&job.assignment)? else {
        return Ok(None);
    };
    let setup = config.workspaces.clone();
    let (path, state_dir) = (config.path.clone(), config.state_dir.clone());
    let room = working.room();
    let fetched = tokio::task::spawn_blocking(move || {
        let fetch = || fetch(&setup, &path, &state_dir, &meant);
        match fetch() {
            // A full disk: what nobody needs goes, and it is tried once more.
            Err(error) if error.is_no_space() && room.remove_all() => fetch(),
            fetched => fetched,
        }
    });
    let files = tokio::select! {
        biased;
        () = job.stop.cancelled() => return Err("the run was stopped".to_owned()),
        fetched = fetched => fetched.map_err(|error| error.to_string())?,
    };
    let files = files.map_err(|error| {
        let why = match error.is_no_space() {
            true => "no space is left on the agent's disk: ",
            false => "",
        };
        format!("the workspace could not be made: {why}{}", chain(&error))
    })?;
    let source = Source {
        url: files.url.to_string(),
        r#ref: job
            .assignment
            .source
            .as_ref()
            .map(|source| source.r#ref.clone())
            .unwrap_or_default(),
        commit: files.commit.to_string(),
    };
    job.log
        .works_on(source)
        .await
        .map_err(|why| format!("the server did not take the commit {}: {why}", files.commit))?;
    let line = format!("workspace: {} at commit {}", files.url, files.commit);
    job.log.system(&line).await;
    Ok(Some(files))
}

fn fetch(
    setup: &WorkspaceSetup,
    path: &str,
    state_dir: &Path,
    meant: &Meant,
) -> Result<Files, GitError> {
    let git = setup.git(path)?;
    let url = meant.url.clone();
    let commit = match &meant.commit {
        Some(commit) => commit.clone(),
        None => orch_git::resolve(&git, &url, meant.reference.as_ref())?,
    };
    let mirror = setup.mirrors(state_dir).with_commit(&git, &url, &commit)?;
    Ok(Files {
        git,
        mirror,
        url,
        commit,
    })
}

fn meant(assignment: &Assignment) -> Result<Option<Meant>, String> {
    let Some(source) = &assignment.source else {
        return Ok(None);
    };
    if source.url.is_empty() {
        return Err(format!(
            "work item {} works on `{}`, and project {} has no repository: set one \
             (codex-orchestrator project set {} --repository URL), or take the item's ref away",
            assignment.work_item_id, source.r#ref, assignment.project_id, assignment.project_id
        ));
    }
    let url = RepositoryUrl::parse(&source.url)
        .map_err(|why| format!("the repository's address {why}"))?;
    let reference = (!source.r#ref.is_empty()).then(|| Reference::parse(&source.r#ref));
    let reference = reference
        .transpose()
        .map_err(|why| format!("the ref `{}` {why}", source.r#ref))?;
    let commit = (!source.commit.is_empty()).then(|| Commit::parse(&source.commit));
    let commit = match commit {
        Some(None) => return Err(format!("`{}` is no full commit id", source.commit)),
        Some(commit) => commit,
        None => None,
    };
    Ok(Some(Meant {
        url,
        reference,
        commit,
    }))
}
