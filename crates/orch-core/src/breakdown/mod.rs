//! Plans: what the approved requirements are broken down into (epics, stories and tasks), the faults of
//! such a graph, when it can be done, how it is edited, compared, redone and drawn.
//!
//! **Invariant:** everything here is a function of its arguments, and every walk over the graph is
//! linear in its tasks and dependencies, or sorts them.

mod adapt;
mod added;
mod by_model;
mod check;
mod checks;
mod commands;
mod difference;
mod digest;
pub mod draw;
mod edit;
mod edit_fields;
mod graph;
mod history;
mod impact;
mod left_over;
mod list;
mod merge;
mod model;
mod offers;
mod own;
mod propose;
mod renew;
mod renew_shared;
mod replan;
mod rewire;
mod schedule;
mod serving;
mod simulate;
mod standing;
mod texts;
mod wholes;

#[cfg(test)]
mod adapt_tests;
#[cfg(test)]
mod kept_tests;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod renew_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod visions_tests;
#[cfg(test)]
mod wholes_tests;

pub use adapt::adapt;
pub use by_model::{
    NothingUsable, PlanBrief, PlanFailure, PlanMaterialTooLarge, SuggestedCriterion, SuggestedEpic,
    SuggestedEstimate, SuggestedPlan, SuggestedStory, SuggestedTask, TaskFailure, plan_material,
    plan_of_model,
};
pub use check::Fault;
pub use checks::Checks;
pub use difference::{Changed, Dependency, Difference, Entries, FieldChange, difference};
pub use edit::{Edit, EditFault, MOST_EDITS, edit};
pub use history::{ACCEPTANCE, Done, FEWEST_MEASURED, History, Measured};
pub use impact::{ChangeKind, Impact, Touched, impact};
pub use list::ForWorkers;
pub use merge::merge;
pub use model::{
    Breakdown, Criterion, Epic, Estimate, Finished, LONGEST_ESTIMATE_MINUTES, LONGEST_TEXT,
    LONGEST_TITLE, MOST_CRITERIA, MOST_DEPENDENCIES, MOST_EPICS, MOST_NAMES, MOST_REQUIREMENTS,
    MOST_STORIES, MOST_TASKS, Origin, ROLES, Story, Task,
};
pub use offers::{Offer, PROGRAMS, TOOLS_LABEL, unknown};
pub use own::TaskField;
pub use propose::propose;
pub use replan::{ReplanFault, Replanned, left_as_it_was, replan, tell};
pub use schedule::{Bands, Basis, Group, Schedule, Timed, schedule, schedule_for};
pub use standing::{Standing, later, standing};
