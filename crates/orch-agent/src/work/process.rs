//! One step as a process: started, its output redacted and logged, its end put into words.
//!
//! Adds nothing to the step's environment, and lets no output past the redactor.

use std::{
    path::PathBuf,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nix::libc;
use orch_core::recipe::Step;
use orch_sandbox::{
    egress::{Admission, Proxy, Refusal},
    exec::{Command, Copied, Exit, Program, RunFolder, Snapshots},
    sandbox::{Cell, SandboxError},
};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    acceptance,
    environment::Environment,
    output,
    secrets::{RunSecrets, SecretsError},
};
use crate::{
    progress::{Marks, Once, RunLog, StepStatus},
    text::chain,
};

/// How long processes may take to end themselves.
const KILL_GRACE: Duration = Duration::from_secs(2);

/// What ends a program that writes a file which is too large.
const TOO_LARGE: &str = "wrote a larger file than a run may (AGENT_LIMIT_FILE)";

/// How much of a command stands in a message.
const EXCERPT_CHARACTERS: usize = 80;

/// What the run's way out refuses, as it comes.
pub(super) type Refusals = Mutex<mpsc::UnboundedReceiver<Refusal>>;

/// Where steps run.
pub(super) struct Place<'a> {
    pub(super) folder: &'a RunFolder,
    pub(super) cell: &'a dyn Cell,
    pub(super) refusals: &'a Refusals,
    pub(super) way_out: Option<&'a Proxy>,
    /// Whether the server tells users by a token.
    pub(super) wants_token: bool,
    pub(super) environment: &'a Environment,
    pub(super) secrets: RunSecrets<'a>,
    pub(super) shell: &'a PathBuf,
    pub(super) log: &'a RunLog,
    pub(super) stop: &'a CancellationToken,
    /// Whether it was said that these leave something out.
    pub(super) told_skipped: AtomicBool,
    /// Of the workspace between steps, where these are kept.
    pub(super) snapshots: Option<Arc<std::sync::Mutex<Option<Snapshots>>>>,
}

/// What comes behind a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    More,
    Nothing,
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
    pub(super) async fn run(&self, number: u32, step: &Step, then: Then) -> StepEnd {
        let name = step.name.as_deref().unwrap_or_default();
        let once = match step.is_idempotent() {
            true => Once::No,
            false => Once::Yes,
        };
        let report = async |status, snapshot| {
            let marks = Marks { once, snapshot };
            let log = self.log;
            log.step_marked(number, name, &step.run, status, marks)
                .await
        };
        if let Err(why) = report(StepStatus::Running, None).await {
            if self.stop.is_cancelled() {
                return StepEnd::Stopped;
            }
            let reason = format!(
                "{} was not started: it may run only once, and the server did not note its start: {why}",
                title(number, step)
            );
            return StepEnd::Failed {
                exit_code: None,
                reason,
            };
        }
        let end = self.execute(number, step).await;
        match &end {
            // It is done once its workspace is kept: whoever goes on begins with that.
            StepEnd::Succeeded => {
                let snapshot = match then {
                    Then::More => self.keep(number).await,
                    Then::Nothing => None,
                };
                drop(report(StepStatus::Succeeded, snapshot).await);
            }
            StepEnd::Failed { exit_code, .. } => {
                let exit_code = *exit_code;
                drop(report(StepStatus::Failed { exit_code }, None).await);
            }
            // It begins anew when the run goes on.
            StepEnd::Stopped => {}
        }
        end
    }

    /// A person said that it was done before.
    pub(super) async fn skip(&self, number: u32, step: &Step, then: Then) {
        let name = step.name.as_deref().unwrap_or_default();
        let event = format!(
            "step {number} `{}` is passed over: a person said that it was done",
            excerpt(step)
        );
        self.log.event(&event).await;
        if then == Then::More {
            self.keep(number).await;
        }
        self.log
            .step(number, name, &step.run, StepStatus::Skipped)
            .await;
    }

    /// Keeps the workspace as it is after a step, where that is wanted and it is not too large.
    async fn keep(&self, number: u32) -> Option<Copied> {
        let taken = Arc::clone(self.snapshots.as_ref()?);
        let taken = tokio::task::spawn_blocking(move || {
            let mut snapshots = taken.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = snapshots.as_mut()?.take(number);
            if taken.is_err() {
                // The next one would not fit either.
                *snapshots = None;
            }
            Some(taken)
        });
        match taken.await.ok()?? {
            Ok(copied) => {
                if copied.skipped > 0 && !self.told_skipped.swap(true, Ordering::Relaxed) {
                    let event = format!(
                        "the workspace is kept between steps without pipes, sockets and devices: {} after step {number}",
                        copied.skipped
                    );
                    self.log.event(&event).await;
                }
                Some(copied)
            }
            Err(error) => {
                let event = format!(
                    "the workspace is not kept between steps from step {number} on: {}",
                    chain(&error)
                );
                self.log.event(&event).await;
                None
            }
        }
    }

    /// Whether a step may reach the server: as its run, and where the server can tell it from others.
    fn admission(&self, step: &Step) -> Admission {
        let has_token = step.secrets.iter().any(|secret| secret.name.is_run_token());
        match has_token && self.wants_token {
            true => Admission::Open,
            false => Admission::Closed,
        }
    }

    async fn execute(&self, number: u32, step: &Step) -> StepEnd {
        let title = title(number, step);
        let failed = |exit_code, how: &str| StepEnd::Failed {
            exit_code,
            reason: format!("{title} {how}"),
        };
        let cwd = match self.folder.resolve_cwd(step.cwd.as_deref().unwrap_or(".")) {
            Ok(cwd) => cwd,
            Err(error) => return failed(None, &format!("could not be run: {}", chain(&error))),
        };
        let secrets = match self.secrets.of_step(self.folder, number, step).await {
            Ok(secrets) => secrets,
            Err(SecretsError::Stopped) => return StepEnd::Stopped,
            Err(SecretsError::Failed(why)) => return failed(None, &why),
        };
        if secrets.has_files()
            && let Err(error) = self.cell.give(&self.folder.secrets())
        {
            return failed(
                None,
                &format!("could not get its secrets: {}", chain(&error)),
            );
        }
        let mut env = self.environment.of(step);
        env.extend(secrets.variables());
        let command = Command {
            program: Program::Shell {
                shell: self.shell.clone(),
                script: step.run.clone(),
            },
            stdin: None,
            env,
            cwd,
            timeout: step.timeout,
            kill_grace: KILL_GRACE,
            records: Some(self.folder.pids()),
        };
        if let Some(way_out) = self.way_out {
            way_out.admit(self.admission(step));
        }
        let (sink, lines) = mpsc::channel(output::QUEUE);
        let running = self
            .cell
            .run(command, Arc::new(self.log.now()), sink, self.stop.clone());
        let over = CancellationToken::new();
        let run = async {
            let exit = running.await;
            over.cancel();
            exit
        };
        let (exit, protected, ()) = tokio::join!(
            run,
            output::log_lines(self.log, number, lines),
            log_refusals(self.log, self.refusals, number, &over)
        );
        // Their files go before anything else of the run begins.
        drop(secrets);
        if let (Some(name), Ok(Exit::Code(1..))) = (protected, &exit) {
            let event = format!(
                "`{name}` is protected in a workspace: where a run must write it, name it in the recipe's `permissions: {{filesystem: [{name}]}}`"
            );
            self.log.event(&event).await;
        }
        match exit {
            Ok(Exit::Code(0)) => StepEnd::Succeeded,
            Ok(Exit::Code(code)) if code == 128 + libc::SIGXFSZ => failed(Some(code), TOO_LARGE),
            Ok(Exit::Signal(libc::SIGXFSZ)) => failed(Some(128 + libc::SIGXFSZ), TOO_LARGE),
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
                | SandboxError::DiskFull { .. }
                | SandboxError::Uncounted { .. }
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

/// What a step's failure is told of.
fn title(number: u32, step: &Step) -> String {
    acceptance::title(step).unwrap_or_else(|| format!("step {number} `{}`", excerpt(step)))
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
        assert_eq!(title(2, &named), "step 2 `unit tests`");
    }
}
