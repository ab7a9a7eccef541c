//! Work items, their retry policies and their tool recipes.

use serde::{Deserialize, Serialize};

use super::{Client, ClientError, Page, Paging};
use crate::types::dry_run::DryRun;
use crate::types::run::Run;
use crate::types::work_item::{
    NewRecipe, NewWorkItem, NewWorkItems, Policy, Recipe, UpdateWorkItem, WorkItem,
};

/// Which work items are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WorkItemFilter {
    /// Those of one project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<i64>,
    /// Those in one state, as the API writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// The retry policy of an item; what is absent follows the installation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// How often a failed attempt is tried again.
    pub max_retries: Option<u32>,
    /// The first wait, in seconds; it doubles.
    pub backoff_base_seconds: Option<f64>,
    /// At most so much is added to each wait, in seconds.
    pub backoff_jitter_seconds: Option<f64>,
}

impl Client {
    /// Creates a work item.
    pub async fn create_work_item(&self, item: &NewWorkItem) -> Result<WorkItem, ClientError> {
        self.post("/work-items", item).await
    }

    /// Creates many work items: all or none.
    pub async fn create_work_items(
        &self,
        items: &NewWorkItems,
    ) -> Result<Vec<WorkItem>, ClientError> {
        self.post("/work-items/batch", items).await
    }

    /// A page of work items.
    pub async fn work_items(
        &self,
        filter: &WorkItemFilter,
        paging: &Paging,
    ) -> Result<Page<WorkItem>, ClientError> {
        self.page("/work-items", filter, paging).await
    }

    /// One work item.
    pub async fn work_item(&self, id: i64) -> Result<WorkItem, ClientError> {
        self.get(&format!("/work-items/{id}")).await
    }

    /// Changes a work item; what is absent stays.
    pub async fn update_work_item(
        &self,
        id: i64,
        change: &UpdateWorkItem,
    ) -> Result<WorkItem, ClientError> {
        self.patch(&format!("/work-items/{id}"), change).await
    }

    /// Starts a run of an item at once, past the queue.
    pub async fn start_work_item(&self, id: i64) -> Result<Run, ClientError> {
        self.act(&format!("/work-items/{id}/start")).await
    }

    /// What a run of an item would do; nothing is started.
    pub async fn dry_run(&self, id: i64) -> Result<DryRun, ClientError> {
        self.act(&format!("/work-items/{id}/dry-run")).await
    }

    /// Cancels an item, its place in the queue and its run.
    pub async fn cancel_work_item(&self, id: i64) -> Result<WorkItem, ClientError> {
        self.act(&format!("/work-items/{id}/cancel")).await
    }

    /// The runs of an item, oldest first.
    pub async fn work_item_runs(&self, id: i64, paging: &Paging) -> Result<Page<Run>, ClientError> {
        self.page(&format!("/work-items/{id}/runs"), &(), paging)
            .await
    }

    /// An item's retry policy.
    pub async fn policy(&self, work_item_id: i64) -> Result<RetryPolicy, ClientError> {
        self.get(&format!("/work-items/{work_item_id}/policy"))
            .await
    }

    /// Changes an item's retry policy.
    pub async fn set_policy(
        &self,
        work_item_id: i64,
        policy: &Policy,
    ) -> Result<RetryPolicy, ClientError> {
        self.post(&format!("/work-items/{work_item_id}/policy"), policy)
            .await
    }

    /// An item's tool recipe; `None` where it has none, or where there is no such item.
    pub async fn recipe(&self, work_item_id: i64) -> Result<Option<Recipe>, ClientError> {
        match self
            .get(&format!("/work-items/{work_item_id}/tool-recipe"))
            .await
        {
            Err(ClientError::Refused(problem)) if problem.status == 404 => Ok(None),
            answer => answer,
        }
    }

    /// Gives an item a tool recipe.
    pub async fn set_recipe(
        &self,
        work_item_id: i64,
        recipe: &NewRecipe,
    ) -> Result<Recipe, ClientError> {
        self.post(&format!("/work-items/{work_item_id}/tool-recipe"), recipe)
            .await
    }
}
