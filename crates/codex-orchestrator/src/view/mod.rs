//! How each noun of the API looks in a table and on its own.

mod agent;
mod approval;
mod audit;
pub mod dry_run;
mod info_request;
mod orchestrate;
mod plan;
mod project;
mod queue;
mod requirements;
mod run;
mod secret;
mod tone;
mod work_item;

pub use tone::of_status;
