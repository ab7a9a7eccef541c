//! What runs when a work item has no recipe, and the contract with a planning model.
//!
//! Owns the inference from title and workspace, the cloud hints, the planner's prompt and the
//! reading of its answer, and the canonical bytes of steps that an approval binds. Nothing here
//! runs a command, reads a file or makes a step up that the workspace does not offer.

mod canonical;
mod cloud;
mod ecosystem;
mod facts;
mod infer;
mod llm;
mod make;
mod prompt;
mod request;
mod scope;
mod verb;

#[cfg(test)]
mod tests;

pub use canonical::canonical_steps;
pub use cloud::{Cloud, InputKind, InputSpec, cloud_hints};
pub use facts::WorkspaceFacts;
pub use infer::{Plan, infer};
pub use llm::{LlmPlanError, parse_llm_plan};
pub use prompt::prompt;
pub use verb::Verb;
