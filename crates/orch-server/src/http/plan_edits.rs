//! Edits of a plan as the API takes them, parsed into the core's. Each fault is named with its edit.

use orch_api::types::plan::{PlanCriterion, PlanEdit, PlanEditOp as Op};
use orch_core::breakdown::{Criterion, Edit, Estimate};
use orch_core::info_request::Fault;
use orch_core::work_item::Kind;

use crate::app::AppError;

/// The role of a new task for which none is named.
const USUAL_ROLE: &str = "developer";

type Wrong = (&'static str, String);

/// All of them, or every fault.
pub fn edits(given: &[PlanEdit]) -> Result<Vec<Edit>, AppError> {
    let mut parsed = Vec::with_capacity(given.len());
    let mut faults = Vec::new();
    for (at, edit) in given.iter().enumerate() {
        match one(edit) {
            Ok(edit) => parsed.push(edit),
            Err((field, message)) => faults.push(Fault {
                field: format!("edits[{at}].{field}"),
                message,
            }),
        }
    }
    if faults.is_empty() {
        Ok(parsed)
    } else {
        Err(AppError::faults("the edits cannot be made", faults))
    }
}

fn one(edit: &PlanEdit) -> Result<Edit, Wrong> {
    Ok(match edit.op {
        Op::AddEpic => Edit::AddEpic {
            title: needed("title", &edit.title)?,
        },
        Op::AddStory => Edit::AddStory {
            epic: needed("epic", &edit.epic)?,
            title: needed("title", &edit.title)?,
            requirements: edit.requirements.clone().unwrap_or_default(),
        },
        Op::AddTask => Edit::AddTask {
            story: needed("story", &edit.story)?,
            title: needed("title", &edit.title)?,
            role: edit.role.clone().unwrap_or_else(|| USUAL_ROLE.to_owned()),
            description: edit.description.clone().unwrap_or_default(),
            kind: kind(edit)?.unwrap_or_default(),
            capabilities: edit.capabilities.clone().unwrap_or_default(),
            tools: edit.tools.clone().unwrap_or_default(),
            requirements: edit.requirements.clone().unwrap_or_default(),
            acceptance: edit.acceptance.as_deref().map_or_else(Vec::new, criteria),
            depends_on: edit.depends_on.clone().unwrap_or_default(),
            estimate: estimate(edit)?,
        },
        Op::ChangeTask => Edit::ChangeTask {
            id: needed("id", &edit.id)?,
            story: edit.story.clone(),
            title: edit.title.clone(),
            description: edit.description.clone(),
            kind: kind(edit)?,
            role: edit.role.clone(),
            capabilities: edit.capabilities.clone(),
            tools: edit.tools.clone(),
            requirements: edit.requirements.clone(),
            acceptance: edit.acceptance.as_deref().map(criteria),
        },
        Op::RemoveTask => Edit::RemoveTask {
            id: needed("id", &edit.id)?,
        },
        Op::AddDependency => Edit::AddDependency {
            task: needed("task", &edit.task)?,
            on: needed("on", &edit.on)?,
        },
        Op::RemoveDependency => Edit::RemoveDependency {
            task: needed("task", &edit.task)?,
            on: needed("on", &edit.on)?,
        },
        Op::SetEstimate => Edit::SetEstimate {
            id: needed("id", &edit.id)?,
            low_minutes: needed("low_minutes", &edit.low_minutes)?,
            likely_minutes: needed("likely_minutes", &edit.likely_minutes)?,
            high_minutes: needed("high_minutes", &edit.high_minutes)?,
        },
        Op::RenameEpic => Edit::RenameEpic {
            id: needed("id", &edit.id)?,
            title: needed("title", &edit.title)?,
        },
        Op::RenameStory => Edit::RenameStory {
            id: needed("id", &edit.id)?,
            title: needed("title", &edit.title)?,
        },
    })
}

fn needed<T: Clone>(field: &'static str, value: &Option<T>) -> Result<T, Wrong> {
    value
        .clone()
        .ok_or_else(|| (field, format!("is missing; this edit needs `{field}`")))
}

fn kind(edit: &PlanEdit) -> Result<Option<Kind>, Wrong> {
    let parsed = edit.kind.as_ref().map(|name| {
        Kind::parse(name).ok_or_else(|| {
            let names = Kind::NAMES.join(", ");
            ("kind", format!("must be one of {names}"))
        })
    });
    parsed.transpose()
}

/// All three numbers, or none.
fn estimate(edit: &PlanEdit) -> Result<Option<Estimate>, Wrong> {
    let given = [edit.low_minutes, edit.likely_minutes, edit.high_minutes];
    if given.iter().all(Option::is_none) {
        return Ok(None);
    }
    Ok(Some(Estimate {
        low_minutes: needed("low_minutes", &edit.low_minutes)?,
        likely_minutes: needed("likely_minutes", &edit.likely_minutes)?,
        high_minutes: needed("high_minutes", &edit.high_minutes)?,
    }))
}

fn criteria(given: &[PlanCriterion]) -> Vec<Criterion> {
    let parsed = given.iter().map(|criterion| Criterion {
        text: criterion.text.clone(),
        command: criterion.command.clone(),
    });
    parsed.collect()
}
