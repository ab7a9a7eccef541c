//! A plan as a model proposes it: what it is shown, what it answers, and what becomes of the answer.
//!
//! **Invariant:** the answer is untrusted text. Nothing of it is an instruction, an id or a decision; all of
//! it is cleaned and bounded, and what is demanded but not served by it gets the tasks of the rules.

mod gaps;
mod keys;
mod material;
mod read;
mod suggested;

#[cfg(test)]
mod tests;

pub(super) use gaps::{Wholes, fill};
pub(super) use material::of_failure;
pub use material::{PlanBrief, PlanFailure, PlanMaterialTooLarge, TaskFailure, plan_material};
pub use read::{NothingUsable, plan_of_model};
pub use suggested::{
    SuggestedCriterion, SuggestedEpic, SuggestedEstimate, SuggestedPlan, SuggestedStory,
    SuggestedTask,
};
