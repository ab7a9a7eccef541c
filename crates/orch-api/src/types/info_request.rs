//! Info requests.

use std::collections::BTreeMap;

use orch_core::info_request::Status;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A question that an agent asks a person in a run, or that a project's proposed requirements leave open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InfoRequest {
    pub id: i64,
    /// The run that waits for it; null for a question of requirements.
    pub run_id: Option<i64>,
    /// The project whose requirements ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<i64>,
    /// The item of the requirements, such as `R-12`. Answering or skipping (with no value) is an edit of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    pub prompt: String,
    pub required_keys: Vec<String>,
    #[schema(value_type = Vec<FieldSchema>)]
    pub fields: Vec<orch_core::info_request::Field>,
    /// pending, resolved or cancelled.
    #[schema(value_type = String, example = "pending")]
    pub status: Status,
    /// The answers; secret ones are redacted unless the agent's secret is presented.
    pub responses: Option<BTreeMap<String, String>>,
    pub created_at: String,
    pub resolved_at: Option<String>,
}

/// How a field reads in the API.
#[derive(ToSchema)]
#[schema(as = Field)]
#[expect(
    dead_code,
    reason = "describes orch_core::info_request::Field, which knows no OpenAPI"
)]
pub struct FieldSchema {
    #[schema(min_length = 1, max_length = 128)]
    key: String,
    label: Option<String>,
    /// text, multiline, number, boolean or choice.
    #[schema(default = "text")]
    r#type: Option<String>,
    #[schema(default = true)]
    secret: Option<bool>,
    #[schema(default = true)]
    required: Option<bool>,
    options: Option<Vec<String>>,
}

/// A question: keys, or typed fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInfoRequest {
    /// 1 byte to 8 KiB.
    #[schema(min_length = 1, max_length = 8192)]
    pub prompt: String,
    /// Each becomes a secret text field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_keys: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<FieldSchema>>)]
    pub fields: Option<Vec<orch_core::info_request::Field>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
}

/// Answers by key. Numbers and booleans are taken as their text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Respond {
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub values: BTreeMap<String, Value>,
}
