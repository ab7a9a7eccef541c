//! Work items, their retry policy and their tool recipe.

use orch_core::work_item::{Kind, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::CostLine;
use super::present;

/// A unit of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkItem {
    pub id: i64,
    pub project_id: i64,
    pub title: String,
    pub description: String,
    #[schema(value_type = String, example = "task")]
    pub kind: Kind,
    /// Proposed, Approved, In Progress, Review, Done or Cancelled.
    #[schema(value_type = String, example = "Proposed")]
    pub state: State,
    pub environment: Option<String>,
    /// `null` means the installation's default.
    pub max_retries: Option<u32>,
    pub backoff_base_seconds: Option<f64>,
    pub backoff_jitter_seconds: Option<f64>,
    /// SHA-256 of what would run: title, description, recipe, environment, and the commit that is pinned.
    pub digest: String,
    /// At most one run of a project is open for each key.
    pub concurrency_key: Option<String>,
    /// What of the project's repository it works on, in place of the project's own `ref`.
    #[serde(rename = "ref", default)]
    pub reference: Option<String>,
    /// The commit that approvals of it bind; resolved when one is asked for.
    #[serde(default)]
    pub pinned_commit: Option<String>,
    pub created_at: String,
    pub version: i64,
    /// What models have cost for it and its runs, by model; shown of a single item.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub costs: Vec<CostLine>,
}

/// A work item to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWorkItem {
    pub project_id: i64,
    /// 1 to 500 characters, one line.
    #[schema(min_length = 1, max_length = 500)]
    pub title: String,
    #[serde(default)]
    pub description: Option<String>,
    /// story, task, spike, test or infra.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "task")]
    pub kind: Option<Kind>,
    /// The target environment, such as staging or prod.
    #[serde(default)]
    pub environment: Option<String>,
    #[serde(default)]
    pub max_retries: Option<u32>,
    #[serde(default)]
    pub backoff_base_seconds: Option<f64>,
    #[serde(default)]
    pub backoff_jitter_seconds: Option<f64>,
    /// At most one run of the project is open for each key: 1 to 200 characters, one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub concurrency_key: Option<String>,
    /// What of the project's repository it works on: a branch, a tag or a commit.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub reference: Option<String>,
}

/// Many work items at once: all or none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWorkItems {
    #[schema(max_items = 1000)]
    pub items: Vec<NewWorkItem>,
}

/// A change of a work item; what is absent stays. A change of what would run voids approvals.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateWorkItem {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 500)]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub kind: Option<Kind>,
    /// `null` takes it away.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub environment: Option<Option<String>>,
    /// `null` takes it away. Counts from the next run on.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub concurrency_key: Option<Option<String>>,
    /// `null` takes it away: the project's own counts then.
    #[serde(
        rename = "ref",
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub reference: Option<Option<String>>,
}

/// How failed attempts are tried again; what is absent stays, `null` means the default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<u32>)]
    pub max_retries: Option<Option<u32>>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<f64>)]
    pub backoff_base_seconds: Option<Option<f64>>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<f64>)]
    pub backoff_jitter_seconds: Option<Option<f64>>,
}

/// A tool recipe to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecipe {
    pub yaml: String,
}

/// A stored tool recipe. Only valid ones are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recipe {
    pub id: i64,
    pub work_item_id: i64,
    pub yaml: String,
    #[schema(example = "valid")]
    pub status: String,
    pub created_at: String,
}
