//! `project`: create, set, list, show, quota, roles, import, survey.

use clap::Subcommand;
use orch_api::types::project::NewProject;

use super::{Connect, Context, Listing, ids, import, project_roles, quota, repository};
use crate::exit::Exit;
use crate::failure::Failure;

/// Arguments of `project`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a project
    Create {
        /// Its name
        name: String,
        /// What it is about
        #[arg(long, short)]
        description: Option<String>,
        /// Its part of the agents' slots beside a project of weight 1
        #[arg(long, value_name = "1-1000")]
        weight: Option<u32>,
        /// Runs that may be open at once [default: unlimited]
        #[arg(long, value_name = "N")]
        max_concurrent_runs: Option<u32>,
        #[command(flatten)]
        repository: repository::Named,
    },
    /// Change a project
    Set {
        /// The project's id
        #[arg(value_parser = ids::id())]
        id: i64,
        #[command(flatten)]
        change: repository::Change,
    },
    /// List the projects, newest first
    List(Listing),
    /// Show a project
    Show {
        /// The project's id
        #[arg(value_parser = ids::id())]
        id: i64,
    },
    /// Import existing code: the project's repository, a folder, an address or an archive
    Import(import::take::Args),
    /// What imports found in existing code
    Survey(import::show::Args),
    /// Show or set how many runs may start a day
    Quota {
        /// The project's id
        #[arg(value_parser = ids::id())]
        id: i64,
        #[command(flatten)]
        change: quota::Change,
    },
    /// Show or change the roles of a project, and what they remember
    #[command(subcommand)]
    Roles(project_roles::Action),
}

/// Runs `project`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let client = context.client(&args.connect)?;
    match args.action {
        Action::Create {
            name,
            description,
            weight,
            max_concurrent_runs,
            repository,
        } => {
            let new = NewProject {
                name,
                description,
                weight,
                max_concurrent_runs,
                repository: repository.given(),
            };
            let project = client.create_project(&new).await?;
            context.output.one(&project)?;
        }
        Action::Set { id, change } => {
            let project = client.update_project(id, &change.wanted()?).await?;
            context.output.one(&project)?;
        }
        Action::List(listing) => {
            let page = listing
                .collect(async |paging| client.projects(&paging).await)
                .await?;
            context.output.page(&page)?;
        }
        Action::Show { id } => context.output.one(&client.project(id).await?)?,
        Action::Roles(action) => project_roles::run(action, &client, context).await?,
        Action::Import(args) => import::take::run(args, &client, context).await?,
        Action::Survey(args) => import::show::run(args, &client, context).await?,
        Action::Quota { id, change } => quota::show_or_set(&client, id, &change, context).await?,
    }
    Ok(Exit::Done)
}
