//! `project roles`: list, show, set and reset a project's roles, and what they remember.

use clap::Subcommand;
use orch_api::client::{Client, Page};
use orch_api::types::role::{NewRoleNote, SetProjectRole};

use super::{Context, ids};
use crate::failure::Failure;
use crate::input;

#[derive(Debug, Subcommand)]
pub enum Action {
    /// List the roles that hold in a project
    List {
        /// The project's id
        #[arg(value_parser = ids::id())]
        project: i64,
    },
    /// Show a role; with its file, where it is the project's own
    Show {
        #[command(flatten)]
        role: Named,
    },
    /// Set a role from a file such as ORCH_ROLES has
    Set {
        #[command(flatten)]
        role: Named,
        /// The role's file; `-` is standard input
        file: String,
    },
    /// Take a project's role away: the one before holds again
    Reset {
        #[command(flatten)]
        role: Named,
    },
    /// Show what a role remembers in a project, or change it
    Memory {
        #[command(flatten)]
        role: Named,
        /// Have it remember this
        #[arg(long, value_name = "NOTE")]
        add: Option<String>,
        /// Have it forget a note
        #[arg(long, value_name = "ID", conflicts_with = "add", value_parser = ids::id())]
        forget: Option<i64>,
    },
}

/// Which role.
#[derive(clap::Args, Debug)]
pub struct Named {
    /// The project's id
    #[arg(value_parser = ids::id())]
    project: i64,
    /// The role's name, such as test_generator
    role: String,
}

/// Runs `project roles`.
pub async fn run(
    action: Action,
    client: &Client,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    match action {
        Action::List { project } => {
            let items = client.project_roles(project).await?;
            context.output.page(&Page { items, next: None })?;
        }
        Action::Show { role } => {
            let shown = client.project_role(role.project, &role.role).await?;
            context.output.one(&shown)?;
        }
        Action::Set { role, file } => {
            let new = SetProjectRole {
                content: input::text(&file)?,
            };
            let set = client
                .set_project_role(role.project, &role.role, &new)
                .await?;
            context.output.one(&set)?;
        }
        Action::Reset { role } => {
            client.reset_project_role(role.project, &role.role).await?;
            let note = format!(
                "project {} has no role {} of its own any more",
                role.project, role.role
            );
            context.output.note(&note);
        }
        Action::Memory { role, add, forget } => {
            let Named { project, role } = role;
            if let Some(id) = forget {
                client.remove_role_note(project, &role, id).await?;
                context.output.note(&format!("{role} forgot note {id}"));
            } else if let Some(content) = add {
                let made = client
                    .add_role_note(project, &role, &NewRoleNote { content })
                    .await?;
                context.output.one(&made)?;
            } else {
                let items = client.role_notes(project, &role).await?;
                context.output.page(&Page { items, next: None })?;
            }
        }
    }
    Ok(())
}
