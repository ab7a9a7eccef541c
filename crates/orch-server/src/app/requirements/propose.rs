//! Proposing requirements from the newest vision and its attachments.

use orch_core::ids::ProjectId;
use orch_core::requirements::{Content, Document, Text, propose_document};
use orch_store::requirements::{self, Requirements};
use orch_store::{StoreError, attachment, vision};
use serde_json::json;

use super::version::{Origin, Written, document};
use crate::app::{App, AppError, Result, attachment::read_back, import, project};

/// What items that cite imported code name as their text.
const IMPORTED: &str = "existing code";
/// How often a proposal is made anew because somebody made another version meanwhile.
const MOST_ATTEMPTS: usize = 4;

/// Proposes requirements from the newest vision. Items of the version before keep their ids.
pub async fn propose(app: &App, actor: &str, project_id: ProjectId) -> Result<Requirements> {
    app.check_room()?;
    project::show(app, project_id).await?;
    for _ in 0..MOST_ATTEMPTS {
        if let Some(proposed) = attempt(app, actor, project_id).await? {
            return Ok(proposed);
        }
    }
    let message = "others make versions of these requirements all the time; propose again";
    Err(AppError::conflict("requirements_changed", message))
}

/// None where another version was made meanwhile.
async fn attempt(app: &App, actor: &str, project_id: ProjectId) -> Result<Option<Requirements>> {
    let (vision, files, previous) = {
        let mut conn = app.store().read().await?;
        let vision = vision::latest(&mut conn, project_id).await?.ok_or_else(|| {
            let message = format!("project {project_id} has no vision yet; submit one with POST /projects/{project_id}/vision");
            AppError::conflict("no_vision", message)
        })?;
        let files = attachment::of_vision(&mut conn, vision.id()).await?;
        let previous = requirements::current(&mut conn, project_id).await?;
        (vision, files, previous)
    };
    let vision_id = vision.id();
    let mut texts = vec![Text {
        attachment: None,
        content: Content::Prose(vision.content),
    }];
    for file in files {
        let content = read_back(&file)?;
        texts.push(Text {
            attachment: Some(file.name),
            content,
        });
    }
    if let Some(survey) = import::latest(app, project_id).await? {
        texts.push(Text {
            attachment: Some(IMPORTED.to_owned()),
            content: Content::Code(Box::new(survey)),
        });
    }
    let parent = previous.as_ref().map(Requirements::id);
    let written = tokio::task::spawn_blocking(move || {
        let previous: Option<Document> = previous.as_ref().map(document).transpose()?;
        let proposed = propose_document(&texts, previous.as_ref());
        Ok::<_, AppError>(Written::of(proposed))
    })
    .await
    .map_err(|_| StoreError::Closed)??;
    let mut tx = app.store().begin(actor).await?;
    let newest = requirements::current(&mut tx.conn, project_id).await?;
    if newest.map(|newest| newest.id()) != parent {
        return Ok(None);
    }
    let origin = Origin {
        project: project_id,
        vision: vision_id,
        parent,
        author: actor,
        reason: None,
    };
    let proposed = written.save(&mut tx, &origin).await?;
    let data = json!({
        "project_id": project_id, "requirements_id": proposed.id, "vision_id": vision_id,
        "parent_id": parent, "digest": proposed.digest,
    });
    tx.record("requirements.proposed", Some(project_id), data);
    tx.commit().await?;
    Ok(Some(proposed))
}
