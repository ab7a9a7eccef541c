//! The working set: the rows that a batch of commands touches, and what they changed.

use std::collections::{BTreeSet, HashMap};

use super::{Occupancy, Refusal};
use crate::approval::Approval;
use crate::entropy::Entropy;
use crate::event::{Data, Event};
use crate::ids::{ApprovalId, ProjectId, QueueEntryId, RunId, WorkItemId};
use crate::project::Project;
use crate::queue::QueueEntry;
use crate::rules::Rules;
use crate::run::Run;
use crate::time::Timestamp;
use crate::work_item::WorkItem;

/// What a decision depends on besides the rows.
pub struct Ctx<'a> {
    pub now: Timestamp,
    pub actor: &'a str,
    pub rules: &'a Rules,
    pub entropy: &'a mut Entropy,
}

/// The ids that the next new rows get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextIds {
    pub work_item: i64,
    pub entry: i64,
    pub run: i64,
}

/// The loaded rows.
#[derive(Debug)]
pub struct Working {
    pub projects: HashMap<ProjectId, Project>,
    pub items: HashMap<WorkItemId, WorkItem>,
    pub entries: HashMap<QueueEntryId, QueueEntry>,
    /// The queued or running entry of an item.
    pub open_entries: HashMap<WorkItemId, QueueEntryId>,
    pub runs: HashMap<RunId, Run>,
    /// Queued entries that still wait for an item.
    pub dependents: HashMap<WorkItemId, BTreeSet<QueueEntryId>>,
    /// Items that a queued entry's item still waits for.
    pub waits_for: HashMap<WorkItemId, BTreeSet<WorkItemId>>,
    pub approvals: HashMap<WorkItemId, Vec<Approval>>,
    /// What is under way in each project in which something may start.
    pub occupancy: HashMap<ProjectId, Occupancy>,
    /// The highest pass of all projects, loaded or not.
    pub virtual_time: u64,
    pub next: NextIds,
    pub changes: Changes,
}

/// What to save.
#[derive(Debug, Default)]
pub struct Changes {
    pub new_items: BTreeSet<WorkItemId>,
    pub items: BTreeSet<WorkItemId>,
    pub new_entries: BTreeSet<QueueEntryId>,
    pub entries: BTreeSet<QueueEntryId>,
    pub new_runs: BTreeSet<RunId>,
    pub runs: BTreeSet<RunId>,
    pub projects: BTreeSet<ProjectId>,
    pub approvals: BTreeSet<(WorkItemId, ApprovalId)>,
    /// Unmet dependencies that came.
    pub new_dependencies: Vec<(QueueEntryId, WorkItemId)>,
    /// Dependencies that were met when they came: kept to be shown.
    pub met_dependencies: Vec<(QueueEntryId, WorkItemId)>,
    /// Items whose dependents' edges are met.
    pub met: BTreeSet<WorkItemId>,
    /// Entries that were given up: their edges count no more.
    pub dropped: BTreeSet<QueueEntryId>,
    /// Runs that ended while they waited for a person: their questions are void.
    pub abandoned: BTreeSet<RunId>,
    /// Each with the actor that caused it.
    pub events: Vec<(String, Event)>,
}

impl Changes {
    /// Nothing was changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
            && self.entries.is_empty()
            && self.runs.is_empty()
            && self.projects.is_empty()
            && self.approvals.is_empty()
            && self.events.is_empty()
    }
}

impl Working {
    #[must_use]
    pub fn new(next: NextIds) -> Self {
        Self {
            projects: HashMap::new(),
            items: HashMap::new(),
            entries: HashMap::new(),
            open_entries: HashMap::new(),
            runs: HashMap::new(),
            dependents: HashMap::new(),
            waits_for: HashMap::new(),
            approvals: HashMap::new(),
            occupancy: HashMap::new(),
            virtual_time: 0,
            next,
            changes: Changes::default(),
        }
    }

    /// # Errors
    /// When the project does not exist.
    pub fn project(&self, id: ProjectId) -> Result<&Project, Refusal> {
        self.projects.get(&id).ok_or(Refusal::NotFound {
            noun: "project",
            id: id.get(),
        })
    }

    /// # Errors
    /// When the work item does not exist.
    pub fn item(&self, id: WorkItemId) -> Result<&WorkItem, Refusal> {
        self.items.get(&id).ok_or(Refusal::NotFound {
            noun: "work item",
            id: id.get(),
        })
    }

    /// # Errors
    /// When the run does not exist.
    pub fn run(&self, id: RunId) -> Result<&Run, Refusal> {
        self.runs.get(&id).ok_or(Refusal::NotFound {
            noun: "run",
            id: id.get(),
        })
    }

    /// The open entry of an item.
    #[must_use]
    pub fn open_entry(&self, item: WorkItemId) -> Option<&QueueEntry> {
        self.open_entries
            .get(&item)
            .and_then(|id| self.entries.get(id))
    }

    pub(super) fn item_mut(&mut self, id: WorkItemId) -> Result<&mut WorkItem, Refusal> {
        let item = self.items.get_mut(&id).ok_or(Refusal::NotFound {
            noun: "work item",
            id: id.get(),
        })?;
        self.changes.items.insert(id);
        Ok(item)
    }

    pub(super) fn run_mut(&mut self, id: RunId) -> Result<&mut Run, Refusal> {
        let run = self.runs.get_mut(&id).ok_or(Refusal::NotFound {
            noun: "run",
            id: id.get(),
        })?;
        self.changes.runs.insert(id);
        Ok(run)
    }

    pub(super) fn entry_mut(&mut self, id: QueueEntryId) -> Result<&mut QueueEntry, Refusal> {
        let entry = self.entries.get_mut(&id).ok_or(Refusal::NotFound {
            noun: "queue entry",
            id: id.get(),
        })?;
        self.changes.entries.insert(id);
        Ok(entry)
    }

    pub(super) fn record(
        &mut self,
        ctx: &Ctx<'_>,
        kind: &'static str,
        project: ProjectId,
        data: Data,
    ) {
        self.changes
            .events
            .push((ctx.actor.to_owned(), Event::new(kind, project, data)));
    }
}
