//! Plans: versions, edits of them, and how they compare.

mod comparison;
mod edit;
mod version;

pub use comparison::{
    PlanChange, PlanDependency, PlanDifference, PlanFieldChange, PlanGraph, PlanImpact, PlanNamed,
    PlanNode, PlanRun, PlanRunChange, PlanTest, PlanTouched,
};
pub use edit::{EditPlan, PlanEdit, PlanEditOp};
pub use version::{
    ApprovePlan, ApprovedPlan, Plan, PlanBands, PlanBasis, PlanCriterion, PlanEpic, PlanEstimate,
    PlanFault, PlanGroup, PlanLater, PlanProgress, PlanSchedule, PlanStatus, PlanStory, PlanTask,
    PlanTimed, PlanVersion, PlanWorkers, ProposePlan, Replan,
};
