//! Codex at work on one run: its folder, its conversation, one turn after another.
//!
//! A turn is one process of `codex exec --json`, all of which is ended with it. What Codex does is
//! passed on as it comes; whether the run succeeded is decided by the exit code alone.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use orch_sandbox::exec::{Command, Exit, Program};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    CodexError, CodexSetup, Event, Keeper, Limit, Route, Sum, Usage,
    capture::LINES_IN_FLIGHT,
    error::ended,
    home::{CodexHome, Earlier},
    limit::retry_after,
    probe::{Forms, forms},
    prompt::GO_ON,
    ready::{self, Ready},
    setup::Chatter,
    stream::Turn,
};
use crate::worker::Question;

/// How long Codex may take to end itself when it is told to.
const KILL_GRACE: Duration = Duration::from_secs(3);

/// Arguments that choose the sandbox; with one of them among the user's own, none is added.
const SANDBOX_CHOICES: [&str; 4] = [
    "--sandbox",
    "-s",
    "--dangerously-bypass-approvals-and-sandbox",
    "--approve-for-me",
];

/// What Codex is to do, and where.
#[derive(Clone)]
pub struct Launch {
    /// [`execution_prompt`](super::execution_prompt), for example.
    pub prompt: String,
    /// Of the hold on the run.
    pub epoch: u64,
    /// The workspace; Codex and its commands may write there.
    pub work: PathBuf,
    /// The run's folder, outside the workspace, where Codex's own folder is made and removed.
    pub run_folder: PathBuf,
    /// The run's home folder; Codex's own is in it where a sandbox shows nothing else.
    pub home: PathBuf,
    /// What keeps Codex and its commands where they belong.
    pub keeper: Keeper,
    /// The way to the model provider by the agent, where keys stay with it.
    pub route: Option<Route>,
    /// The environment of the commands that Codex runs, and of Codex.
    pub env: BTreeMap<String, String>,
    /// The folder for the record by which leftovers are found after a crash of the agent.
    pub records: Option<PathBuf>,
    /// How long Codex may work; pauses for limits and outages do not count.
    pub timeout: Option<Duration>,
}

/// How a run through Codex ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Codex exited with 0.
    Succeeded,
    /// Codex exited with another code, or said that it failed.
    Failed {
        /// The code, where it exited.
        exit_code: Option<i32>,
        /// The code and what Codex said.
        reason: String,
    },
    /// A signal that did not come from the agent ended Codex.
    Signalled {
        /// Its number.
        signal: i32,
    },
    /// Codex was ended because it took too long.
    TimedOut {
        /// The time it had.
        after: Duration,
    },
    /// Codex was ended because the caller asked for it.
    Cancelled,
    /// Nothing is left of a budget of the work; the conversation can be taken up again.
    Spent,
    /// Codex asked for leave, and a person has to decide; the conversation can be taken up again.
    Asks(Question),
}

/// How one turn ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turned {
    /// With the run.
    Over(Outcome),
    /// The model provider is short of something: another turn goes on.
    Limited {
        limit: Limit,
        retry_after: Option<Duration>,
        message: String,
    },
}

/// What came out of a run through Codex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Tokens used, as far as Codex told: a turn that ends early tells none.
    pub usage: Usage,
    /// The last thing that Codex said.
    pub last_message: Option<String>,
}

impl Report {
    /// Of a run in which Codex did nothing.
    pub(super) fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            usage: Usage::default(),
            last_message: None,
        }
    }
}

/// Codex, made ready for a run.
pub(super) struct Session {
    bin: PathBuf,
    notice: Option<String>,
    /// As far as it is known.
    model: Option<String>,
    extra_args: Vec<String>,
    chatter: Chatter,
    forms: Arc<Forms>,
    launch: Launch,
    env: BTreeMap<String, String>,
    /// Only kept: Codex's folder goes with the session.
    _home: CodexHome,
    /// The conversation to go on with, once there is one.
    thread: Option<Thread>,
    usage: Usage,
    last_message: Option<String>,
    worked: Duration,
}

struct Thread {
    id: String,
    /// The sum up to now, as Codex counts it.
    usage: Usage,
}

impl Session {
    /// Finds out what the installed Codex takes and makes its folder.
    ///
    /// # Errors
    /// Codex is missing or lacks what is needed, its configuration is invalid, or its folder cannot
    /// be made.
    pub(super) async fn open(
        setup: &CodexSetup,
        launch: Launch,
        cancel: &CancellationToken,
    ) -> Result<Self, CodexError> {
        let forms = forms(&setup.bin, &launch.work, &launch.env, cancel).await?;
        for argument in ["--json", "--sandbox"] {
            if !forms.accepts(argument) {
                return Err(CodexError::Unsupported {
                    bin: setup.bin.clone(),
                    argument,
                });
            }
        }
        let Ready {
            program,
            env,
            home,
            notice,
            model,
        } = ready::make(setup, &launch, Earlier::Goes)?;
        Ok(Self {
            bin: program,
            notice,
            model,
            extra_args: setup.extra_args.clone(),
            chatter: setup.chatter(),
            forms,
            launch,
            env,
            _home: home,
            thread: None,
            usage: Usage::default(),
            last_message: None,
            worked: Duration::ZERO,
        })
    }

    /// What came out, with the outcome of the last turn.
    pub(super) fn report(self, outcome: Outcome) -> Report {
        Report {
            outcome,
            usage: self.usage,
            last_message: self.last_message,
        }
    }

    /// What to say before the first turn.
    pub(super) fn notices(&self) -> Vec<Event> {
        let texts = self.notice.clone().into_iter().chain(self.chatter.notice());
        texts.map(|text| Event::Notice { text }).collect()
    }

    /// Runs one turn: the first with the prompt, later ones to go on.
    pub(super) async fn turn(
        &mut self,
        events: &mpsc::Sender<Event>,
        cancel: &CancellationToken,
    ) -> Result<Turned, CodexError> {
        loop {
            let left = self
                .launch
                .timeout
                .map(|limit| limit.saturating_sub(self.worked));
            let goes_on = self.thread.is_some();
            let begun = Instant::now();
            let (exit, turn) = self.process(left, events, cancel).await?;
            self.worked += begun.elapsed();
            self.count(&turn, events, cancel).await;
            if goes_on && !turn.began && matches!(exit, Exit::Code(code) if code != 0) {
                // The conversation cannot be taken up, so it begins anew over the same files.
                self.thread = None;
                continue;
            }
            return Ok(self.turned(exit, turn));
        }
    }

    async fn process(
        &self,
        timeout: Option<Duration>,
        events: &mpsc::Sender<Event>,
        cancel: &CancellationToken,
    ) -> Result<(Exit, Turn), CodexError> {
        let (sink, mut lines) = mpsc::channel(LINES_IN_FLIGHT);
        let command = self.command(timeout);
        let running = self.launch.keeper.run(command, sink, cancel.clone());
        let reading = async {
            let mut turn = Turn::new(self.chatter);
            while let Some(line) = lines.recv().await {
                if let Some(event) = turn.line(line) {
                    send(events, event, cancel).await;
                }
            }
            turn
        };
        let (exit, turn) = tokio::join!(running, reading);
        Ok((exit?, turn))
    }

    fn command(&self, timeout: Option<Duration>) -> Command {
        let mut argv = vec![self.bin.to_string_lossy().into_owned()];
        let mut add = |arguments: &[&str]| argv.extend(arguments.iter().map(|a| (*a).to_owned()));
        add(&["exec", "--json"]);
        let chosen = |argument: &String| {
            let name = argument
                .split_once('=')
                .map_or(&**argument, |(name, _)| name);
            SANDBOX_CHOICES.contains(&name)
        };
        if !self.extra_args.iter().any(chosen) {
            add(&["--sandbox", self.launch.keeper.sandbox_mode()]);
        }
        if self.forms.accepts("--skip-git-repo-check") {
            add(&["--skip-git-repo-check"]);
        }
        argv.extend(self.extra_args.iter().cloned());
        let input = match &self.thread {
            Some(thread) => {
                argv.extend(["resume".to_owned(), thread.id.clone()]);
                GO_ON
            }
            None => &self.launch.prompt,
        };
        argv.push("-".to_owned());
        Command {
            program: Program::Argv(argv),
            stdin: Some(input.as_bytes().to_vec().into()),
            env: self.env.clone(),
            cwd: self.launch.work.clone(),
            timeout,
            kill_grace: KILL_GRACE,
            records: self.launch.records.clone(),
        }
    }

    async fn count(
        &mut self,
        turn: &Turn,
        events: &mpsc::Sender<Event>,
        cancel: &CancellationToken,
    ) {
        if let Some(message) = &turn.last_message {
            self.last_message = Some(message.clone());
        }
        let Some(id) = &turn.thread_id else {
            return;
        };
        let before = match &self.thread {
            Some(thread) if thread.id == *id => thread.usage,
            Some(_) | None => Usage::default(),
        };
        let after = turn.thread_usage.unwrap_or(before);
        self.thread = Some(Thread {
            id: id.clone(),
            usage: after,
        });
        if turn.thread_usage.is_some() {
            let used = after.since(before);
            self.usage = self.usage + used;
            send(events, Event::Usage(used), cancel).await;
            let sum = Sum {
                model: self.model.clone(),
                since_epoch: self.launch.epoch,
                usage: self.usage,
            };
            send(events, Event::Used(sum), cancel).await;
        }
    }

    fn turned(&self, exit: Exit, turn: Turn) -> Turned {
        Turned::Over(match exit {
            Exit::Code(0) => Outcome::Succeeded,
            Exit::Code(exit_code) => {
                let failure = turn.failure.as_deref();
                if let Some((message, limit)) = failure.and_then(|m| Some((m, Limit::of(m)?))) {
                    return Turned::Limited {
                        limit,
                        retry_after: retry_after(message),
                        message: message.to_owned(),
                    };
                }
                let said = failure.map_or_else(|| turn.stderr.text(), str::to_owned);
                Outcome::Failed {
                    exit_code: Some(exit_code),
                    reason: format!("codex exec {}: {said}", ended(exit)),
                }
            }
            Exit::Signal(signal) => Outcome::Signalled { signal },
            Exit::TimedOut { after } => Outcome::TimedOut {
                after: self.launch.timeout.unwrap_or(after),
            },
            Exit::Cancelled => Outcome::Cancelled,
        })
    }
}

/// Passes an event on. Whoever is slow slows Codex down, but not its end.
pub(super) async fn send(events: &mpsc::Sender<Event>, event: Event, cancel: &CancellationToken) {
    tokio::select! {
        biased;
        permit = events.reserve() => {
            if let Ok(permit) = permit {
                permit.send(event);
            }
        }
        () = cancel.cancelled() => {}
    }
}
