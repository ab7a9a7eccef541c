//! Open questions of requirements as info requests: a view of each project's newest version. Answering or
//! skipping one is the edit that does so, and nothing else is stored.

use std::collections::BTreeMap;

use orch_api::types::requirements::{RequirementEdit, RequirementEditOp as Op};
use orch_core::ids::{InfoRequestId, ProjectId, RequirementsId};
use orch_core::info_request::{Field, FieldKind, Presence, Secrecy, Status, check_answers};
use orch_core::requirements::{ItemKind, QuestionId, Requirement};
use orch_core::time::Timestamp;
use orch_store::requirements::{self, Requirements};
use orch_store::{Listed, Order, Page, StoreError};

use super::edit::edit;
use super::version::document;
use crate::app::{App, AppError, Result};

/// Projects whose documents are read at once.
const PROJECTS_AT_ONCE: i64 = 16;
const KEY: &str = "answer";

/// A question of a project's requirements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub id: QuestionId,
    /// The version that it was read in.
    pub version: RequirementsId,
    pub prompt: String,
    pub status: Status,
    /// None where it is open, or was skipped.
    pub answer: Option<String>,
    pub created_at: Timestamp,
}

/// What is asked for: a text, which is no secret and may be left out.
#[must_use]
pub fn fields() -> Vec<Field> {
    vec![Field {
        key: KEY.to_owned(),
        label: None,
        kind: FieldKind::Text,
        secret: Secrecy::Open,
        required: Presence::Optional,
        options: Vec::new(),
    }]
}

/// One question.
///
/// # Errors
/// When the newest version does not ask it, or the store fails.
pub async fn question(app: &App, id: QuestionId) -> Result<Question> {
    let newest = {
        let mut conn = app.store().read().await?;
        requirements::current(&mut conn, id.project).await?
    };
    let asked = of_versions(newest.into_iter().collect()).await?;
    let found = asked.into_iter().find(|question| question.id == id);
    found.ok_or_else(|| AppError::not_found("info request", id.id().get()))
}

/// Questions of all projects, or of one: those of its newest version alone.
///
/// # Errors
/// When a version cannot be read, or the store fails.
pub async fn questions(
    app: &App,
    status: Option<Status>,
    project: Option<ProjectId>,
    page: Page,
) -> Result<Listed<Question>> {
    let from = page.after.map(InfoRequestId).and_then(QuestionId::read);
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let mut rows: Vec<Question> = Vec::new();
    // The project of the cursor may have more questions behind it.
    let mut after = from.map(|from| match page.order {
        Order::OldestFirst => from.project.get() - 1,
        Order::NewestFirst => from.project.get() + 1,
    });
    loop {
        let projects = Page {
            order: page.order,
            after,
            limit: PROJECTS_AT_ONCE,
        };
        let versions = {
            let mut conn = app.store().read().await?;
            match project {
                Some(project) => {
                    let newest = requirements::current(&mut conn, project).await?;
                    newest.into_iter().collect()
                }
                None => {
                    let found = requirements::newest_by_project(&mut conn, projects).await?;
                    app.store().named(found).rows
                }
            }
        };
        let is_last = versions.is_empty() || project.is_some();
        after = versions.last().map(|version| version.project_id);
        let mut asked = of_versions(versions).await?;
        asked.sort_by_key(|question| question.id);
        if page.order == Order::NewestFirst {
            asked.reverse();
        }
        rows.extend(asked.into_iter().filter(|question| {
            let is_behind = from.is_none_or(|from| match page.order {
                Order::OldestFirst => question.id > from,
                Order::NewestFirst => question.id < from,
            });
            is_behind && status.is_none_or(|status| question.status == status)
        }));
        if is_last || rows.len() >= limit {
            break;
        }
    }
    rows.truncate(limit);
    let last = rows.last().filter(|_| rows.len() == limit);
    let next = last.map(|question| question.id.id().get());
    Ok(Listed { rows, next })
}

/// Answers a question, or skips it where no answer is given: the edit of the newest version that does so.
///
/// # Errors
/// When it is answered already, another version was made meanwhile, or the store fails.
pub async fn respond(
    app: &App,
    actor: &str,
    id: QuestionId,
    values: &BTreeMap<String, String>,
) -> Result<Question> {
    let known = question(app, id).await?;
    if known.status != Status::Pending {
        let message = format!(
            "info request {} is already {}; change the answer with an edit of the requirements",
            id.id(),
            known.status.as_str()
        );
        return Err(AppError::conflict("info_request_closed", message));
    }
    check_answers(&fields(), values)
        .map_err(|faults| AppError::faults("the answers do not fit the question", faults))?;
    let answer = values.get(KEY).filter(|answer| !answer.trim().is_empty());
    let op = match answer {
        Some(_) => Op::Answer,
        None => Op::Skip,
    };
    let edits = [RequirementEdit {
        id: Some(id.item()),
        answer: answer.cloned(),
        ..RequirementEdit::new(op)
    }];
    edit(app, actor, id.project, known.version, &edits, None, None).await?;
    question(app, id).await
}

/// The questions of newest versions. What an approved version leaves open is not asked any more.
async fn of_versions(versions: Vec<Requirements>) -> Result<Vec<Question>> {
    let read = tokio::task::spawn_blocking(move || {
        let mut asked = Vec::new();
        for version in &versions {
            let items = document(version)?.items;
            asked.extend(items.iter().filter_map(|item| of_item(version, item)));
        }
        Ok::<_, AppError>(asked)
    });
    read.await.map_err(|_| StoreError::Closed)?
}

fn of_item(version: &Requirements, item: &Requirement) -> Option<Question> {
    let is_asked = version.status == "proposed" || item.answer.is_some();
    if item.kind != ItemKind::OpenQuestion || !is_asked {
        return None;
    }
    Some(Question {
        id: QuestionId::of(ProjectId(version.project_id), &item.id)?,
        version: version.id(),
        prompt: item.text.clone(),
        status: match item.answer {
            None => Status::Pending,
            Some(_) => Status::Resolved,
        },
        answer: item.answer.as_ref().and_then(|answer| answer.text.clone()),
        created_at: Timestamp::from_micros(version.created_at),
    })
}
