//! Editing the newest version: a new one is made, and the old one stays as it is.

use orch_api::types::requirements::{RequirementEdit, RequirementEditOp as Op};
use orch_core::ids::{ProjectId, RequirementsId, VisionId};
use orch_core::info_request::Fault;
use orch_core::requirements::{Edit, ItemKind, Priority};
use orch_store::requirements::{self, Requirements};
use serde_json::json;

use super::version::{Origin, Written, digest, document, show};
use crate::app::{App, AppError, Result, checks};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 1_000;

/// Edits version `id`, which must be the newest, and have the digest that the caller read.
pub async fn edit(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    id: RequirementsId,
    edits: &[RequirementEdit],
    reason: Option<&str>,
    if_digest: Option<&str>,
) -> Result<Requirements> {
    app.check_room()?;
    let reason = checks::optional_text("reason", reason, LONGEST_REASON)?;
    let edits = parsed(edits)?;
    let before = show(app, project_id, id).await?;
    let author = actor.to_owned();
    let wanted = if_digest.map(str::to_owned);
    let (count, vision) = (edits.len(), before.vision_id);
    let written = app
        .think(move || {
            if let Some(wanted) = wanted {
                let found = digest(&before)?;
                if wanted != found {
                    return Err(changed(before.id, &wanted, &found));
                }
            }
            let edited = document(&before)?.edited(&edits, &author);
            let edited = edited.map_err(|faults| {
                let faults = faults.into_iter().map(|fault| Fault {
                    field: format!("edits[{}].{}", fault.at, fault.field),
                    message: fault.message,
                });
                AppError::faults("the edits cannot be made", faults.collect())
            })?;
            Written::of(edited)
        })
        .await?;
    let mut tx = app.store().begin(actor).await?;
    let newest = requirements::current(&mut tx.conn, project_id).await?;
    if let Some(newest) = newest.filter(|newest| newest.id != id.get()) {
        let message = format!(
            "requirements {id} are not the newest version, which is {}; read that one and edit it",
            newest.id
        );
        return Err(AppError::conflict("requirements_changed", message));
    }
    let origin = Origin {
        project: project_id,
        vision: VisionId(vision),
        parent: Some(id),
        author: actor,
        reason: reason.as_deref(),
    };
    let made = written.save(&mut tx, &origin).await?;
    let data = json!({
        "project_id": project_id, "requirements_id": made.id, "parent_id": id, "edits": count,
        "digest": made.digest, "reason": reason,
    });
    tx.record("requirements.edited", Some(project_id), data);
    tx.commit().await?;
    Ok(made)
}

/// The version is not the one that the caller read.
pub(super) fn changed(id: i64, wanted: &str, found: &str) -> AppError {
    let wanted: String = wanted.chars().take(64).collect();
    let message = format!(
        "requirements {id} have the digest {found}, not {wanted}: they are not what was read; read them again"
    );
    AppError::conflict("digest_changed", message)
}

fn parsed(edits: &[RequirementEdit]) -> Result<Vec<Edit>> {
    let mut parsed = Vec::with_capacity(edits.len());
    let mut faults = Vec::new();
    for (at, edit) in edits.iter().enumerate() {
        match one(edit) {
            Ok(edit) => parsed.push(edit),
            Err((field, message)) => faults.push(Fault {
                field: format!("edits[{at}].{field}"),
                message,
            }),
        }
    }
    if faults.is_empty() {
        Ok(parsed)
    } else {
        Err(AppError::faults("the edits cannot be made", faults))
    }
}

fn one(edit: &RequirementEdit) -> std::result::Result<Edit, (&'static str, String)> {
    let needed = |field: &'static str, value: &Option<String>| {
        value
            .clone()
            .ok_or_else(|| (field, format!("is missing; this edit needs `{field}`")))
    };
    let kind = |name: &String| {
        let names: Vec<&str> = ItemKind::ALL.iter().map(|kind| kind.name()).collect();
        ItemKind::parse(name)
            .ok_or_else(|| ("kind", format!("must be one of {}", names.join(", "))))
    };
    let priority = edit.priority.as_ref().map(|name| {
        Priority::parse(name).ok_or_else(|| {
            (
                "priority",
                "must be one of must, should, could, wont".to_owned(),
            )
        })
    });
    let priority = priority.transpose()?;
    Ok(match edit.op {
        Op::Add => Edit::Add {
            kind: kind(&needed("kind", &edit.kind)?)?,
            text: needed("text", &edit.text)?,
            priority,
            mvp: edit.mvp,
        },
        Op::Change => Edit::Change {
            id: needed("id", &edit.id)?,
            text: edit.text.clone(),
            kind: edit.kind.as_ref().map(kind).transpose()?,
            priority,
            mvp: edit.mvp,
        },
        Op::Remove => Edit::Remove {
            id: needed("id", &edit.id)?,
        },
        Op::Answer => Edit::Answer {
            id: needed("id", &edit.id)?,
            answer: needed("answer", &edit.answer)?,
        },
        Op::Skip => Edit::Skip {
            id: needed("id", &edit.id)?,
        },
        Op::Choose => Edit::Choose {
            option: edit.option.clone(),
        },
    })
}
