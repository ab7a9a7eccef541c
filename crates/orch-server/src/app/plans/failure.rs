//! What is known of work that failed: why its last run ended, which of its steps failed and how, and the end
//! of its log. Whoever looks into it is told, a person, a coding agent or a model.

use std::sync::Arc;

use orch_core::breakdown::{ACCEPTANCE, PlanFailure, TaskFailure};
use orch_core::ids::RunId;
use orch_core::run::RunState;
use orch_store::StoreError;
use orch_store::log::{Count, Numbered, Side, Wanted};
use orch_store::plan::PlanItem;
use orch_store::segment::Stream;
use orch_store::step::Step;

use super::make::Scene;
use super::propose::Occasion;
use crate::app::{App, Result, log, run, step};

/// Of so many failed tasks the log is looked at, and so many of its last lines.
const MOST_LOGS: usize = 20;
const MOST_LINES: usize = 60;
/// How much of a step's name, and of its last line, is told.
const LONGEST_WORDS: usize = 100;

/// What is told of what failed. Nobody is asked where what is said to have failed did not.
pub(super) async fn failure(
    app: &App,
    scene: &Arc<Scene>,
    occasion: &Occasion,
) -> Result<Option<PlanFailure>> {
    let (looked_at, of) = (Arc::clone(scene), occasion.clone());
    let failed = tokio::task::spawn_blocking(move || {
        let before = looked_at.before()?;
        let failed = before.map(|before| looked_at.failed(&before, &of));
        failed.transpose()
    });
    let Some(failed) = failed.await.map_err(|_| StoreError::Closed)?? else {
        return Ok(None);
    };
    let mut tasks = Vec::new();
    for task in failed {
        let item = scene.items.iter().find(|item| item.task == task);
        let run = item.and_then(|item: &PlanItem| item.run_id);
        let told = match run.filter(|_| tasks.len() < MOST_LOGS) {
            Some(run) => said(app, RunId(run)).await?,
            None => TaskFailure::default(),
        };
        tasks.push(TaskFailure { task, ..told });
    }
    Ok(Some(PlanFailure {
        reason: occasion.reason.clone(),
        tasks,
    }))
}

/// Why a run ended, which of its steps failed, and the end of its log.
async fn said(app: &App, id: RunId) -> Result<TaskFailure> {
    let run = run::show(app, id).await?;
    let (code, reason) = match run.state {
        RunState::Finished(finish) => (finish.exit_code, finish.reason),
        RunState::Running { .. } | RunState::Waiting { .. } => (None, None),
    };
    let wanted = Wanted {
        side: Side::Last,
        count: Count::Page,
        ..Wanted::first(None, 0, MOST_LINES)
    };
    let lines = log::page(app, id, wanted).await?.lines;
    let steps = step::of_run(app, id).await?;
    let failed = steps.iter().rev().find(|step| step.status == "failed");
    let how = match failed {
        Some(step) => Some(in_words(step, &lines)),
        None => code.map(|code| format!("exit code {code}")),
    };
    let why: Vec<String> = how.into_iter().chain(reason).collect();
    Ok(TaskFailure {
        task: String::new(),
        why: why.join("; "),
        log: lines.into_iter().map(|line| line.line.message).collect(),
    })
}

/// `step 3 (make test) failed with exit code 2, its last line: …`
fn in_words(step: &Step, lines: &[Numbered]) -> String {
    let name = match step.command.as_deref() {
        Some(command) if !step.name.starts_with(ACCEPTANCE) => command,
        Some(_) | None => &step.name,
    };
    let code = step
        .exit_code
        .map_or_else(String::new, |code| format!(" with exit code {code}"));
    let of_it = |line: &&Numbered| {
        let number = line.line.step.map(i64::from);
        let is_said = matches!(line.line.stream, Stream::Stdout | Stream::Stderr);
        is_said && number == Some(step.number) && !line.line.message.trim().is_empty()
    };
    let last = lines.iter().rev().find(of_it);
    let last = last.map_or_else(String::new, |line| {
        format!(", its last line: {}", shortened(&line.line.message))
    });
    format!(
        "step {} ({}) failed{code}{last}",
        step.number,
        shortened(name)
    )
}

/// The beginning of a text, on one line.
fn shortened(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST_WORDS) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use orch_store::segment::LogLine;

    use super::*;

    #[test]
    fn a_step_that_failed_is_named_with_its_exit_code_and_its_own_last_line() {
        let step = Step {
            id: 7,
            run_id: 1,
            number: 2,
            name: "Run the tests".to_owned(),
            command: Some("make\n test".to_owned()),
            status: "failed".to_owned(),
            exit_code: Some(3),
            started_at: None,
            finished_at: None,
            detail: String::new(),
        };
        let line = |step, message: &str| Numbered {
            seq: 1,
            line: LogLine {
                at_us: 0,
                stream: Stream::Stdout,
                step,
                partial: false,
                message: message.to_owned(),
            },
        };
        let lines = [
            line(Some(2), "boom"),
            line(Some(2), "  "),
            line(None, "the run ends"),
        ];
        assert_eq!(
            in_words(&step, &lines),
            "step 2 (make test) failed with exit code 3, its last line: boom"
        );
        let killed = Step {
            exit_code: None,
            ..step
        };
        assert_eq!(in_words(&killed, &[]), "step 2 (make test) failed");
    }
}
