//! What `plan edit` takes on the command line, as edits of the API.

use orch_api::types::plan::{PlanEdit, PlanEditOp as Op};

use super::origin::Origin;
use crate::failure::Failure;

/// What can be set of a task; epics and stories have a title alone.
const FIELDS: &str =
    "title, description, kind, role, story, low, likely, high, requirements, tools, capabilities";

/// `T-3.likely=120`, `E-1.title=…`: one edit for what is said of one thing.
pub fn fields(given: &[String]) -> Result<Vec<(PlanEdit, Origin)>, Failure> {
    let mut edits: Vec<(PlanEdit, Origin)> = Vec::new();
    for given in given {
        let (place, value) = pair("--set", given, "T-3.likely=120")?;
        let (id, field) = place.split_once('.').ok_or_else(|| {
            Failure::usage(format!(
                "--set is `{}`; expected T-N.FIELD=VALUE with one of the fields {FIELDS}",
                shortened(given)
            ))
        })?;
        let (id, field) = (id.trim().to_owned(), field.trim());
        let op = match (id.get(..2), field) {
            (Some("E-"), "title") => Op::RenameEpic,
            (Some("S-"), "title") => Op::RenameStory,
            (Some("E-" | "S-"), _) => {
                return Err(Failure::usage(format!(
                    "--set names the field `{}` of {}; it has a title alone",
                    shortened(field),
                    shortened(&id)
                )));
            }
            (_, "low" | "likely" | "high") => Op::SetEstimate,
            (_, _) => Op::ChangeTask,
        };
        let known = edits
            .iter()
            .position(|(edit, _)| edit.op == op && edit.id.as_ref() == Some(&id));
        let origin = Origin::flag("--set", given);
        let at = match known {
            Some(at) => {
                edits[at].1.and(origin);
                at
            }
            None => {
                let edit = PlanEdit {
                    id: Some(id),
                    ..PlanEdit::new(op)
                };
                edits.push((edit, origin));
                edits.len() - 1
            }
        };
        set(&mut edits[at].0, field, &place, value)?;
    }
    Ok(edits)
}

fn set(edit: &mut PlanEdit, field: &str, place: &str, value: String) -> Result<(), Failure> {
    match field {
        "title" => edit.title = Some(value),
        "description" => edit.description = Some(value),
        "kind" => edit.kind = Some(value),
        "role" => edit.role = Some(value),
        "story" => edit.story = Some(value),
        "low" => edit.low_minutes = Some(minutes(place, &value)?),
        "likely" => edit.likely_minutes = Some(minutes(place, &value)?),
        "high" => edit.high_minutes = Some(minutes(place, &value)?),
        "requirements" => edit.requirements = Some(words(&value)),
        "tools" => edit.tools = Some(words(&value)),
        "capabilities" => edit.capabilities = Some(words(&value)),
        other => {
            return Err(Failure::usage(format!(
                "--set names the field `{}`; expected one of {FIELDS}",
                shortened(other)
            )));
        }
    }
    Ok(())
}

fn minutes(place: &str, value: &str) -> Result<u32, Failure> {
    value.trim().parse().map_err(|_| {
        Failure::usage(format!(
            "--set {} is `{}`; expected a number of minutes",
            shortened(place),
            shortened(value)
        ))
    })
}

/// Words between commas.
pub fn words(value: &str) -> Vec<String> {
    value
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// `NAME=VALUE`.
pub fn pair(flag: &str, given: &str, example: &str) -> Result<(String, String), Failure> {
    let (name, value) = given.split_once('=').ok_or_else(|| {
        Failure::usage(format!(
            "{flag} is `{}`; expected NAME=VALUE, such as {example}",
            shortened(given)
        ))
    })?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

fn shortened(given: &str) -> String {
    given.chars().take(80).collect()
}
