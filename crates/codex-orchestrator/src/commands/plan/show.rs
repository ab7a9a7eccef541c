//! `plan show`: tasks, faults and times of a version, and where its work stands.

use orch_api::client::Client;
use orch_api::types::plan::{Plan, PlanBands, PlanStatus};

use super::accept::place;
use super::choose::choose;
use orch_core::plural::counted;

use crate::commands::{Context, ids};
use crate::failure::Failure;
use crate::output::{Format, Tone, one_line};
use crate::view::plan::{Note, notes_of};

/// Arguments of `plan show`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The project's id
    #[arg(value_parser = ids::id())]
    project: i64,
    /// A version's id, instead of the newest one
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    version: Option<i64>,
    /// Show this task whole: what it is to do, and when it is done
    #[arg(long, value_name = "T-N")]
    task: Option<String>,
}

pub async fn run(args: Args, client: &Client, context: &mut Context<'_>) -> Result<(), Failure> {
    let id = choose(client, args.project, args.version).await?;
    let plan = client.plan(args.project, id).await.map_err(|error| {
        let next = format!("codex-orchestrator plan list {}", args.project);
        Failure::from(error).next_step(next)
    })?;
    let Some(wanted) = args.task else {
        return print(&plan, context);
    };
    let at = place(&plan, &wanted)?;
    Ok(context.output.one(&plan.tasks[at])?)
}

/// A version and, for people, what belongs to it.
pub fn print(plan: &Plan, context: &mut Context<'_>) -> Result<(), Failure> {
    context.output.one(plan)?;
    if context.output.format() == Format::Json {
        return Ok(());
    }
    context.output.section("Epics", &plan.epics)?;
    context.output.section("Stories", &plan.stories)?;
    context.output.section("Tasks", &plan.tasks)?;
    context.output.section("What is wrong", &plan.faults)?;
    context.output.section("Comes later", &plan.later)?;
    let notes = plan.notes.iter().enumerate().map(Note::of);
    let notes: Vec<Note> = notes.collect();
    context.output.section(notes_of(plan), &notes)?;
    times(plan, context)?;
    next_steps(plan, context);
    Ok(())
}

fn times(plan: &Plan, context: &mut Context<'_>) -> Result<(), Failure> {
    let Some(schedule) = &plan.schedule else {
        return Ok(());
    };
    if schedule.critical_path.is_empty() {
        return Ok(());
    }
    let heading = context
        .output
        .paint()
        .text("Time that is left", Tone::Heading);
    let mut lines = vec![
        String::new(),
        heading,
        format!(
            "critical path  {}",
            one_line(&schedule.critical_path.join(" → "))
        ),
        format!("without limits {}", bands(&schedule.eta)),
    ];
    for with in &schedule.with_workers {
        let name = format!("{} at once", with.workers);
        lines.push(format!("{name:<14} {}", bands(&with.eta)));
    }
    let basis = match schedule.basis.from_history {
        0 => "by the estimates".to_owned(),
        measured => format!(
            "{} by what finished ones took, {} by their estimates",
            counted(u64::try_from(measured).unwrap_or(u64::MAX), "task"),
            schedule.basis.from_estimates
        ),
    };
    lines.push(basis);
    for line in lines {
        context.output.text(&format!("{line}\n"))?;
    }
    Ok(context.output.flush()?)
}

/// How long it takes, more or less surely.
fn bands(bands: &PlanBands) -> String {
    format!(
        "{} in half of cases, {} in 80 %, {} in 95 %",
        duration(bands.p50),
        duration(bands.p80),
        duration(bands.p95)
    )
}

/// Minutes as people say them.
fn duration(minutes: u64) -> String {
    match minutes {
        0..90 => format!("{minutes} min"),
        _ => format!("{}.{} h", minutes / 60, minutes % 60 / 6),
    }
}

/// The most tasks that a remark names.
const MOST_NAMED: usize = 20;

/// Which tasks wait for more than the plan's approval.
fn approvals(plan: &Plan, context: &mut Context<'_>) {
    let gated = || plan.tasks.iter().filter(|task| task.needs_approval);
    let count = gated().count();
    if count == 0 {
        return;
    }
    let named = gated()
        .take(MOST_NAMED)
        .map(|task| match task.work_item_id {
            Some(item) => format!("{} (work item {item})", task.id),
            None => task.id.clone(),
        });
    let named = one_line(&named.collect::<Vec<_>>().join(", "));
    let more = match count.saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let next = match gated().find_map(|task| task.work_item_id) {
        Some(item) => format!(": codex-orchestrator work request-approval {item}"),
        None => ", once the plan is approved".to_owned(),
    };
    context.output.note(&format!(
        "an approval of their own is needed for {named}{more}{next}"
    ));
}

/// What a person may do with a version.
fn next_steps(plan: &Plan, context: &mut Context<'_>) {
    approvals(plan, context);
    let version = &plan.version;
    let (project, id, digest) = (version.project_id, version.id, &version.digest);
    if plan.requirements_changed {
        context.output.warn(&format!(
            "other requirements are approved by now: codex-orchestrator plan impact {project}"
        ));
    }
    if plan.without_repository && plan.progress.done < plan.progress.total {
        context.output.warn(&format!(
            "project {project} has no repository: each run begins in an empty folder, and what one task makes does \
             not reach the next; set one first: codex-orchestrator project set {project} --repository URL"
        ));
    }
    if plan.needs_replan {
        context.output.note(&format!(
            "{} failed: codex-orchestrator plan replan {project} --reason \"…\"",
            one_line(&plan.failed.join(", "))
        ));
    }
    if version.status != PlanStatus::Proposed {
        return;
    }
    let next = match plan.faults.iter().find(|fault| fault.blocking) {
        Some(_) => format!("mend what is wrong: codex-orchestrator plan edit {project} --help"),
        None if plan.requirements_changed => {
            format!("next: codex-orchestrator plan propose {project}")
        }
        None => format!(
            "next: codex-orchestrator plan approve {project} --version {id} --digest {digest}"
        ),
    };
    context.output.note(&next);
}
