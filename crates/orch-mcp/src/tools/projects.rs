//! Projects: which there are, and a new one.

use orch_api::client::{Order, Paging};
use orch_api::types::project::NewProject;
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde_json::json;

use super::tool::{Answer, Tool};
use super::{Effect, Reach, Work, show};

/// Entries of a list that are shown where no other number is asked for.
pub(super) const USUAL: u32 = 20;
/// The most that are shown at once.
pub(super) const MOST: u32 = 50;

/// Which part of a list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    /// How many entries, 1 to 50; 20 where it is left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u32>,
    /// Where to go on: `next_cursor` of the answer before.
    #[serde(default)]
    cursor: Option<String>,
}

/// The newest first.
pub(super) fn paging(limit: Option<u32>, cursor: Option<String>) -> Paging {
    let limit = limit.unwrap_or(USUAL).clamp(1, MOST) as usize;
    Paging {
        order: Order::NewestFirst,
        limit: Some(limit),
        cursor,
    }
}

pub(crate) struct ListProjects;

impl Tool for ListProjects {
    const NAME: &'static str = "list_projects";
    const TITLE: &'static str = "List projects";
    const ABOUT: &'static str =
        "Lists the projects, the newest first. Everything else belongs to one of them.";
    const EFFECT: Effect = Effect::Reads;
    const REACH: Reach = Reach::Users;
    type Input = Part;

    async fn run(work: &Work, part: Part) -> Answer {
        let page = work
            .client
            .projects(&paging(part.limit, part.cursor))
            .await?;
        Ok(json!({"projects": show::list(&page.items), "next_cursor": page.next}))
    }
}

/// A project to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    /// 1 to 200 characters, one line.
    name: String,
    #[serde(default)]
    description: Option<String>,
}

pub(crate) struct CreateProject;

impl Tool for CreateProject {
    const NAME: &'static str = "create_project";
    const TITLE: &'static str = "Create a project";
    const ABOUT: &'static str =
        "Creates a project. Look with list_projects first whether there is one that fits.";
    const EFFECT: Effect = Effect::Adds;
    const REACH: Reach = Reach::Users;
    type Input = New;

    async fn run(work: &Work, new: New) -> Answer {
        let project = NewProject {
            name: new.name,
            description: new.description,
            weight: None,
            max_concurrent_runs: None,
            repository: None,
        };
        let made = work.client.create_project(&project).await?;
        Ok(json!({"project": show::whole(&made)}))
    }
}
