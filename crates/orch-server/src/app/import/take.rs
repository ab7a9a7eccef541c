//! Imports: taken, stored and shown.

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orch_api::types::import::{NewImport, SourceArchive};
use orch_core::ids::{ProjectId, SurveyId};
use orch_core::source::Repository;
use orch_store::survey::{self, NewSurvey, Survey};
use orch_store::{Found, StoreError};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::meant::{Meant, meant};
use super::{archive, repository, today, written};
use crate::app::attachment::check_name;
use crate::app::{App, AppError, Result, project};

/// The largest archive.
const MOST_ARCHIVE_BYTES: usize = 24 * 1024 * 1024;
/// The most imports that are listed.
const MOST_LISTED: i64 = 1_000;
/// Imports hold much in memory: so many go on at once.
static IMPORTS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(2)));

/// Imports the project's repository, or an archive, and stores what is found.
pub async fn import(app: &App, actor: &str, id: ProjectId, new: NewImport) -> Result<Survey> {
    app.check_room()?;
    let project = project::show(app, id).await?;
    let day = today(app.store().now());
    let permit = Arc::clone(&IMPORTS).try_acquire_owned();
    let permit = permit.map_err(|_| AppError::Busy {
        detail: "two imports go on already; try again in a while".to_owned(),
        after_seconds: 10,
    })?;
    let (found, becomes) = match meant(&project, new)? {
        Meant::Archive(archive) => (of_archive(archive, day, permit).await?, None),
        Meant::Repository { read, becomes } => (of_repository(read, day, permit).await?, becomes),
    };
    let mut tx = app.store().begin(actor).await?;
    let mut project = orch_store::project::find(&mut tx.conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("project", id.get()))?;
    // With what was found in it, or not at all.
    if becomes.is_some() {
        project.repository = becomes;
        orch_store::project::set_repository(&mut tx.conn, &project).await?;
        tx.record("project.changed", Some(id), project::changed(&project));
        tx.touch_queue();
    }
    let now = tx.now();
    let stored = survey::insert(&mut tx.conn, id, &found, actor, now).await?;
    let data = json!({
        "project_id": id, "import_id": stored.id, "source": stored.source, "name": stored.name,
        "ref": stored.reference, "commit": stored.commit_id, "sha256": stored.sha256,
    });
    tx.record("project.imported", Some(id), data);
    tx.commit().await?;
    Ok(stored)
}

async fn of_archive(
    sent: SourceArchive,
    day: String,
    permit: OwnedSemaphorePermit,
) -> Result<NewSurvey> {
    let SourceArchive {
        name,
        content_base64,
    } = sent;
    check_name(&name).map_err(|message| AppError::invalid("archive.name", message))?;
    if archive::media_type(&name).is_none() {
        let message = format!(
            "has no ending that is read; expected one of {}",
            archive::named()
        );
        return Err(AppError::invalid("archive.name", message));
    }
    let field = "archive.content_base64";
    let read = move || {
        let _permit = permit;
        let bytes = STANDARD
            .decode(content_base64.trim_end())
            .map_err(|error| format!("is no Base64: {error}"))?;
        if bytes.len() > MOST_ARCHIVE_BYTES {
            let size = bytes.len();
            return Err(format!(
                "has {size} bytes; at most {MOST_ARCHIVE_BYTES} fit"
            ));
        }
        let survey = archive::code_in(&bytes, &day)?;
        Ok((hex::encode(Sha256::digest(&bytes)), written(&survey)))
    };
    let read = tokio::task::spawn_blocking(read).await;
    let (sha256, content) = read
        .map_err(|_| StoreError::Closed)?
        .map_err(|message: String| AppError::invalid(field, message))?;
    Ok(NewSurvey {
        source: "archive",
        name,
        reference: None,
        commit_id: None,
        sha256: Some(sha256),
        content,
    })
}

async fn of_repository(
    repository: Repository,
    day: String,
    permit: OwnedSemaphorePermit,
) -> Result<NewSurvey> {
    let Repository { url, reference } = repository;
    let read = move || {
        let _permit = permit;
        let (commit, survey) = repository::code_at(&url, reference.as_ref(), &day)
            .map_err(|fault| format!("failed to import {url}: {fault}"))?;
        Ok(NewSurvey {
            source: "repository",
            name: url.to_string(),
            reference: reference.map(|name| name.to_string()),
            commit_id: Some(commit.to_string()),
            sha256: None,
            content: written(&survey),
        })
    };
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|_| StoreError::Closed)?
        .map_err(|message: String| AppError::conflict("import_failed", message))
}

/// The imports of a project, oldest first.
pub async fn list(app: &App, id: ProjectId) -> Result<Vec<Survey>> {
    project::show(app, id).await?;
    let mut conn = app.store().read().await?;
    let found: Found<Survey> = survey::list(&mut conn, id, MOST_LISTED).await?;
    Ok(app.store().named(found).rows)
}

/// One import of a project.
pub async fn show(app: &App, project_id: ProjectId, id: SurveyId) -> Result<Survey> {
    project::show(app, project_id).await?;
    let mut conn = app.store().read().await?;
    survey::find(&mut conn, project_id, id)
        .await?
        .ok_or_else(|| AppError::not_found("import", id.get()))
}

/// What the newest import of a project found; none where nothing was imported.
pub async fn latest(app: &App, id: ProjectId) -> Result<Option<orch_core::survey::Survey>> {
    let mut conn = app.store().read().await?;
    let stored = survey::latest(&mut conn, id).await?;
    let read = stored.map(|stored| {
        serde_json::from_str(&stored.content).map_err(|error| {
            AppError::Store(StoreError::Corrupt {
                column: "content",
                what: error.to_string(),
            })
        })
    });
    read.transpose()
}
