//! One turn of Codex's app-server: what it says is told, what it asks for is answered, what people
//! say reaches it.
//!
//! Ends with the turn, or within a bound after it was interrupted. Knows nothing of processes.

use std::{
    collections::{HashMap, VecDeque},
    future::pending,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    CodexError, CodexSetup, Event, Launch, Usage,
    approval::{Asked, Place},
    converse::PATIENCE,
    items::{self, string},
    memory::Memory,
    session::send,
    setup::Chatter,
    wire::{Heard, NoAnswer, Refused, Wire},
};

/// How long an interrupted turn may take to end.
const INTERRUPT_PATIENCE: Duration = Duration::from_millis(1200);

/// Changes of files that are remembered until leave is asked for them.
const MOST_CHANGES: usize = 32;

/// Words of people on their way.
const MOST_SAID: usize = 16;

/// JSON-RPC's code for a method that nobody offers.
const NO_SUCH_METHOD: i64 = -32601;

/// What a turn is part of.
#[derive(Clone, Copy)]
pub(super) struct Work<'w> {
    pub(super) setup: &'w CodexSetup,
    pub(super) launch: &'w Launch,
    pub(super) thread: &'w str,
    pub(super) events: &'w mpsc::Sender<Event>,
    pub(super) cancel: &'w CancellationToken,
    /// Cancelled where nothing is left of a budget.
    pub(super) spent: &'w CancellationToken,
    /// As its provider names it, where that is known.
    pub(super) model: Option<&'w str>,
}

/// How a turn ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Completed,
    /// In Codex's words.
    Failed(String),
    /// A person has to decide.
    Asks(Asked),
    /// More tokens than the run may use.
    OverBudget,
    /// Nothing is left of a budget of the work.
    Spent,
    Cancelled,
    TimedOut,
    /// By Codex itself.
    Interrupted,
    /// The process ended.
    Gone,
}

/// A turn under way.
pub(super) struct Turn<'t> {
    work: Work<'t>,
    chatter: Chatter,
    wire: &'t mut Wire,
    memory: &'t mut Memory,
    id: String,
    /// Why it is interrupted, and until when that may take.
    ending: Option<(Ended, Instant)>,
    failure: Option<String>,
    changes: VecDeque<Value>,
    /// What people said and Codex has not confirmed, by the request's id.
    on_the_way: HashMap<u64, String>,
    /// What did not reach it.
    missed: Vec<String>,
    /// Tokens of this turn.
    pub(super) used: Usage,
    pub(super) last_message: Option<String>,
}

impl<'t> Turn<'t> {
    pub(super) fn new(work: Work<'t>, wire: &'t mut Wire, memory: &'t mut Memory) -> Self {
        Self {
            work,
            chatter: work.setup.chatter(),
            wire,
            memory,
            id: String::new(),
            ending: None,
            failure: None,
            changes: VecDeque::new(),
            on_the_way: HashMap::new(),
            missed: Vec::new(),
            used: Usage::default(),
            last_message: None,
        }
    }

    /// Begins it.
    ///
    /// # Errors
    /// How it ended where it did not begin.
    pub(super) async fn begin(&mut self, input: &str) -> Result<(), Ended> {
        let params = json!({
            "threadId": self.work.thread,
            "input": [{ "type": "text", "text": input }],
        });
        match self.wire.ask("turn/start", params, PATIENCE).await {
            Ok(answer) => {
                self.id = string(&answer["turn"], "id");
                Ok(())
            }
            Err(NoAnswer::Gone) => Err(Ended::Gone),
            Err(NoAnswer::Refused(refused)) => Err(Ended::Failed(refused.message)),
            Err(NoAnswer::TooLate { after }) => {
                let seconds = after.as_secs_f64();
                Err(Ended::Failed(format!(
                    "it did not begin a turn within {seconds} s"
                )))
            }
        }
    }

    /// What people said and did not reach Codex.
    pub(super) fn undelivered(&mut self) -> Vec<String> {
        let mut all = std::mem::take(&mut self.missed);
        all.extend(std::mem::take(&mut self.on_the_way).into_values());
        all
    }

    /// Goes on until it has ended.
    pub(super) async fn run(
        &mut self,
        said: &mut mpsc::Receiver<String>,
        left: Option<Duration>,
    ) -> Result<Ended, CodexError> {
        let over_time = async {
            match left {
                Some(left) => sleep(left).await,
                None => pending().await,
            }
        };
        tokio::pin!(over_time);
        let (cancel, spent) = (self.work.cancel, self.work.spent);
        loop {
            let is_ending = self.ending.is_some();
            let patience = self.ending.as_ref().map(|(_, until)| *until);
            let gives_up = async {
                match patience {
                    Some(until) => sleep_until(until).await,
                    None => pending().await,
                }
            };
            let takes_words = !is_ending && self.on_the_way.len() < MOST_SAID;
            tokio::select! {
                biased;
                () = cancel.cancelled(), if !is_ending => self.interrupt(Ended::Cancelled).await,
                () = spent.cancelled(), if !is_ending => self.interrupt(Ended::Spent).await,
                () = gives_up => return Ok(self.ended(Ended::Interrupted)),
                () = &mut over_time, if !is_ending => self.interrupt(Ended::TimedOut).await,
                Some(text) = said.recv(), if takes_words => self.steer(text).await,
                heard = self.wire.hear() => {
                    let Some(heard) = heard else {
                        return Ok(self.ended(Ended::Gone));
                    };
                    if let Some(ended) = self.take(heard).await? {
                        return Ok(self.ended(ended));
                    }
                }
            }
        }
    }

    /// Why it was interrupted goes before how that ended, unless it was done by then for all that is left to pay.
    fn ended(&mut self, ended: Ended) -> Ended {
        match (self.ending.take(), ended) {
            (Some((Ended::Spent, _)), Ended::Completed) => Ended::Completed,
            (Some((why, _)), _) => why,
            (None, ended) => ended,
        }
    }

    async fn interrupt(&mut self, why: Ended) {
        let params = json!({ "threadId": self.work.thread, "turnId": self.id });
        let asked = self
            .wire
            .request("turn/interrupt", params, INTERRUPT_PATIENCE);
        // A process that does not hear is ended.
        let _ = asked.await;
        self.ending = Some((why, Instant::now() + INTERRUPT_PATIENCE));
    }

    async fn steer(&mut self, text: String) {
        let params = json!({
            "threadId": self.work.thread,
            "expectedTurnId": self.id,
            "input": [{ "type": "text", "text": text }],
        });
        match self.wire.request("turn/steer", params, PATIENCE).await {
            Ok(id) => {
                self.on_the_way.insert(id, text);
            }
            Err(_) => self.missed.push(text),
        }
    }

    async fn say(&self, event: Event) {
        send(self.work.events, event, self.work.cancel).await;
    }

    async fn take(&mut self, heard: Heard) -> Result<Option<Ended>, CodexError> {
        match heard {
            Heard::Text { stream, text } => {
                self.say(Event::Line { stream, text }).await;
            }
            Heard::Answer { id, answer } => self.take_answer(id, answer).await,
            Heard::Request { id, method, params } => self.decide(id, &method, &params).await?,
            Heard::Notice { method, params } => return Ok(self.notice(&method, &params).await),
        }
        Ok(None)
    }

    async fn take_answer(&mut self, id: u64, answer: Result<Value, Refused>) {
        let Some(text) = self.on_the_way.remove(&id) else {
            return;
        };
        match answer {
            Ok(_) => {
                let text = format!("a person says to Codex: {text}");
                self.say(Event::Notice { text }).await;
            }
            Err(refused) => {
                tracing::debug!(message = refused.message, "codex did not take a word");
                self.missed.push(text);
            }
        }
    }

    async fn notice(&mut self, method: &str, params: &Value) -> Option<Ended> {
        let thread = params["threadId"].as_str().unwrap_or_default();
        let is_ours = thread == self.work.thread;
        match method {
            "item/started" => {
                let item = &params["item"];
                if items::kind(item) == "fileChange" {
                    if self.changes.len() == MOST_CHANGES {
                        self.changes.pop_front();
                    }
                    self.changes.push_back(item.clone());
                }
                if let Some(event) = items::started(self.chatter, item) {
                    self.say(event).await;
                }
            }
            "item/completed" => {
                // Whatever was wrong before, Codex went on.
                self.failure = None;
                if let Some(event) = items::completed(self.chatter, &params["item"]) {
                    if let (Event::Message { text }, true) = (&event, is_ours) {
                        self.last_message = Some(text.clone());
                    }
                    self.say(event).await;
                }
            }
            "thread/tokenUsage/updated" => {
                let total = items::usage(&params["tokenUsage"]["total"]);
                self.count(thread, total).await;
            }
            "error" => self.failed(string(&params["error"], "message")).await,
            "turn/completed" if is_ours && params["turn"]["id"] == self.id.as_str() => {
                let turn = &params["turn"];
                return Some(match turn["status"].as_str().unwrap_or_default() {
                    "completed" => Ended::Completed,
                    "interrupted" => Ended::Interrupted,
                    _ => {
                        let message = string(&turn["error"], "message");
                        if !message.is_empty() {
                            self.failed(message).await;
                        }
                        let known = self.failure.take();
                        Ended::Failed(known.unwrap_or_else(|| "it did not say why".to_owned()))
                    }
                });
            }
            "configWarning" => {
                let text = format!("codex: {}", string(params, "summary"));
                self.say(Event::Notice { text }).await;
            }
            other => tracing::trace!(method = other, "passed over a notice of codex"),
        }
        None
    }

    /// The same is said over and over while the network is down, and again at the turn's end.
    async fn failed(&mut self, message: String) {
        if self.failure.as_ref() != Some(&message) {
            self.failure = Some(message.clone());
            self.say(Event::Error { message }).await;
        }
    }

    /// Counts tokens, and ends the turn before it goes on where they are too many.
    async fn count(&mut self, thread: &str, total: Usage) {
        let model = self.work.model;
        let more = self.memory.used(thread, model, total);
        self.used = self.used + more;
        self.say(Event::Used(self.memory.sum(model))).await;
        let used = self.memory.usage.tokens();
        if let Some(budget) = self.work.setup.app.token_budget
            && used > budget
            && self.ending.is_none()
        {
            self.interrupt(Ended::OverBudget).await;
        }
    }

    /// Answers a request of Codex.
    async fn decide(&mut self, id: Value, method: &str, params: &Value) -> Result<(), CodexError> {
        let place = Place {
            epoch: self.work.launch.epoch,
            number: self.memory.questions + 1,
        };
        let asked = match method {
            "item/commandExecution/requestApproval" => Asked::command(params, place),
            "item/fileChange/requestApproval" => {
                let item_id = params["itemId"].as_str().unwrap_or_default();
                let item = self.changes.iter().find(|item| item["id"] == item_id);
                Asked::change(params, item.unwrap_or(&Value::Null), place)
            }
            other => {
                let message = format!("`{other}` is not offered here: go on without it");
                let refused = Refused {
                    code: NO_SUCH_METHOD,
                    message,
                };
                self.answer(&id, Err(refused)).await;
                return Ok(());
            }
        };
        // The turn ends anyway; what it waits for is asked again in another one.
        if self.ending.is_some() {
            return Ok(());
        }
        if self.memory.granted.as_ref() == Some(&asked.digest) {
            // Used up before it takes effect: after a crash in between it is asked for again.
            self.memory.granted = None;
            self.keep().await?;
            let text = format!("allowed once, as a person approved: {}", asked.what);
            self.say(Event::Notice { text }).await;
            self.answer(&id, Ok(json!({ "decision": "accept" }))).await;
        } else if self.memory.declined.contains(&asked.digest) {
            let text = format!("refused, as a person declined it: {}", asked.what);
            self.say(Event::Notice { text }).await;
            self.answer(&id, Ok(json!({ "decision": "decline" }))).await;
        } else {
            self.memory.questions = place.number;
            self.memory.asked = Some(asked.clone());
            self.keep().await?;
            self.interrupt(Ended::Asks(asked)).await;
        }
        Ok(())
    }

    async fn answer(&mut self, id: &Value, answer: Result<Value, Refused>) {
        // A process that has ended is seen at the next word from it.
        let _ = self.wire.answer(id, answer, PATIENCE).await;
    }

    async fn keep(&self) -> Result<(), CodexError> {
        let folder = &self.work.launch.run_folder;
        let kept = self.memory.save(folder).await;
        kept.map_err(|source| CodexError::Memory {
            folder: folder.clone(),
            source,
        })
    }
}

#[cfg(test)]
#[path = "turn_tests.rs"]
mod tests;
