//! `plan edit`: changes of the newest version, from flags or from a file.

use std::path::PathBuf;

use orch_api::client::Client;
use orch_api::types::plan::{EditPlan, Plan, PlanEdit, PlanEditOp as Op};

use super::accept::{self, accepted};
use super::choose::choose;
use super::fields::{fields, pair, words};
use super::origin::{Origin, named};
use super::refusal::refusal;
use super::show::print;
use crate::commands::{Context, ids};
use crate::failure::Failure;

/// Arguments of `plan edit`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The project's id
    #[arg(value_parser = ids::id())]
    project: i64,
    /// The version to edit, which must be the newest
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    version: Option<i64>,
    /// Set a field: title, description, kind, role, story, low, likely, high (minutes), requirements,
    /// tools, capabilities; lists are separated by commas. E-N.title and S-N.title name epics and stories
    #[arg(long, value_name = "T-N.FIELD=VALUE")]
    set: Vec<String>,
    /// Say when tasks are done: words, and a command whose exit 0 shows it. A criterion of the same words is
    /// replaced, another one is added; all stands for every open task that has a criterion of these words
    #[arg(long, value_name = "T-N,…=WORDS :: COMMAND")]
    accept: Vec<String>,
    /// Add a task to a story
    #[arg(long, value_name = "S-N=TITLE")]
    add: Vec<String>,
    /// Let a task wait for others
    #[arg(long, value_name = "T-N=T-M,…")]
    depends: Vec<String>,
    /// Let a task no longer wait for others
    #[arg(long, value_name = "T-N=T-M,…")]
    no_depends: Vec<String>,
    /// Remove a task; what waited for it waits for what it waited for
    #[arg(long, value_name = "T-N")]
    remove: Vec<String>,
    /// Edits as JSON, as the API takes them: a list, or an object with `edits` and `reason`
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Why it is edited
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub async fn run(args: Args, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    let project = args.project;
    let (mut body, mut origins) = wanted(&args)?;
    let accepted = accepted(&args.accept)?;
    if body.edits.is_empty() && accepted.is_empty() {
        return Err(
            Failure::usage("no edit was given").next_step("codex-orchestrator plan edit --help")
        );
    }
    let version = choose(client, project, args.version).await?;
    if !accepted.is_empty() || body.edits.iter().any(lacks_minutes) {
        let plan = client.plan(project, version).await?;
        for edit in body.edits.iter_mut().filter(|edit| lacks_minutes(edit)) {
            complete(edit, &plan)?;
        }
        for (edit, origin) in accept::edits(&accepted, &plan)? {
            body.edits.push(edit);
            origins.push(origin);
        }
    }
    let made = client.edit_plan(project, version, &body).await;
    let made = made.map_err(|error| named(refusal(project, error), &origins))?;
    print(&made, context)
}

fn lacks_minutes(edit: &PlanEdit) -> bool {
    let given = [edit.low_minutes, edit.likely_minutes, edit.high_minutes];
    edit.op == Op::SetEstimate && given.iter().any(Option::is_none)
}

/// The minutes that were not given stay.
fn complete(edit: &mut PlanEdit, plan: &Plan) -> Result<(), Failure> {
    let id = edit.id.clone().unwrap_or_default();
    let before = plan.tasks[accept::place(plan, &id)?].estimate;
    let low = edit.low_minutes.unwrap_or(before.low_minutes);
    let likely = edit.likely_minutes.unwrap_or(before.likely_minutes);
    let high = edit.high_minutes.unwrap_or(before.high_minutes);
    if low > likely || likely > high {
        return Err(Failure::usage(format!(
            "{id} would be estimated at low {low}, likely {likely}, high {high} minutes; expected low <= likely <= high"
        ))
        .next_step(format!(
            "set what is out of order as well: --set {id}.low=… --set {id}.likely=… --set {id}.high=…"
        )));
    }
    (edit.low_minutes, edit.likely_minutes, edit.high_minutes) =
        (Some(low), Some(likely), Some(high));
    Ok(())
}

/// All edits that need no plan, in the order file, set, add, depends, no-depends, remove; and what made each.
pub(super) fn wanted(args: &Args) -> Result<(EditPlan, Vec<Origin>), Failure> {
    let mut body = match &args.file {
        Some(file) => from_file(file)?,
        None => EditPlan::default(),
    };
    if args.reason.is_some() {
        body.reason.clone_from(&args.reason);
    }
    let file = args.file.iter().map(|file| file.display().to_string());
    let file = Origin::File(file.collect());
    let mut origins = vec![file; body.edits.len()];
    let mut given = fields(&args.set)?;
    for add in &args.add {
        let (story, title) = pair("--add", add, "S-1=\"…\"")?;
        let edit = PlanEdit {
            story: Some(story),
            title: Some(title),
            ..PlanEdit::new(Op::AddTask)
        };
        given.push((edit, Origin::flag("--add", add)));
    }
    for (flag, arrows, op) in [
        ("--depends", &args.depends, Op::AddDependency),
        ("--no-depends", &args.no_depends, Op::RemoveDependency),
    ] {
        for arrow in arrows {
            let (task, on) = pair(flag, arrow, "T-4=T-2")?;
            given.extend(words(&on).into_iter().map(|on| {
                let origin = Origin::flag(flag, &format!("{task}={on}"));
                let edit = PlanEdit {
                    task: Some(task.clone()),
                    on: Some(on),
                    ..PlanEdit::new(op)
                };
                (edit, origin)
            }));
        }
    }
    given.extend(args.remove.iter().map(|id| {
        let edit = PlanEdit {
            id: Some(id.clone()),
            ..PlanEdit::new(Op::RemoveTask)
        };
        (edit, Origin::flag("--remove", id))
    }));
    for (edit, origin) in given {
        body.edits.push(edit);
        origins.push(origin);
    }
    Ok((body, origins))
}

fn from_file(file: &std::path::Path) -> Result<EditPlan, Failure> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("failed to read {shown}: {error}")))?;
    let read = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(&text).map(|edits| EditPlan {
            edits,
            reason: None,
        }),
        false => serde_json::from_str(&text),
    };
    read.map_err(|error| Failure::usage(format!("failed to read the edits in {shown}: {error}")))
}
