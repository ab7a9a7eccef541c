//! A project's roles: set, shown, reset, and laid over the operator's.

use orch_core::ids::ProjectId;
use orch_core::time::Timestamp;
use orch_model::role::{Role, Roles};
use orch_store::project_role::{self, ProjectRole};
use serde_json::json;

use super::allowed;
use crate::app::{App, AppError, Result, project};

/// Roles that a project may have of its own.
const MOST_ROLES: usize = 50;
/// A longer file is no role of a project.
const LONGEST_CONTENT: usize = 64 * 1024;

/// Whose a role is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The program's.
    BuiltIn,
    /// The operator's, from the folder of `ORCH_ROLES`.
    Folder,
    Project,
}

impl Origin {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BuiltIn => "built_in",
            Self::Folder => "folder",
            Self::Project => "project",
        }
    }
}

/// A role as it holds in a project.
#[derive(Clone, Debug)]
pub struct Shown {
    pub role: Role,
    pub origin: Origin,
    pub model: Option<String>,
    /// Of the project's own: its file, and who set it when.
    pub own: Option<ProjectRole>,
    /// Why a role of the project cannot be used any more.
    pub fault: Option<String>,
}

/// The roles that hold in a project, for those who ask them.
///
/// # Errors
/// When a role of the project is not allowed any more, or the store fails.
pub async fn of_project(app: &App, project_id: ProjectId) -> Result<Roles> {
    let mut roles = app.team().roles.clone();
    for stored in stored(app, project_id).await? {
        let role = checked(app, &stored.name, &stored.content).map_err(|error| {
            let message = format!(
                "the role {} of project {project_id} cannot be used any more: {error}; set it anew, or DELETE /projects/{project_id}/roles/{} restores the one before",
                stored.name, stored.name
            );
            AppError::conflict("role_not_allowed", message)
        })?;
        roles.put(role);
    }
    Ok(roles)
}

async fn stored(app: &App, project_id: ProjectId) -> Result<Vec<ProjectRole>> {
    let mut conn = app.store().read().await?;
    Ok(project_role::of_project(&mut conn, project_id).await?)
}

/// Reads a role's file, and whether a project may have it.
fn checked(app: &App, name: &str, content: &str) -> Result<Role> {
    let role = Role::parse(&format!("{name}.md"), content)
        .map_err(|error| AppError::invalid("content", error.to_string()))?;
    if role.name != name {
        return Err(AppError::wrong(
            "content",
            format!("a role `{}`", role.name),
            format!("its name is `{name}`, as in the path"),
        ));
    }
    let models: Vec<String> = app
        .team()
        .models()
        .known()
        .iter()
        .map(|known| known.name.clone())
        .collect();
    match allowed::faults(&role, &app.team().roles, &models) {
        faults if faults.is_empty() => Ok(role),
        faults => Err(AppError::faults("the role is not allowed", faults)),
    }
}

/// All roles that hold in a project, by name.
///
/// # Errors
/// When there is no such project, or the store fails.
pub async fn list(app: &App, project_id: ProjectId) -> Result<Vec<Shown>> {
    project::show(app, project_id).await?;
    let own = stored(app, project_id).await?;
    let team = app.team();
    let mut shown: Vec<Shown> = team
        .roles
        .all()
        .filter(|role| own.iter().all(|own| own.name != role.name))
        .map(|role| Shown {
            role: role.clone(),
            origin: operators(app, role),
            model: team.model_name(role),
            own: None,
            fault: None,
        })
        .collect();
    for own in own {
        let read = Role::parse(&format!("{}.md", own.name), &own.content);
        let Ok(role) = read else {
            tracing::warn!(role.name = %own.name, project.id = project_id.get(), "a project's role cannot be read");
            continue;
        };
        shown.push(Shown {
            fault: checked(app, &own.name, &own.content)
                .err()
                .map(|error| error.to_string()),
            origin: Origin::Project,
            model: team.model_name(&role),
            role,
            own: Some(own),
        });
    }
    shown.sort_by(|a, b| a.role.name.cmp(&b.role.name));
    Ok(shown)
}

fn operators(app: &App, role: &Role) -> Origin {
    match app.team().built_in.find(&role.name) {
        Some(known) if known == role => Origin::BuiltIn,
        Some(_) | None => Origin::Folder,
    }
}

/// One of them.
///
/// # Errors
/// When there is none of that name.
pub async fn show(app: &App, project_id: ProjectId, name: &str) -> Result<Shown> {
    let known = list(app, project_id).await?;
    let found = known.into_iter().find(|shown| shown.role.name == name);
    found.ok_or_else(|| {
        AppError::NotFound(format!(
            "project {project_id} has no role {name:?}; GET /projects/{project_id}/roles lists them"
        ))
    })
}

/// A role that holds in a project, by any spelling.
///
/// # Errors
/// When there is none, or the project's own is not allowed any more.
pub async fn find(app: &App, project_id: ProjectId, name: &str) -> Result<(Roles, Role)> {
    let roles = of_project(app, project_id).await?;
    let found = roles.find(name).cloned();
    let role = found.ok_or_else(|| AppError::NotFound(format!("there is no role {name:?}")))?;
    Ok((roles, role))
}

/// Sets a project's role.
///
/// # Errors
/// When it is no role, has what the operator did not allow, or the store fails.
pub async fn set(
    app: &App,
    actor: &str,
    project_id: ProjectId,
    name: &str,
    content: &str,
) -> Result<Shown> {
    app.check_room()?;
    project::show(app, project_id).await?;
    if content.len() > LONGEST_CONTENT {
        let message = format!("has {} bytes; at most {LONGEST_CONTENT} fit", content.len());
        return Err(AppError::invalid("content", message));
    }
    if content.contains('\0') {
        return Err(AppError::invalid("content", "must have no NUL characters"));
    }
    checked(app, name, content)?;
    let mut tx = app.store().begin(actor).await?;
    let known = project_role::of_project(&mut tx.conn, project_id).await?;
    if known.len() >= MOST_ROLES && known.iter().all(|role| role.name != name) {
        let message = format!(
            "project {project_id} has {MOST_ROLES} roles of its own, and no more fit; reset one"
        );
        return Err(AppError::conflict("too_many_roles", message));
    }
    let now: Timestamp = tx.now();
    project_role::set(&mut tx.conn, project_id, name, content, actor, now).await?;
    let data = json!({"project_id": project_id, "role": name, "sha256": sha256(content)});
    tx.record("role.set", Some(project_id), data);
    tx.commit().await?;
    show(app, project_id, name).await
}

fn sha256(content: &str) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(content))
}

/// Takes a project's role away, so that the operator's or the program's holds again.
///
/// # Errors
/// When the project has no such role, or the store fails.
pub async fn reset(app: &App, actor: &str, project_id: ProjectId, name: &str) -> Result<()> {
    project::show(app, project_id).await?;
    let mut tx = app.store().begin(actor).await?;
    if !project_role::remove(&mut tx.conn, project_id, name).await? {
        let message = format!("project {project_id} has no role {name:?} of its own");
        return Err(AppError::NotFound(message));
    }
    let data = json!({"project_id": project_id, "role": name});
    tx.record("role.reset", Some(project_id), data);
    tx.commit().await?;
    Ok(())
}
