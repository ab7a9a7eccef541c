//! Carrying a run out through the app-server of Codex: its process, its thread, one turn after
//! another.
//!
//! The process is one for all turns of a hold. A run that a person has to decide for ends the process
//! and keeps the conversation; it goes on in another process, under another hold.

use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};

use orch_sandbox::exec::{Command, Exit, Program, Stdin};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    CodexError, CodexSetup, Event, Launch, Limit, Outcome, Report,
    approval::Decision,
    capture::{LINES_IN_FLIGHT, Tail},
    error::ended,
    execute::{LONGEST_GUESS, pause},
    home::Earlier,
    limit::retry_after,
    memory::{Memory, Thread},
    mode::Arguments,
    prompt::GO_ON,
    ready::{self, Ready},
    session::send,
    turn::{Ended, Turn, Work},
    wire::{NoAnswer, Wire},
};

/// How long Codex may take to end itself when it is told to.
const KILL_GRACE: Duration = Duration::from_millis(800);

/// How long it may take to end once nobody talks to it any more.
const LEAVING: Duration = Duration::from_secs(1);

/// How long it may take to begin, to load a thread, and to answer otherwise.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Messages on their way to Codex.
const MESSAGES: usize = 16;

/// What a person says to a run, and the run's own answers.
pub struct Talk<'t> {
    /// Answers of people to the run's questions.
    pub answers: &'t HashMap<String, String>,
    /// What people say while it works.
    pub said: &'t mut mpsc::Receiver<String>,
    /// Cancelled where nothing is left of a budget of the work: it stops, and can be taken up again.
    pub spent: &'t CancellationToken,
}

/// Lets Codex carry a run out and reports what it does. Returns when it is over; cancelled, when no
/// process of it is left.
///
/// # Errors
/// [`CodexError`] where Codex could not be made ready, started or watched.
pub(super) async fn converse(
    setup: &CodexSetup,
    launch: &Launch,
    talk: Talk<'_>,
    events: &mpsc::Sender<Event>,
    cancel: &CancellationToken,
) -> Result<Report, CodexError> {
    let mut memory = Memory::load(&launch.run_folder);
    memory.begin(launch.epoch);
    let news = match memory.asked.clone() {
        None => None,
        Some(asked) => match asked.decided(talk.answers) {
            None => {
                return Ok(Report {
                    usage: memory.usage,
                    ..Report::of(Outcome::Asks(asked.question()))
                });
            }
            Some(decision) => {
                let word = match decision {
                    Decision::Approved => {
                        memory.granted = Some(asked.digest.clone());
                        "approved"
                    }
                    Decision::Declined => {
                        memory.declined.insert(asked.digest.clone());
                        "declined"
                    }
                };
                memory.asked = None;
                keep(&memory, &launch.run_folder).await?;
                let text = format!("a person {word}: {}", asked.what);
                send(events, Event::Notice { text }, cancel).await;
                Some(asked.news(decision))
            }
        },
    };
    let earlier = match memory.thread {
        Some(_) => Earlier::Stays,
        None => Earlier::Goes,
    };
    let arguments = Arguments::read(&setup.extra_args).unwrap_or_default();
    let Ready {
        program,
        env,
        mut home,
        notice,
        model: configured,
    } = ready::make(setup, launch, earlier)?;
    for text in notice.into_iter().chain(setup.chatter().notice()) {
        send(events, Event::Notice { text }, cancel).await;
    }
    let mut argv = vec![program.to_string_lossy().into_owned(), "app-server".into()];
    argv.extend(arguments.own);
    let (input, pieces) = mpsc::channel(MESSAGES);
    let (sink, lines) = mpsc::channel(LINES_IN_FLIGHT);
    let command = Command {
        program: Program::Argv(argv),
        stdin: Some(Stdin::Pieces(pieces)),
        env,
        cwd: launch.work.clone(),
        timeout: None,
        kill_grace: KILL_GRACE,
        records: launch.records.clone(),
    };
    // Its own end: a turn is interrupted before its process is.
    let stop = CancellationToken::new();
    let running = launch.keeper.run(command, sink, stop.clone());
    let mut session = Session {
        setup,
        launch,
        model: arguments.model,
        answering: configured,
        spent: talk.spent,
        wire: Wire::new(input, lines),
        memory,
        last_message: None,
        worked: Duration::ZERO,
    };
    let exited = CancellationToken::new();
    let talking = async {
        let over = session.carry_on(talk.said, news, events, cancel).await;
        let Session {
            wire,
            memory,
            last_message,
            ..
        } = session;
        let stderr = wire.stderr.clone();
        // Nobody talks to it any more: it ends.
        drop(wire);
        if timeout(LEAVING, exited.cancelled()).await.is_err() {
            stop.cancel();
        }
        (over, memory, last_message, stderr)
    };
    let process = async {
        let exit = running.await;
        exited.cancel();
        exit
    };
    let (exit, (over, memory, last_message, stderr)) = tokio::join!(process, talking);
    let exit = exit?;
    let outcome = match over? {
        Over::Outcome(outcome) => outcome,
        Over::Gone => gone(exit, &stderr),
    };
    if matches!(
        outcome,
        Outcome::Asks(_) | Outcome::Cancelled | Outcome::Spent
    ) {
        home.stay();
    }
    keep(&memory, &launch.run_folder).await?;
    Ok(Report {
        outcome,
        usage: memory.usage,
        last_message,
    })
}

/// How talking to Codex ended.
enum Over {
    Outcome(Outcome),
    /// Its process ended by itself.
    Gone,
}

struct Session<'s> {
    setup: &'s CodexSetup,
    launch: &'s Launch,
    /// The model that is asked for.
    model: Option<String>,
    /// The one that answers, as far as it is known.
    answering: Option<String>,
    spent: &'s CancellationToken,
    wire: Wire,
    memory: Memory,
    last_message: Option<String>,
    worked: Duration,
}

impl Session<'_> {
    async fn carry_on(
        &mut self,
        said: &mut mpsc::Receiver<String>,
        news: Option<String>,
        events: &mpsc::Sender<Event>,
        cancel: &CancellationToken,
    ) -> Result<Over, CodexError> {
        let begun = tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(Over::Outcome(Outcome::Cancelled)),
            begun = self.begin(events, cancel) => begun?,
        };
        let (thread, mut input) = match begun {
            None => return Ok(Over::Gone),
            Some((thread, Began::Anew)) => {
                let news = news.unwrap_or_default();
                (thread, format!("{}{news}", self.launch.prompt))
            }
            Some((thread, Began::Again)) => (thread, news.unwrap_or_else(|| GO_ON.to_owned())),
        };
        let mut guess = self.setup.error_backoff;
        loop {
            let begun = Instant::now();
            let left = self
                .launch
                .timeout
                .map(|limit| limit.saturating_sub(self.worked));
            let work = Work {
                setup: self.setup,
                launch: self.launch,
                thread: &thread,
                events,
                cancel,
                spent: self.spent,
                model: self.answering.as_deref(),
            };
            let mut turn = Turn::new(work, &mut self.wire, &mut self.memory);
            let (ended, used) = match turn.begin(&input).await {
                Err(ended) => (ended, turn.used),
                Ok(()) => (turn.run(said, left).await?, turn.used),
            };
            let (message, undelivered) = (turn.last_message.take(), turn.undelivered());
            self.last_message = message.or(self.last_message.take());
            self.worked += begun.elapsed();
            send(events, Event::Usage(used), cancel).await;
            keep(&self.memory, &self.launch.run_folder).await?;
            let message = match ended {
                Ended::Completed if undelivered.is_empty() => {
                    return Ok(Over::Outcome(Outcome::Succeeded));
                }
                // What a person said at the very end is worth another turn.
                Ended::Completed => {
                    input = undelivered.join("\n\n");
                    continue;
                }
                Ended::Failed(message) => match over_budget(self.setup, &self.memory) {
                    Some(reason) => {
                        return Ok(Over::Outcome(Outcome::Failed {
                            exit_code: None,
                            reason,
                        }));
                    }
                    None => message,
                },
                Ended::Asks(asked) => {
                    return Ok(Over::Outcome(Outcome::Asks(asked.question())));
                }
                Ended::OverBudget => {
                    let reason = over_budget(self.setup, &self.memory).unwrap_or_default();
                    return Ok(Over::Outcome(Outcome::Failed {
                        exit_code: None,
                        reason,
                    }));
                }
                Ended::Interrupted => {
                    let reason = "codex interrupted the turn by itself".to_owned();
                    return Ok(Over::Outcome(Outcome::Failed {
                        exit_code: None,
                        reason,
                    }));
                }
                Ended::Spent => return Ok(Over::Outcome(Outcome::Spent)),
                Ended::Cancelled => return Ok(Over::Outcome(Outcome::Cancelled)),
                Ended::TimedOut => {
                    let after = self.launch.timeout.unwrap_or_default();
                    return Ok(Over::Outcome(Outcome::TimedOut { after }));
                }
                Ended::Gone => return Ok(Over::Gone),
            };
            let Some(limit) = Limit::of(&message) else {
                let reason = format!("codex failed: {message}");
                return Ok(Over::Outcome(Outcome::Failed {
                    exit_code: None,
                    reason,
                }));
            };
            let least = self.setup.error_backoff;
            let pause = pause(retry_after(&message), guess, least);
            let limited = Event::Limited {
                limit,
                pause,
                message,
            };
            send(events, limited, cancel).await;
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(Over::Outcome(Outcome::Cancelled)),
                () = sleep(pause) => {}
            }
            guess = (guess * 2).min(LONGEST_GUESS.max(least));
            input = GO_ON.to_owned();
            if !undelivered.is_empty() {
                input.push_str(&undelivered.join("\n\n"));
            }
        }
    }

    /// Which model answers in a thread that was begun or taken up.
    fn note_model(&mut self, thread: &Value) {
        let told = thread["model"].as_str();
        if let Some(told) = told.filter(|model| !model.is_empty()) {
            self.answering = Some(told.to_owned());
        }
    }

    /// Begins the conversation, or takes the one up that there was; `None` where the process ended.
    async fn begin(
        &mut self,
        events: &mpsc::Sender<Event>,
        cancel: &CancellationToken,
    ) -> Result<Option<(String, Began)>, CodexError> {
        let client = json!({
            "name": "codex-orchestrator", "title": "Codex Orchestrator",
            "version": env!("CARGO_PKG_VERSION"),
        });
        let asked = self
            .wire
            .ask("initialize", json!({ "clientInfo": client }), PATIENCE);
        if answered("initialize", asked.await)?.is_none() {
            return Ok(None);
        }
        if self.wire.tell("initialized", PATIENCE).await.is_err() {
            return Ok(None);
        }
        let mut params = json!({
            "cwd": self.launch.work.to_string_lossy(),
            "approvalPolicy": self.setup.app.approval.name(),
            "sandbox": self.launch.keeper.sandbox_mode(),
        });
        if let Some(model) = &self.model {
            params["model"] = model.as_str().into();
        }
        if let Some(thread) = &self.memory.thread {
            let id = thread.id.clone();
            let mut params = params.clone();
            params["threadId"] = id.as_str().into();
            params["excludeTurns"] = true.into();
            match self.wire.ask("thread/resume", params, PATIENCE).await {
                Ok(answer) => {
                    self.note_model(&answer);
                    return Ok(Some((id, Began::Again)));
                }
                Err(NoAnswer::Gone) => return Ok(None),
                Err(NoAnswer::Refused(refused)) => {
                    let text = format!(
                        "the conversation cannot be taken up again ({}): it begins anew over the same files",
                        refused.message
                    );
                    send(events, Event::Notice { text }, cancel).await;
                    self.memory.thread = None;
                }
                Err(late @ NoAnswer::TooLate { .. }) => {
                    return answered("thread/resume", Err(late)).map(|_| None);
                }
            }
        }
        let asked = self.wire.ask("thread/start", params, PATIENCE).await;
        let Some(answer) = answered("thread/start", asked)? else {
            return Ok(None);
        };
        self.note_model(&answer);
        let Some(id) = answer["thread"]["id"].as_str() else {
            let why = "did not name the thread that it began".to_owned();
            return Err(CodexError::Protocol(why));
        };
        self.memory.thread = Some(Thread {
            id: id.to_owned(),
            usage: super::Usage::default(),
        });
        keep(&self.memory, &self.launch.run_folder).await?;
        Ok(Some((id.to_owned(), Began::Anew)))
    }
}

/// Why nothing more may be used, where that is so.
fn over_budget(setup: &CodexSetup, memory: &Memory) -> Option<String> {
    let used = memory.usage.tokens();
    let budget = setup.app.token_budget.filter(|budget| used > *budget)?;
    Some(format!(
        "the token budget of {budget} (AGENT_CODEX_TOKEN_BUDGET) is used up: {used} tokens were used"
    ))
}

/// How a conversation began.
enum Began {
    Anew,
    Again,
}

/// An answer without which nothing goes on; `None` where the process ended.
fn answered(what: &str, answer: Result<Value, NoAnswer>) -> Result<Option<Value>, CodexError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(NoAnswer::Gone) => Ok(None),
        Err(NoAnswer::Refused(refused)) => Err(CodexError::Protocol(format!(
            "refused `{what}`: {} ({})",
            refused.message, refused.code
        ))),
        Err(NoAnswer::TooLate { after }) => Err(CodexError::Protocol(format!(
            "did not answer `{what}` within {} s",
            after.as_secs_f64()
        ))),
    }
}

fn gone(exit: Exit, stderr: &Tail) -> Outcome {
    match exit {
        Exit::Signal(signal) => Outcome::Signalled { signal },
        exit => Outcome::Failed {
            exit_code: match exit {
                Exit::Code(code) => Some(code),
                _ => None,
            },
            reason: format!(
                "codex app-server {} in the middle of its work: {}",
                ended(exit),
                stderr.text()
            ),
        },
    }
}

async fn keep(memory: &Memory, run_folder: &Path) -> Result<(), CodexError> {
    let kept = memory.save(run_folder).await;
    kept.map_err(|source| CodexError::Memory {
        folder: run_folder.to_owned(),
        source,
    })
}
