//! The JSON of the REST API, one module per noun. Timestamps are RFC 3339 UTC, durations are
//! seconds, ids are integers.

pub mod agent;
pub mod approval;
pub mod audit;
pub mod budget;
pub mod dry_run;
pub mod import;
pub mod info_request;
pub mod log;
pub mod model;
pub mod observability;
pub mod orchestrate;
pub mod plan;
pub mod project;
pub mod queue;
pub mod requirements;
pub mod results;
pub mod role;
pub mod run;
pub mod secret;
pub mod steer;
pub mod vision;
pub mod work_item;

mod present;

use present::present;
