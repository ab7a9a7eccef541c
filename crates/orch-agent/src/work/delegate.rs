//! A run carried out by the Codex command line in place of steps.
//!
//! The exit code of Codex decides the run. What Codex tells goes through the redactor into the log;
//! the keys of its provider never come near this module.

use orch_core::recipe::Step;
use orch_sandbox::exec::{RunFolder, Stream};
use tokio::sync::mpsc;

use super::environment::Environment;
use crate::{
    codex::{self, CodexSetup, Event, Launch, Report, execution_prompt},
    progress::{LineEnd, RunLog, Source, StepStatus},
    text::chain,
    worker::{Finished, Job, Outcome, Verdict},
};

/// Codex is a run's only step.
const NUMBER: u32 = 1;
const NAME: &str = "Codex carries out the work item";
const COMMAND: &str = "codex exec";

/// Events between Codex and the log.
const QUEUE: usize = 64;

/// What a person approves where Codex decides what runs.
pub(super) fn as_step() -> Step {
    Step {
        name: Some(NAME.to_owned()),
        ..Step::command(COMMAND)
    }
}

/// Lets Codex carry the run out.
pub(super) async fn carry_out(
    setup: &CodexSetup,
    job: &Job,
    folder: &RunFolder,
    environment: &Environment,
) -> Outcome {
    let assignment = &job.assignment;
    let recipe = Some(assignment.recipe_yaml.as_str()).filter(|yaml| !yaml.trim().is_empty());
    let launch = Launch {
        prompt: execution_prompt(&assignment.title, &assignment.description, recipe),
        work: folder.work(),
        run_folder: folder.path().to_owned(),
        env: environment.common().clone(),
        records: Some(folder.pids()),
        timeout: None,
    };
    let report = |status| job.log.step(NUMBER, NAME, COMMAND, status);
    report(StepStatus::Running).await;
    let (sink, events) = mpsc::channel(QUEUE);
    let working = codex::execute(setup, launch, sink, job.stop.clone());
    let (worked, ()) = tokio::join!(working, log_events(&job.log, events));
    let finished = match worked {
        Ok(report) => match finish(report) {
            Some(finished) => finished,
            // It begins anew when the run goes on.
            None => return Outcome::Stopped,
        },
        Err(error) => Finished::failed(chain(&error)),
    };
    match finished.verdict {
        Verdict::Succeeded => report(StepStatus::Succeeded).await,
        Verdict::Failed => {
            job.log.event(&finished.reason).await;
            let exit_code = finished.exit_code;
            report(StepStatus::Failed { exit_code }).await;
        }
    }
    Outcome::Finished(finished)
}

fn finish(report: Report) -> Option<Finished> {
    let (verdict, exit_code, reason) = match report.outcome {
        codex::Outcome::Succeeded => (Verdict::Succeeded, Some(0), "codex succeeded".to_owned()),
        codex::Outcome::Failed { exit_code, reason } => (Verdict::Failed, Some(exit_code), reason),
        codex::Outcome::Signalled { signal } => {
            let reason = format!("codex ended by signal {signal}");
            (Verdict::Failed, Some(128 + signal), reason)
        }
        codex::Outcome::TimedOut { after } => {
            let reason = format!("codex timed out after {} s", after.as_secs_f64());
            (Verdict::Failed, None, reason)
        }
        codex::Outcome::Cancelled => return None,
    };
    Some(Finished {
        verdict,
        exit_code,
        reason,
        summary: report.last_message.unwrap_or_default(),
        usage_json: serde_json::to_string(&report.usage).unwrap_or_default(),
    })
}

async fn log_events(log: &RunLog, mut events: mpsc::Receiver<Event>) {
    while let Some(event) = events.recv().await {
        for (stream, text) in event.log_lines() {
            let source = match stream {
                Stream::Stdout => Source::Stdout,
                Stream::Stderr => Source::Stderr,
            };
            let text = log.redactor().redact(&text).into_owned();
            log.line(log.now()(), source, NUMBER, text, LineEnd::Here)
                .await;
        }
    }
}
