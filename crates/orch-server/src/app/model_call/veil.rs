//! What is hidden from models that are asked for a project, and from all that is kept and shown of it.

use orch_core::ids::ProjectId;

use super::super::{App, Result, secret};
use crate::models::Veil;

/// Hides the keys of models and tools, and all secrets of the project.
///
/// # Errors
/// When a secret cannot be read: then nothing may be asked.
pub(crate) async fn veil(app: &App, project: Option<ProjectId>) -> Result<Veil> {
    let values = match project {
        Some(project) => secret::values_of(app, project).await?,
        None => Vec::new(),
    };
    Ok(app.team().models().veil(&values))
}
