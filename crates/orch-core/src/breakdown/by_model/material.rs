//! What a model is shown for a plan: the approved requirements, the architecture, what existing code is checked
//! by, the version before, and what failed, each between marks that no text can forge.

use std::fmt::Write as _;

use thiserror::Error;

use super::super::checks::Checks;
use super::super::model::{Breakdown, Finished, Task};
use super::super::standing::{Standing, standing};
use crate::requirements::{
    Document, LARGEST_MATERIAL_BYTES, Material, Requirement, cleaned, fenced,
};

/// Characters of a requirement that are shown.
const LONGEST_SHOWN: usize = 4_000;
/// Characters of a title or a summary that are shown.
const LONGEST_LINE: usize = 400;
/// Of the tasks that failed so many are shown, and so much of the log of each.
const MOST_FAILED: usize = 20;
const LARGEST_LOG_BYTES: usize = 4 * 1024;
/// Of the version before, so much is shown.
const LARGEST_BEFORE_BYTES: usize = 128 * 1024;

/// The requirements are larger than what is shown to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the approved requirements have {bytes} bytes of text, and a model is shown at most {LARGEST_MATERIAL_BYTES}"
)]
pub struct PlanMaterialTooLarge {
    pub bytes: usize,
}

/// What a model is told.
#[derive(Debug, Clone, Copy)]
pub struct PlanBrief<'a> {
    pub document: &'a Document,
    /// What existing code is checked by.
    pub checks: &'a Checks,
    pub previous: Option<&'a Breakdown>,
    pub kept: &'a Finished,
    /// Why it is planned anew, where it is.
    pub failure: Option<&'a PlanFailure>,
}

/// Why a plan is made anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanFailure {
    pub reason: String,
    pub tasks: Vec<TaskFailure>,
}

/// A task that failed, and the end of what its last run said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFailure {
    /// `T-3`.
    pub task: String,
    /// Why the platform ended the run, where it says so.
    pub why: String,
    pub log: Vec<String>,
}

/// Fences the requirements, the architecture, the commands of existing code, the version before, and why
/// it is planned anew.
///
/// # Errors
/// When the requirements are too large.
pub fn plan_material(brief: PlanBrief<'_>) -> Result<Material, PlanMaterialTooLarge> {
    let PlanBrief {
        document,
        checks,
        previous,
        kept,
        failure,
    } = brief;
    let requirements: String = document.items.iter().map(line).collect();
    let bytes = requirements.len();
    if bytes > LARGEST_MATERIAL_BYTES {
        return Err(PlanMaterialTooLarge { bytes });
    }
    let mut parts = vec![("REQUIREMENTS".to_owned(), requirements)];
    let chosen = document.options.iter();
    let chosen = chosen.filter(|option| Some(&option.name) == document.chosen_option.as_ref());
    let chosen: String = chosen
        .map(|option| {
            let said = format!("{}: {}", option.title, option.summary);
            format!("{}\n", cleaned(&said, LONGEST_LINE))
        })
        .collect();
    if !chosen.is_empty() {
        parts.push(("ARCHITECTURE".to_owned(), chosen));
    }
    if !checks.is_empty() {
        parts.push(("CHECKS".to_owned(), checks.lines()));
    }
    if let Some(before) = previous.map(|plan| before(plan, kept)) {
        parts.push(("BEFORE".to_owned(), before));
    }
    if let Some(failure) = failure {
        parts.push(("REASON".to_owned(), format!("{}\n", failure.reason)));
        let tasks = failure.tasks.iter().take(MOST_FAILED);
        parts.extend(tasks.map(|task| {
            (
                format!("FAILED {}", cleaned(&task.task, 20)),
                of_failure(task),
            )
        }));
    }
    Ok(fenced(parts))
}

/// The end of what the run said, as far as it fits.
pub fn of_failure(failure: &TaskFailure) -> String {
    let mut lines = Vec::new();
    let mut left = LARGEST_LOG_BYTES;
    for line in failure.log.iter().rev() {
        let line = cleaned(line, LONGEST_LINE);
        let Some(rest) = left.checked_sub(line.len() + 1) else {
            break;
        };
        left = rest;
        lines.push(line);
    }
    lines.reverse();
    let why = match failure.why.is_empty() {
        true => String::new(),
        false => format!("ended: {}\n", cleaned(&failure.why, LONGEST_LINE)),
    };
    let log: String = lines.iter().map(|line| format!("{line}\n")).collect();
    match log.is_empty() && why.is_empty() {
        true => "nothing is known of it\n".to_owned(),
        false => format!("{why}{log}"),
    }
}

fn line(item: &Requirement) -> String {
    let asks = match standing(item) {
        Standing::Demanded => "demanded",
        Standing::Later { .. } => "later",
        Standing::NoWork => "context",
    };
    let text = cleaned(&item.text, LONGEST_SHOWN);
    let answer = item.answer.as_ref().and_then(|answer| answer.text.as_ref());
    let answer = answer.map_or_else(String::new, |answer| {
        format!(" -> answered: {}", cleaned(answer, LONGEST_SHOWN))
    });
    format!(
        "{} ({}, {}, {asks}): {text}{answer}\n",
        item.id,
        item.kind.name(),
        item.priority.name()
    )
}

/// The version before, as far as it fits: what persons touched and what is done comes with its state.
fn before(plan: &Breakdown, kept: &Finished) -> String {
    let epics = plan
        .epics
        .iter()
        .map(|epic| format!("{}: {}\n", epic.id, cleaned(&epic.title, LONGEST_LINE)));
    let stories = plan.stories.iter().map(|story| {
        let title = cleaned(&story.title, LONGEST_LINE);
        format!("{} (of {}): {title}\n", story.id, story.epic)
    });
    let tasks = plan.tasks.iter().map(|task| of_task(task, kept));
    let removed = plan.removed.iter();
    let removed = removed.map(|key| format!("removed by a person: {}\n", cleaned(key, 100)));
    let mut out = String::new();
    for line in removed.chain(epics).chain(stories).chain(tasks) {
        if out.len() + line.len() > LARGEST_BEFORE_BYTES {
            break;
        }
        out.push_str(&line);
    }
    out
}

fn of_task(task: &Task, kept: &Finished) -> String {
    let state = match (kept.contains(&task.id), task.edited) {
        (true, _) => ", done",
        (false, true) => ", a person's",
        (false, false) => "",
    };
    let mut out = format!(
        "{} (of {}, {}, serves {}{state}): {}",
        task.id,
        task.story,
        task.role,
        task.requirements.join(" "),
        cleaned(&task.title, LONGEST_LINE)
    );
    if !task.depends_on.is_empty() {
        write!(out, " [after {}]", task.depends_on.join(" "))
            .expect("invariant: writing to a String cannot fail");
    }
    out.push('\n');
    out
}
