//! Which requirements a plan has to serve, and which ones wait.

use crate::requirements::{ItemKind, Priority, Requirement};

/// What a requirement asks of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// At least one task has to serve it.
    Demanded,
    /// It asks for work, but not in the first version.
    Later {
        /// What says so.
        reason: String,
    },
    /// It asks for no work by itself: a goal, a risk, a question, or what is left out.
    NoWork,
}

/// What `item` asks of the plan: functional needs, scope, qualities, constraints and success criteria of
/// priority must or should that the first version is not cut of.
pub fn standing(item: &Requirement) -> Standing {
    match item.kind {
        ItemKind::Functional
        | ItemKind::Scope
        | ItemKind::NonFunctional
        | ItemKind::Constraint
        | ItemKind::SuccessCriterion => {}
        ItemKind::Goal | ItemKind::OutOfScope | ItemKind::Risk | ItemKind::OpenQuestion => {
            return Standing::NoWork;
        }
    }
    match (&item.mvp, item.priority) {
        (Some(mvp), _) if !mvp.included => Standing::Later {
            reason: mvp.reason.clone(),
        },
        (_, Priority::Must | Priority::Should) => Standing::Demanded,
        (_, priority @ (Priority::Could | Priority::Wont)) => Standing::Later {
            reason: format!("its priority is {}", priority.name()),
        },
    }
}

/// The requirements that ask for work, but not in the first version, each with what says so.
pub fn later(items: &[Requirement]) -> Vec<(&Requirement, String)> {
    items
        .iter()
        .filter_map(|item| match standing(item) {
            Standing::Later { reason } => Some((item, reason)),
            Standing::Demanded | Standing::NoWork => None,
        })
        .collect()
}
