//! Where a project's runs get their files from, as flags.

use orch_api::types::project::{Repository, UpdateProject};

use crate::failure::Failure;

/// A repository, where one is named.
#[derive(clap::Args, Debug)]
pub struct Named {
    /// Repository that runs work on: https, http on loopback, file or ssh
    #[arg(long, value_name = "URL")]
    repository: Option<String>,
    /// What of it: a branch, a tag or a full commit [default: its default branch]
    #[arg(long = "ref", value_name = "REF", requires = "repository")]
    reference: Option<String>,
}

impl Named {
    /// As the API takes it.
    pub fn given(self) -> Option<Repository> {
        let reference = self.reference;
        self.repository.map(|url| Repository { url, reference })
    }
}

/// What changes of a project.
#[derive(clap::Args, Debug)]
pub struct Change {
    /// Its name
    #[arg(long)]
    name: Option<String>,
    /// What it is about
    #[arg(long, short)]
    description: Option<String>,
    #[command(flatten)]
    repository: Named,
    /// Take the repository away: runs begin in an empty folder
    #[arg(long, conflicts_with_all = ["repository", "reference"])]
    no_repository: bool,
}

impl Change {
    /// As the API takes it.
    pub fn wanted(self) -> Result<UpdateProject, Failure> {
        let repository = match self.no_repository {
            true => Some(None),
            false => self.repository.given().map(Some),
        };
        let change = UpdateProject {
            name: self.name,
            description: self.description,
            repository,
            ..UpdateProject::default()
        };
        if change == UpdateProject::default() {
            return Err(Failure::usage("nothing to change was named".to_owned())
                .next_step("codex-orchestrator project set ID --repository URL --ref REF"));
        }
        Ok(change)
    }
}
