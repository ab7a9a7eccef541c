//! Projects and their quotas.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::present;

/// A project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Project {
    pub id: i64,
    pub name: String,
    pub description: String,
    /// Its part of the agents' slots beside a project of weight 1.
    pub weight: u32,
    /// Runs that may be open at once; `null` is unlimited.
    pub max_concurrent_runs: Option<u32>,
    /// Where runs get their files from; `null` is nowhere: they begin in an empty folder, or in a
    /// copy of the agent's own.
    #[serde(default)]
    pub repository: Option<Repository>,
    pub created_at: String,
}

/// A repository that runs work on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// https, http on loopback, file or ssh, without credentials.
    #[schema(max_length = 2000, example = "https://git.example/team/app.git")]
    pub url: String,
    /// A branch, a tag or a commit; the repository's default branch when it is left out.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub reference: Option<String>,
}

/// A project to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// 1 to 200 characters, one line.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[serde(default)]
    pub description: Option<String>,
    /// Its part of the agents' slots beside a project of weight 1; 1 when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub weight: Option<u32>,
    /// Runs that may be open at once; unlimited when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub max_concurrent_runs: Option<u32>,
    /// Where runs get their files from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<Repository>,
}

/// A change of a project; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateProject {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub weight: Option<u32>,
    /// `null` takes the limit away.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1_000_000)]
    pub max_concurrent_runs: Option<Option<u32>>,
    /// `null` takes it away.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<Repository>)]
    pub repository: Option<Option<Repository>>,
}

/// How many runs may start per UTC day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Quota {
    pub project_id: i64,
    /// `null` is unlimited.
    pub max_runs_per_day: Option<u32>,
    pub runs_today: u32,
    /// Midnight UTC of the day that is counted.
    pub window_start: String,
}

/// A quota to be; `null` is unlimited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetQuota {
    #[serde(deserialize_with = "required_option")]
    #[schema(required, maximum = 1_000_000)]
    pub max_runs_per_day: Option<u32>,
}

/// A field that must be there, though it may be `null`.
fn required_option<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    Option::deserialize(from)
}
