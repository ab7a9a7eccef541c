//! What a model is asked for: where its cost counts, and who is named in the audit chain.

use orch_core::ids::{ProjectId, RunId, WorkItemId};
use orch_store::budget::Levels;

/// The work that a call belongs to. What is absent is not charged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purpose {
    /// Who wants it, as audit entries name them.
    pub actor: String,
    pub project: Option<ProjectId>,
    /// A version of the project's plan.
    pub plan: Option<i64>,
    pub work_item: Option<WorkItemId>,
    pub run: Option<RunId>,
    /// The row of a request to the team, and its name.
    pub request: Option<(i64, String)>,
}

impl Purpose {
    /// Something that is asked for a project as a whole.
    #[must_use]
    pub fn of_project(actor: impl Into<String>, project: ProjectId) -> Self {
        Self {
            actor: actor.into(),
            project: Some(project),
            ..Self::default()
        }
    }

    /// Something whose cost counts at these levels, if at any.
    #[must_use]
    pub fn at(actor: impl Into<String>, levels: Option<Levels>) -> Self {
        Self {
            actor: actor.into(),
            project: levels.map(|levels| levels.project),
            plan: levels.and_then(|levels| levels.plan),
            work_item: levels.and_then(|levels| levels.work_item).map(WorkItemId),
            run: levels.and_then(|levels| levels.run).map(RunId),
            request: None,
        }
    }

    /// Where its cost counts; nowhere without a project.
    #[must_use]
    pub fn levels(&self) -> Option<Levels> {
        Some(Levels {
            project: self.project?,
            plan: self.plan,
            work_item: self.work_item.map(WorkItemId::get),
            run: self.run.map(RunId::get),
        })
    }
}
