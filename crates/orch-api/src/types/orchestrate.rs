//! Requests to several roles in turn (`/api/orchestrate`), and the sessions that they belong to.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::results::Results;

/// What is asked of whom.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrchestration {
    /// What is wanted, in plain words; at most 256 KiB.
    #[schema(example = "Create a simple HTTP server in Node.js")]
    pub prompt: String,
    /// What the roles should know: language, framework, conventions, code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"language": "javascript", "framework": "express"}))]
    pub context: Option<Value>,
    /// The roles in their order, 1 to 16; one may be named again. `GET /api/agents` lists them.
    #[schema(example = json!(["spec", "code", "reviewer"]))]
    pub agent_sequence: Vec<String>,
    /// Wishes that concern the way, such as `test_framework`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"test_framework": "jest", "coverage_goals": "80%"}))]
    pub options: Option<Value>,
    /// The session that it goes on with (a UUID): its last results are told to the roles. One that nobody used
    /// before begins under this name; one with a name of its own where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// A name for the request (a UUID), so that it can be watched and cancelled from elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The project whose money is spent: its budget must hold, and its costs show what this cost. `options.project`
    /// says the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<i64>,
    /// The work item that it is for: its budget must hold too, and those of its plan and its project, which are found
    /// by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_item_id: Option<i64>,
    /// The run that it is for, whose work item, plan and project are found by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<i64>,
    /// Answer with server-sent events as it goes on, as `Accept: text/event-stream` does.
    #[serde(default)]
    pub stream: bool,
}

/// A request and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Orchestration {
    pub request_id: String,
    pub session_id: String,
    /// `running`, `completed`, `failed` or `cancelled`.
    pub status: String,
    /// What each role wrote, by its name, in the order asked; a role that was asked twice stands there as `code` and `code_2`.
    #[schema(value_type = Object)]
    pub result: Results,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<OrchestrationError>,
    pub metadata: OrchestrationMetadata,
}

/// Which role failed, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrchestrationError {
    /// The role as the sequence shows it; none where no role is to blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    pub reason: String,
    /// When to ask again: as the model said, or, at a usage limit of which nobody says when it lifts, in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
}

/// When, how long and by whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrchestrationMetadata {
    pub start_time: String,
    /// None while it runs.
    pub end_time: Option<String>,
    pub duration_ms: u64,
    /// The roles in their order, as people write them: `["Spec", "Code", "Reviewer"]`.
    pub agent_sequence: Vec<String>,
    pub success: bool,
    /// Each of them in detail, in the same order.
    pub agents: Vec<AgentReport>,
}

/// One role's part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentReport {
    /// The role as the sequence shows it.
    pub agent: String,
    /// Where its words stand in `result`.
    pub key: String,
    /// `waiting`, `running`, `completed`, `failed`, `cancelled` or `skipped`.
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// The part of it in which the model was waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(default)]
    pub input_tokens: u64,
    #[serde(default)]
    pub output_tokens: u64,
    /// Millionths of a US dollar; none where the model has no price, or none was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_microusd: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What is wrong with words that count nevertheless: that they were cut at the bound of tokens, say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A request as lists show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrchestrationSummary {
    pub request_id: String,
    pub session_id: String,
    pub status: String,
    /// Its first 200 characters.
    pub prompt: String,
    pub agent_sequence: Vec<String>,
    pub start_time: String,
    pub end_time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<OrchestrationError>,
}

/// A conversation with the team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrchestrationSession {
    pub session_id: String,
    /// Whether a request of it runs.
    pub active: bool,
    pub requests: u64,
    pub created_at: String,
    pub used_at: String,
    pub created_by: String,
}

/// A role that can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentRole {
    /// As requests name it.
    pub name: String,
    /// As answers show it.
    pub title: String,
    pub about: String,
    /// The model that it asks; none where none is set.
    pub model: Option<String>,
}

/// What a model was asked for a request, and what it answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelCall {
    pub role: String,
    pub model: String,
    #[schema(value_type = Object)]
    pub ask: Value,
    #[schema(value_type = Option<Object>)]
    pub answer: Option<Value>,
    pub error: Option<String>,
    pub input_tokens: u64,
    pub cached_tokens: u64,
    pub output_tokens: u64,
    /// Millionths of a US dollar; none where the model has no price.
    pub cost_microusd: Option<u64>,
    pub started_at: String,
    pub latency_ms: u64,
}
