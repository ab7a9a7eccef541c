//! Work that ends between a version and its approval: it was done for the text that it began with, and must
//! not count for the one that the version has it serve.

use std::collections::BTreeMap;

use orch_core::breakdown::Finished;
use orch_core::ids::ProjectId;
use orch_store::plan::Plan;
use orch_store::requirements::Requirements;

use super::version::breakdown;
use crate::app::requirements::document;
use crate::app::{AppError, Result};

/// How many tasks a message names.
const MOST_NAMED: usize = 20;

/// By task: the requirements of which a version has it serve another text than it is worked on for.
#[derive(Clone, Debug, Default)]
pub(super) struct Otherwise(BTreeMap<String, Vec<String>>);

impl Otherwise {
    /// What `version` says otherwise than the version that is worked on, which serves `served`.
    pub fn of(version: &Plan, approved: Option<&(Plan, Option<Requirements>)>) -> Result<Self> {
        let Some((approved, served)) = approved.filter(|(one, _)| one.id != version.id) else {
            return Ok(Self::default());
        };
        let mut before = breakdown(approved)?;
        if let Some(served) = served {
            before.remember(&document(served)?.items);
        }
        Ok(Self(breakdown(version)?.told_otherwise(&before)))
    }

    /// Refuses the approval where one of these is done by now.
    pub fn refuse(&self, version: i64, project: ProjectId, done: &Finished) -> Result<()> {
        let ended = self.0.iter().filter(|(task, _)| done.contains(task));
        let ended: Vec<String> = ended
            .map(|(task, requirements)| format!("{task} ({})", requirements.join(", ")))
            .collect();
        if ended.is_empty() {
            return Ok(());
        }
        let named = ended[..ended.len().min(MOST_NAMED)].join(", ");
        let more = match ended.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!(
            "work ended since plan {version} was made, and was done for what requirements said before: {named}{more}; POST /projects/{project}/tasks/plan makes a version that keeps it and has their new texts served"
        );
        Err(AppError::conflict("plan_work_ended", message))
    }
}
