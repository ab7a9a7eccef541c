//! Comments on a version or on one of its items. They change nothing that is approved.

use orch_core::ids::{ProjectId, RequirementsId};
use orch_store::requirement_comment::{self, Comment};
use serde_json::json;

use super::version::{document, show};
use crate::app::{App, AppError, Result, checks};

/// The longest comment, in characters.
const LONGEST_COMMENT: usize = 8_192;

/// Adds a comment.
pub async fn comment(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    id: RequirementsId,
    item: Option<&str>,
    content: &str,
) -> Result<Comment> {
    app.check_room()?;
    let content = checks::text("content", content, LONGEST_COMMENT)?;
    let version = show(app, project_id, id).await?;
    if let Some(item) = item
        && !document(&version)?
            .items
            .iter()
            .any(|known| known.id == item)
    {
        let expected = format!("the id of an item of requirements {id}, such as R-1");
        return Err(AppError::wrong("item", item, expected));
    }
    let mut tx = app.store().begin(actor).await?;
    let now = tx.now();
    let made =
        requirement_comment::insert(&mut tx.conn, project_id, id, item, actor, &content, now)
            .await?;
    let data = json!({
        "project_id": project_id, "requirements_id": id, "comment_id": made.id, "item": item,
    });
    tx.record("requirements.commented", Some(project_id), data);
    tx.commit().await?;
    Ok(made)
}

/// The comments on a version and on those before it, oldest first.
pub async fn comments(
    app: &App,
    project_id: ProjectId,
    id: RequirementsId,
) -> Result<Vec<Comment>> {
    show(app, project_id, id).await?;
    let mut conn = app.store().read().await?;
    let found = requirement_comment::up_to(&mut conn, project_id, id).await?;
    Ok(app.store().named(found).rows)
}
