//! Work items: making them and reading them. None of these starts, approves or finishes one.

use orch_api::client::{Order, Paging, WorkItemFilter};
use orch_api::types::work_item::{NewRecipe, NewWorkItem};
use orch_core::work_item::Kind;
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde_json::{Value, json};

use super::projects::paging;
use super::tool::{Answer, Tool};
use super::{Effect, Fault, Reach, Work, show};

/// A work item to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    project_id: i64,
    /// What is to be done, in one line of up to 500 characters.
    title: String,
    /// Everything that whoever does it needs to know: context, acceptance criteria, limits.
    #[serde(default)]
    description: Option<String>,
    /// `task` where it is left out.
    #[serde(default)]
    #[schemars(with = "Option<KindName>")]
    kind: Option<Kind>,
    /// Where it takes effect, such as `staging`, when it concerns an environment.
    #[serde(default)]
    environment: Option<String>,
}

/// Stands for [`Kind`], which knows no schema.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes orch_core::work_item::Kind")]
enum KindName {
    Story,
    Task,
    Spike,
    Test,
    Infra,
}

pub(crate) struct CreateWorkItem;

impl Tool for CreateWorkItem {
    const NAME: &'static str = "create_work_item";
    const TITLE: &'static str = "Create a work item";
    const ABOUT: &'static str = "Creates a work item in a project. It does not run before it is put into the queue (enqueue_work_item), and, where that is asked for, a person has approved it.";
    const EFFECT: Effect = Effect::Adds;
    const REACH: Reach = Reach::Users;
    type Input = New;

    async fn run(work: &Work, new: New) -> Answer {
        let item = NewWorkItem {
            project_id: new.project_id,
            title: new.title,
            description: new.description,
            kind: new.kind,
            environment: new.environment,
            max_retries: None,
            backoff_base_seconds: None,
            backoff_jitter_seconds: None,
            concurrency_key: None,
            reference: None,
        };
        let made = work.client.create_work_item(&item).await?;
        Ok(json!({"work_item": show::whole(&made)}))
    }
}

/// A recipe for an item.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recipe {
    work_item_id: i64,
    /// The recipe in YAML: `steps:` with `run:` lines, and tools, network and secrets by name.
    yaml: String,
}

pub(crate) struct SetRecipe;

impl Tool for SetRecipe {
    const NAME: &'static str = "set_recipe";
    const TITLE: &'static str = "Set a work item's recipe";
    const ABOUT: &'static str = "Gives a work item the steps that its runs take. An approval binds the recipe: a changed one needs a new approval.";
    const EFFECT: Effect = Effect::Adds;
    const REACH: Reach = Reach::Users;
    type Input = Recipe;

    async fn run(work: &Work, recipe: Recipe) -> Answer {
        let id = recipe.work_item_id;
        let new = NewRecipe { yaml: recipe.yaml };
        let made = work.client.set_recipe(id, &new).await?;
        Ok(json!({"recipe": show::whole(&made)}))
    }
}

/// Which items.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Those of one project.
    #[serde(default)]
    project_id: Option<i64>,
    /// Those in one state, such as `Proposed`, `InProgress` or `Done`.
    #[serde(default)]
    state: Option<String>,
    /// How many, 1 to 50; 20 where it is left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u32>,
    /// Where to go on: `next_cursor` of the answer before.
    #[serde(default)]
    cursor: Option<String>,
}

pub(crate) struct ListWorkItems;

impl Tool for ListWorkItems {
    const NAME: &'static str = "list_work_items";
    const TITLE: &'static str = "List work items";
    const ABOUT: &'static str = "Lists work items, the newest first, with their states. Long descriptions are cut; read_work_item shows one whole.";
    const EFFECT: Effect = Effect::Reads;
    const REACH: Reach = Reach::Users;
    type Input = Which;

    async fn run(work: &Work, which: Which) -> Answer {
        let filter = WorkItemFilter {
            project_id: which.project_id,
            state: which.state,
        };
        let paging = paging(which.limit, which.cursor);
        let page = work.client.work_items(&filter, &paging).await?;
        Ok(json!({"work_items": show::list(&page.items), "next_cursor": page.next}))
    }
}

/// An item.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct One {
    /// The work item; with a run's token, the run's own where it is left out.
    #[serde(default)]
    work_item_id: Option<i64>,
}

pub(crate) struct ReadWorkItem;

impl Tool for ReadWorkItem {
    const NAME: &'static str = "read_work_item";
    const TITLE: &'static str = "Read a work item";
    const ABOUT: &'static str = "Shows a work item with its recipe, its last runs and its approvals (read_queue says why it is not running). With a run's token: that run's own item alone.";
    const EFFECT: Effect = Effect::Reads;
    const REACH: Reach = Reach::RunsToo;
    type Input = One;

    async fn run(work: &Work, one: One) -> Answer {
        let id = work.work_item(one.work_item_id).await?;
        let item = work.client.work_item(id).await?;
        let mut answer = json!({"work_item": show::whole(&item)});
        if work.who == super::Who::User {
            answer["recipe"] = show::whole(&work.client.recipe(id).await?);
            answer["runs"] = last_runs(work, id).await?;
            answer["approvals"] = show::list(&work.client.work_item_approvals(id).await?);
        }
        Ok(answer)
    }
}

async fn last_runs(work: &Work, item: i64) -> Result<Value, Fault> {
    let newest = Paging {
        order: Order::NewestFirst,
        limit: Some(5),
        cursor: None,
    };
    let page = work.client.work_item_runs(item, &newest).await?;
    Ok(show::list(&page.items))
}
