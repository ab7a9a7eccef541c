//! Which fields of a task persons, or a replan, set: proposals leave these as they are, and no others.

use serde::{Deserialize, Serialize};

use super::model::{Breakdown, Task};

/// A field of a task that proposals draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskField {
    Story,
    Title,
    Description,
    Kind,
    Role,
    Capabilities,
    Tools,
    Requirements,
    Acceptance,
    DependsOn,
    Estimate,
}

impl TaskField {
    pub(super) const ALL: [Self; 11] = [
        Self::Story,
        Self::Title,
        Self::Description,
        Self::Kind,
        Self::Role,
        Self::Capabilities,
        Self::Tools,
        Self::Requirements,
        Self::Acceptance,
        Self::DependsOn,
        Self::Estimate,
    ];

    /// Its name in what is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Story => "story",
            Self::Title => "title",
            Self::Description => "description",
            Self::Kind => "kind",
            Self::Role => "role",
            Self::Capabilities => "capabilities",
            Self::Tools => "tools",
            Self::Requirements => "requirements",
            Self::Acceptance => "acceptance",
            Self::DependsOn => "depends_on",
            Self::Estimate => "estimate",
        }
    }

    /// Takes this field over.
    pub(super) fn copy(self, from: &Task, to: &mut Task) {
        match self {
            Self::Story => to.story.clone_from(&from.story),
            Self::Title => to.title.clone_from(&from.title),
            Self::Description => to.description.clone_from(&from.description),
            Self::Kind => to.kind = from.kind,
            Self::Role => to.role.clone_from(&from.role),
            Self::Capabilities => to.capabilities.clone_from(&from.capabilities),
            Self::Tools => to.tools.clone_from(&from.tools),
            Self::Requirements => to.requirements.clone_from(&from.requirements),
            Self::Acceptance => to.acceptance.clone_from(&from.acceptance),
            Self::DependsOn => to.depends_on.clone_from(&from.depends_on),
            Self::Estimate => to.estimate = from.estimate,
        }
    }

    /// Whether the two differ in it.
    pub(super) fn differs(self, a: &Task, b: &Task) -> bool {
        match self {
            Self::Story => a.story != b.story,
            Self::Title => a.title != b.title,
            Self::Description => a.description != b.description,
            Self::Kind => a.kind != b.kind,
            Self::Role => a.role != b.role,
            Self::Capabilities => a.capabilities != b.capabilities,
            Self::Tools => a.tools != b.tools,
            Self::Requirements => a.requirements != b.requirements,
            Self::Acceptance => a.acceptance != b.acceptance,
            Self::DependsOn => a.depends_on != b.depends_on,
            Self::Estimate => a.estimate != b.estimate,
        }
    }
}

impl Breakdown {
    /// Whether proposals leave this field of the task alone. A task that is marked as edited and of which no
    /// fields are remembered is left alone as a whole.
    pub(super) fn owns(&self, task: &Task, field: TaskField) -> bool {
        task.edited
            && self
                .own
                .get(&task.id)
                .is_none_or(|own| own.contains(&field))
    }

    /// Remembers that the field of the task in this place is set by hand.
    pub(super) fn take_over(&mut self, at: usize, fields: &[TaskField]) {
        let task = &mut self.tasks[at];
        if task.edited && !self.own.contains_key(&task.id) {
            return;
        }
        task.edited = true;
        let own = self.own.entry(task.id.clone()).or_default();
        own.extend(fields);
    }

    /// `drafted` with the fields of `old`, its version before, that are set by hand.
    pub(super) fn with_own(&self, old: &Task, mut drafted: Task) -> Task {
        for field in TaskField::ALL {
            if self.owns(old, field) {
                field.copy(old, &mut drafted);
            }
        }
        drafted.edited = old.edited;
        drafted
    }

    /// Forgets the fields of tasks that are gone.
    pub(super) fn forget_gone(&mut self) {
        let ids: std::collections::HashSet<&String> =
            self.tasks.iter().map(|task| &task.id).collect();
        self.own.retain(|id, _| ids.contains(id));
        self.served.retain(|id, _| ids.contains(id));
    }
}
