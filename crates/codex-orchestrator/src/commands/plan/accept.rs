//! `plan edit --accept`: criteria of tasks, each by its words. What stands there with the same words gets the
//! command; what is new is added.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use orch_api::types::plan::{Plan, PlanCriterion, PlanEdit, PlanEditOp as Op, PlanTask};

use super::fields::{pair, words};
use super::origin::Origin;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::one_line;

/// Stands for every task that has a criterion of these words.
const ALL: &str = "all";
const EXAMPLE: &str = "T-3,T-4='All tests pass :: make test'";

/// A criterion that is set.
#[derive(Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Ids of tasks; none for all that have a criterion of these words.
    tasks: Option<Vec<String>>,
    criterion: PlanCriterion,
    /// The flag as it was given.
    origin: Origin,
}

/// `T-3,T-4=WORDS :: COMMAND`.
pub fn accepted(given: &[String]) -> Result<Vec<Accepted>, Failure> {
    given.iter().map(|given| one(given)).collect()
}

fn one(given: &str) -> Result<Accepted, Failure> {
    let (tasks, said) = pair("--accept", given, EXAMPLE)?;
    // A command may hold two colons as well.
    let (text, command) = match said.split_once(" :: ") {
        Some((text, command)) => (text.trim(), Some(command.trim())),
        None => (said.trim(), None),
    };
    let tasks = words(&tasks);
    if text.is_empty() || tasks.is_empty() {
        return Err(Failure::usage(format!(
            "--accept is `{}`; expected tasks, or all, and WORDS :: COMMAND, such as {EXAMPLE}",
            given.chars().take(80).collect::<String>()
        )));
    }
    let is_all = tasks.iter().any(|task| task == ALL);
    let command = command.filter(|command| !command.is_empty());
    Ok(Accepted {
        tasks: (!is_all).then_some(tasks),
        criterion: PlanCriterion {
            text: text.to_owned(),
            command: command.map(str::to_owned),
        },
        origin: Origin::flag("--accept", given),
    })
}

/// The edits that set them, one for each task that changes; and what made each.
pub fn edits(accepted: &[Accepted], plan: &Plan) -> Result<Vec<(PlanEdit, Origin)>, Failure> {
    let mut set: BTreeMap<usize, (Vec<PlanCriterion>, Origin)> = BTreeMap::new();
    for one in accepted {
        let has_it = |task: &PlanTask| {
            let mut criteria = task.acceptance.iter();
            task.state != "done" && criteria.any(|known| known.text == one.criterion.text)
        };
        let places: Vec<usize> = match &one.tasks {
            Some(named) => named
                .iter()
                .map(|id| place(plan, id))
                .collect::<Result<_, Failure>>()?,
            None => {
                let places = 0..plan.tasks.len();
                places.filter(|at| has_it(&plan.tasks[*at])).collect()
            }
        };
        if places.is_empty() {
            let text = one_line(&one.criterion.text);
            return Err(Failure::new(
                Exit::Refused,
                format!("no open task has a criterion with the words `{text}`"),
            ));
        }
        for at in places {
            let criteria = match set.entry(at) {
                Entry::Occupied(known) => {
                    let (criteria, origin) = known.into_mut();
                    origin.and(one.origin.clone());
                    criteria
                }
                Entry::Vacant(new) => {
                    let criteria = plan.tasks[at].acceptance.clone();
                    &mut new.insert((criteria, one.origin.clone())).0
                }
            };
            match criteria
                .iter_mut()
                .find(|known| known.text == one.criterion.text)
            {
                Some(known) => known.command.clone_from(&one.criterion.command),
                None => criteria.push(one.criterion.clone()),
            }
        }
    }
    let edits = set.into_iter().map(|(at, (criteria, origin))| {
        let edit = PlanEdit {
            id: Some(plan.tasks[at].id.clone()),
            acceptance: Some(criteria),
            ..PlanEdit::new(Op::ChangeTask)
        };
        (edit, origin)
    });
    Ok(edits.collect())
}

/// The place of a task in the version.
pub fn place(plan: &Plan, id: &str) -> Result<usize, Failure> {
    let found = plan.tasks.iter().position(|task| task.id == id);
    found.ok_or_else(|| {
        let message = format!("plan {} has no task {}", plan.version.id, one_line(id));
        let next = format!("codex-orchestrator plan show {}", plan.version.project_id);
        Failure::new(Exit::Refused, message).next_step(next)
    })
}
