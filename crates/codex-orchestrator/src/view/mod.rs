//! How each noun of the API looks in a table and on its own.

mod agent;
mod approval;
mod audit;
mod budget;
pub mod dry_run;
mod import;
mod info_request;
mod model;
mod orchestrate;
pub mod plan;
mod project;
mod queue;
mod requirements;
mod role;
mod run;
mod secret;
mod tone;
mod work_item;

pub use tone::of_status;
