//! Proposing requirements from the newest vision and its attachments.

use orch_api::types::requirements::ProposedBy;
use orch_core::ids::{ProjectId, VisionId};
use orch_core::requirements::{
    Content, Document, Suggested, Text, try_document_of_model, try_propose_document,
};
use orch_store::requirements::{self, Requirements};
use orch_store::{attachment, vision};
use serde_json::json;
use std::sync::Arc;

use super::model;
use super::version::{Origin, Written, document};
use crate::app::{App, AppError, Result, attachment::read_back, import, project};

/// What items that cite imported code name as their text.
const IMPORTED: &str = "existing code";
/// How often a proposal is made anew because somebody made another version meanwhile.
const MOST_ATTEMPTS: usize = 4;

/// Proposes requirements from the newest vision. Items of the version before keep their ids.
///
/// # Errors
/// When there is no vision, a model gives nothing that can be used, or the store fails.
pub async fn propose(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    by: Option<ProposedBy>,
) -> Result<Requirements> {
    app.check_room()?;
    project::show(app, project_id).await?;
    let by = match by {
        Some(by) => by,
        None => model::usual(app, project_id).await?,
    };
    let suggested = match by {
        ProposedBy::Rules => None,
        ProposedBy::Model => {
            let read = read(app, project_id).await?;
            let vision = read.vision;
            Some((
                vision,
                Arc::new(model::suggest(app, actor, project_id, read).await?),
            ))
        }
    };
    for _ in 0..MOST_ATTEMPTS {
        if let Some(proposed) = attempt(app, actor, project_id, suggested.as_ref()).await? {
            return Ok(proposed);
        }
    }
    let message = "others make versions of these requirements all the time; propose again";
    Err(AppError::conflict("requirements_changed", message))
}

/// What a proposal is made from.
pub(super) struct Read {
    pub vision: VisionId,
    pub texts: Vec<Text>,
    pub previous: Option<Requirements>,
}

async fn read(app: &App, project_id: ProjectId) -> Result<Read> {
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
    Ok(Read {
        vision: vision_id,
        texts,
        previous,
    })
}

/// None where another version was made meanwhile.
async fn attempt(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    suggested: Option<&(VisionId, Arc<Suggested>)>,
) -> Result<Option<Requirements>> {
    let Read {
        vision: vision_id,
        texts,
        previous,
    } = read(app, project_id).await?;
    if suggested.is_some_and(|(shown, _)| *shown != vision_id) {
        let message =
            "another vision was submitted while the model read the one before; propose again";
        return Err(AppError::conflict("vision_changed", message));
    }
    let suggested = suggested.map(|(_, suggested)| Arc::clone(suggested));
    let by = if suggested.is_some() {
        "model"
    } else {
        "rules"
    };
    let parent = previous.as_ref().map(Requirements::id);
    let written = app
        .think(move || {
            let previous: Option<Document> = previous.as_ref().map(document).transpose()?;
            let proposed = match suggested {
                Some(suggested) => try_document_of_model(&suggested, &texts, previous.as_ref()),
                None => try_propose_document(&texts, previous.as_ref()),
            };
            let proposed =
                proposed.map_err(|error| AppError::invalid("vision", error.to_string()))?;
            Written::of(proposed)
        })
        .await?;
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
        "parent_id": parent, "digest": proposed.digest, "by": by,
    });
    tx.record("requirements.proposed", Some(project_id), data);
    tx.commit().await?;
    Ok(Some(proposed))
}
