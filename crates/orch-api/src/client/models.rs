//! Models, their prices, what they have cost, and budgets.

use super::{Client, ClientError};
use crate::types::budget::{Budget, Budgets, SetBudget};
use crate::types::model::{Costs, Model, ModelPrice, ModelTrial, NewPrice, SetPrices};

/// Which costs, and how they are added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CostQuery {
    /// `role`, `model`, `plan`, `work_item`, `run` or `day`.
    pub by: Option<String>,
    pub since: Option<String>,
    pub until: Option<String>,
}

impl Client {
    /// The models that are set.
    pub async fn models(&self) -> Result<Vec<Model>, ClientError> {
        self.get("/models").await
    }

    /// The table of prices.
    pub async fn model_prices(&self) -> Result<Vec<ModelPrice>, ClientError> {
        self.get("/models/prices").await
    }

    /// Puts a table in place of all prices that were set.
    pub async fn set_model_prices(
        &self,
        prices: &SetPrices,
    ) -> Result<Vec<ModelPrice>, ClientError> {
        self.put("/models/prices", prices).await
    }

    /// Sets the price of a model.
    pub async fn set_model_price(
        &self,
        model: &str,
        price: &NewPrice,
    ) -> Result<ModelPrice, ClientError> {
        self.put(&price_path(model), price).await
    }

    /// Takes back a price that was set.
    pub async fn remove_model_price(&self, model: &str) -> Result<(), ClientError> {
        self.delete(&price_path(model)).await
    }

    /// Asks a model for a word, to see that it answers.
    pub async fn try_model(&self, model: &str) -> Result<ModelTrial, ClientError> {
        self.act(&format!("/models/{}/test", encoded(model))).await
    }

    /// What a project's calls have cost.
    pub async fn costs(&self, project: i64, query: &CostQuery) -> Result<Costs, ClientError> {
        let pairs = [
            ("by", &query.by),
            ("since", &query.since),
            ("until", &query.until),
        ];
        let pairs: Vec<(&str, &str)> = pairs
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)))
            .collect();
        self.get_with(&format!("/projects/{project}/costs"), &pairs)
            .await
    }

    /// The budgets of a project and of what is in it.
    pub async fn budgets(&self, project: i64) -> Result<Budgets, ClientError> {
        self.get(&format!("/projects/{project}/budget")).await
    }

    /// Sets a budget.
    pub async fn set_budget(&self, project: i64, new: &SetBudget) -> Result<Budget, ClientError> {
        self.put(&format!("/projects/{project}/budget"), new).await
    }

    /// Removes a budget.
    pub async fn clear_budget(
        &self,
        project: i64,
        scope: &str,
        scope_id: Option<i64>,
    ) -> Result<(), ClientError> {
        let id = scope_id.map_or(String::new(), |id| format!("&scope_id={id}"));
        let path = format!("/projects/{project}/budget?scope={scope}{id}");
        self.delete(&path).await
    }
}

/// Names may hold slashes.
fn encoded(name: &str) -> String {
    // In a path a plus sign is itself, and a blank is not.
    let written: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    written.replace('+', "%20")
}

fn price_path(model: &str) -> String {
    format!("/models/prices/{}", encoded(model))
}
