//! One step as a process: started, its output redacted and logged, its end put into words.
//!
//! Adds nothing to the step's environment, and lets no output past the redactor.

use std::{path::PathBuf, sync::Arc, time::Duration};

use orch_core::recipe::Step;
use orch_sandbox::{
    egress::Refusal,
    exec::{Command, Exit, Line, Program, RunFolder, Stream},
    sandbox::{Cell, SandboxError},
};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::environment::Environment;
use crate::{
    progress::{LineEnd, RunLog, Source, StepStatus},
    redact::StreamRedactor,
    text::chain,
};

/// How long processes may take to end themselves.
const KILL_GRACE: Duration = Duration::from_secs(2);

/// Lines between a process and the log.
const QUEUE: usize = 64;

/// How much of a command stands in a message.
const EXCERPT_CHARACTERS: usize = 80;

/// What the run's way out refuses, as it comes.
pub(super) type Refusals = Mutex<mpsc::UnboundedReceiver<Refusal>>;

/// Where steps run.
pub(super) struct Place<'a> {
    pub(super) folder: &'a RunFolder,
    pub(super) cell: &'a dyn Cell,
    pub(super) refusals: &'a Refusals,
    pub(super) environment: &'a Environment,
    pub(super) shell: &'a PathBuf,
    pub(super) log: &'a RunLog,
    pub(super) stop: &'a CancellationToken,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StepEnd {
    Succeeded,
    Failed {
        exit_code: Option<i32>,
        reason: String,
    },
    Stopped,
}

impl Place<'_> {
    /// Runs a step to its end and reports it; `number` is from 1.
    pub(super) async fn run(&self, number: u32, step: &Step) -> StepEnd {
        let name = step.name.as_deref().unwrap_or_default();
        let report = |status| self.log.step(number, name, &step.run, status);
        report(StepStatus::Running).await;
        let end = self.execute(number, step).await;
        match &end {
            StepEnd::Succeeded => report(StepStatus::Succeeded).await,
            StepEnd::Failed { exit_code, .. } => {
                let exit_code = *exit_code;
                report(StepStatus::Failed { exit_code }).await;
            }
            // It begins anew when the run goes on.
            StepEnd::Stopped => {}
        }
        end
    }

    async fn execute(&self, number: u32, step: &Step) -> StepEnd {
        let title = format!("step {number} `{}`", excerpt(step));
        let failed = |exit_code, how: &str| StepEnd::Failed {
            exit_code,
            reason: format!("{title} {how}"),
        };
        let cwd = match self.folder.resolve_cwd(step.cwd.as_deref().unwrap_or(".")) {
            Ok(cwd) => cwd,
            Err(error) => return failed(None, &format!("could not be run: {}", chain(&error))),
        };
        let command = Command {
            program: Program::Shell {
                shell: self.shell.clone(),
                script: step.run.clone(),
            },
            stdin: None,
            env: self.environment.of(step),
            cwd,
            timeout: step.timeout,
            kill_grace: KILL_GRACE,
            records: Some(self.folder.pids()),
        };
        let (sink, lines) = mpsc::channel(QUEUE);
        let running = self
            .cell
            .run(command, Arc::new(self.log.now()), sink, self.stop.clone());
        let over = CancellationToken::new();
        let run = async {
            let exit = running.await;
            over.cancel();
            exit
        };
        let (exit, (), ()) = tokio::join!(
            run,
            log_lines(self.log, number, lines),
            log_refusals(self.log, self.refusals, number, &over)
        );
        match exit {
            Ok(Exit::Code(0)) => StepEnd::Succeeded,
            Ok(Exit::Code(code)) => failed(Some(code), &format!("exited with {code}")),
            // The code is the one that a shell gives for it.
            Ok(Exit::Signal(signal)) => {
                failed(Some(128 + signal), &format!("ended by signal {signal}"))
            }
            Ok(Exit::TimedOut { after }) => {
                failed(None, &format!("timed out after {} s", after.as_secs_f64()))
            }
            Ok(Exit::Cancelled) => StepEnd::Stopped,
            Err(
                error @ (SandboxError::Disk { .. }
                | SandboxError::Memory { .. }
                | SandboxError::Tampered { .. }),
            ) => failed(None, &format!("failed: {error}")),
            Err(error) => failed(None, &format!("could not be run: {}", chain(&error))),
        }
    }
}

/// Tells what the way out refuses, while a step runs and of what it did last.
pub(super) async fn log_refusals(
    log: &RunLog,
    refusals: &Refusals,
    step: u32,
    over: &CancellationToken,
) {
    let mut refusals = refusals.lock().await;
    loop {
        let refusal = tokio::select! {
            biased;
            refusal = refusals.recv() => refusal,
            () = over.cancelled() => return,
        };
        match refusal {
            Some(refusal) => log.refused(step, &refusal).await,
            // There is no way out at all.
            None => return,
        }
    }
}

/// Carries output to the log until all of it is read.
async fn log_lines(log: &RunLog, step: u32, mut lines: mpsc::Receiver<Line>) {
    let redactor = log.redactor();
    let mut stdout = StreamRedactor::new(redactor);
    let mut stderr = StreamRedactor::new(redactor);
    let mut last = log.now()();
    while let Some(line) = lines.recv().await {
        let (stream, source) = match line.stream {
            Stream::Stdout => (&mut stdout, Source::Stdout),
            Stream::Stderr => (&mut stderr, Source::Stderr),
        };
        last = line.at;
        if line.partial {
            let piece = stream.piece(line.message);
            if !piece.is_empty() {
                log.line(line.at, source, step, piece, LineEnd::Later).await;
            }
        } else {
            let message = stream.end_line(line.message);
            log.line(line.at, source, step, message, LineEnd::Here)
                .await;
        }
    }
    // Output that was cut off ends without a last piece.
    for (mut stream, source) in [(stdout, Source::Stdout), (stderr, Source::Stderr)] {
        let rest = stream.end_line(String::new());
        if !rest.is_empty() {
            log.line(last, source, step, rest, LineEnd::Here).await;
        }
    }
}

/// A step's name, else the beginning of its command, on one line.
fn excerpt(step: &Step) -> String {
    let text = step.name.as_deref().unwrap_or(&step.run);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line.unwrap_or_default();
    let mut short: String = line.chars().take(EXCERPT_CHARACTERS).collect();
    if short.len() < text.trim().len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_a_step_by_its_name_or_the_beginning_of_its_command() {
        let long = "x".repeat(100);
        for (run, expected) in [
            ("make test", "make test".to_owned()),
            ("\n  set -e\nmake", "set -e…".to_owned()),
            (&long, format!("{}…", "x".repeat(EXCERPT_CHARACTERS))),
        ] {
            assert_eq!(excerpt(&Step::command(run)), expected);
        }
        let named = Step {
            name: Some("unit tests".to_owned()),
            ..Step::command("make test")
        };
        assert_eq!(excerpt(&named), "unit tests");
    }
}
