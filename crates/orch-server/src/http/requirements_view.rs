//! How requirements, their differences and comments, and files of visions are shown.

use orch_api::types::requirements::{
    ProposedBy, RequirementComment, RequirementItem, Requirements, RequirementsDifference,
    RequirementsStatus,
};
use orch_api::types::vision::Attachment;
use orch_core::requirements::{Content, Difference, Requirement};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::instant;
use crate::app::requirements::document;
use crate::app::{AppError, attachment};

/// The core's data have the names of the wire; this is where the two meet.
fn as_shown<T: DeserializeOwned>(value: &impl Serialize) -> T {
    let value = serde_json::to_value(value).expect("invariant: plain data serialise");
    serde_json::from_value(value).expect("invariant: the wire has the core's fields")
}

/// Versions as they are shown; off the threads that serve, as they may be large.
pub async fn versions(
    stored: Vec<orch_store::requirements::Requirements>,
) -> Result<Vec<Requirements>, AppError> {
    let shown = move || stored.into_iter().map(requirements).collect();
    tokio::task::spawn_blocking(shown)
        .await
        .map_err(|_| orch_store::StoreError::Closed)?
}

/// One version as it is shown.
pub async fn version(
    stored: orch_store::requirements::Requirements,
) -> Result<Requirements, AppError> {
    tokio::task::spawn_blocking(move || requirements(stored))
        .await
        .map_err(|_| orch_store::StoreError::Closed)?
}

fn requirements(stored: orch_store::requirements::Requirements) -> Result<Requirements, AppError> {
    let document = document(&stored)?;
    let digest = match stored.digest {
        Some(digest) if !digest.is_empty() => digest,
        Some(_) | None => document.digest(),
    };
    Ok(Requirements {
        id: stored.id,
        project_id: stored.project_id,
        vision_id: stored.vision_id,
        status: match stored.status.as_str() {
            "approved" => RequirementsStatus::Approved,
            "superseded" => RequirementsStatus::Superseded,
            _ => RequirementsStatus::Proposed,
        },
        draft: stored.draft,
        items: items(&document.items),
        created_at: instant(stored.created_at),
        approved_at: stored.approved_at.map(instant),
        approved_by: stored.approved_by,
        parent_id: stored.parent_id,
        author: stored.author,
        reason: stored.reason,
        digest,
        options: as_shown(&document.options),
        chosen_option: document.chosen_option,
        findings: as_shown(&document.findings),
        by: match document.by_model {
            true => ProposedBy::Model,
            false => ProposedBy::Rules,
        },
    })
}

fn items(items: &[Requirement]) -> Vec<RequirementItem> {
    let shown: Vec<RequirementItem> = as_shown(&items);
    let marked = shown.into_iter().zip(items);
    marked
        .map(|(shown, item)| RequirementItem {
            only_by_model: item.is_only_of_model(),
            ..shown
        })
        .collect()
}

pub fn difference(from: i64, to: i64, found: &Difference) -> RequirementsDifference {
    RequirementsDifference {
        from,
        to,
        added: items(&found.added),
        removed: items(&found.removed),
        changed: as_shown(&found.changed),
        options_added: found.options_added.clone(),
        options_removed: found.options_removed.clone(),
        chosen_option: as_shown(&found.chosen_option),
    }
}

pub fn comment(comment: orch_store::requirement_comment::Comment) -> RequirementComment {
    RequirementComment {
        id: comment.id,
        project_id: comment.project_id,
        requirements_id: comment.requirements_id,
        item: comment.item,
        author: comment.author,
        content: comment.content,
        created_at: instant(comment.created_at),
    }
}

pub fn attachment(stored: orch_store::attachment::Attachment) -> Attachment {
    let text = match attachment::read_back(&stored) {
        Ok(Content::Prose(text)) => text,
        Ok(Content::Operations(operations)) => {
            let lines: Vec<String> = operations
                .into_iter()
                .map(|operation| format!("{}: {}", operation.name, operation.summary))
                .collect();
            lines.join("\n")
        }
        Ok(Content::Code(survey)) => survey.markdown(),
        Err(_) => String::new(),
    };
    Attachment {
        id: stored.id,
        vision_id: stored.vision_id,
        name: stored.name,
        media_type: stored.media_type,
        size_bytes: stored.size_bytes,
        sha256: stored.sha256,
        text,
        created_at: instant(stored.created_at),
    }
}
