//! One JSON value a line, in both directions: what the app-server of Codex says and is told.
//!
//! Holds at most one message at a time, and passes over what is too long or no message. Never waits
//! for ever: whoever asks says how long.

use std::{collections::VecDeque, time::Duration};

use orch_sandbox::exec::{Line, Stream};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::capture::Tail;

/// A longer line is passed over.
pub(super) const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// Messages that may come while one answer is waited for; more are passed over.
const MOST_SET_ASIDE: usize = 4096;

/// Lines of other text that are told; the rest of them is passed over.
const MOST_JUNK: usize = 200;

/// What was heard.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Heard {
    /// The answer to a request of ours.
    Answer {
        id: u64,
        answer: Result<Value, Refused>,
    },
    /// A request that wants an answer under this id.
    Request {
        id: Value,
        method: String,
        params: Value,
    },
    /// Something that happened.
    Notice { method: String, params: Value },
    /// Other text.
    Text { stream: Stream, text: String },
}

/// A request that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: i64,
    pub(super) message: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    Refused(Refused),
    /// The program ended.
    Gone,
    TooLate {
        after: Duration,
    },
}

/// Our end.
pub(super) struct Wire {
    input: mpsc::Sender<Vec<u8>>,
    lines: mpsc::Receiver<Line>,
    pending: String,
    /// The rest of a line is passed over.
    is_too_long: bool,
    aside: VecDeque<Heard>,
    last_id: u64,
    junk: usize,
    /// The end of the error output.
    pub(super) stderr: Tail,
}

impl Wire {
    pub(super) fn new(input: mpsc::Sender<Vec<u8>>, lines: mpsc::Receiver<Line>) -> Self {
        Self {
            input,
            lines,
            pending: String::new(),
            is_too_long: false,
            aside: VecDeque::new(),
            last_id: 0,
            junk: 0,
            stderr: Tail::default(),
        }
    }

    /// The next that is heard; `None` when the program has ended. Nothing is lost where the future
    /// is dropped.
    pub(super) async fn hear(&mut self) -> Option<Heard> {
        match self.aside.pop_front() {
            Some(heard) => Some(heard),
            None => self.next().await,
        }
    }

    async fn next(&mut self) -> Option<Heard> {
        loop {
            let line = self.lines.recv().await?;
            if let Some(heard) = self.line(line) {
                return Some(heard);
            }
        }
    }

    /// Sends a request and tells its id.
    ///
    /// # Errors
    /// [`NoAnswer::Gone`] and [`NoAnswer::TooLate`].
    pub(super) async fn request(
        &mut self,
        method: &str,
        params: Value,
        patience: Duration,
    ) -> Result<u64, NoAnswer> {
        self.last_id += 1;
        let id = self.last_id;
        let message = json!({ "id": id, "method": method, "params": params });
        self.say(message, patience).await?;
        Ok(id)
    }

    /// Sends a request and waits for its answer; what comes in between is heard afterwards.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub(super) async fn ask(
        &mut self,
        method: &str,
        params: Value,
        patience: Duration,
    ) -> Result<Value, NoAnswer> {
        let until = Instant::now() + patience;
        let asked = self.request(method, params, patience).await?;
        loop {
            let heard = timeout_at(until, self.next()).await;
            let heard = heard.map_err(|_| NoAnswer::TooLate { after: patience })?;
            match heard.ok_or(NoAnswer::Gone)? {
                Heard::Answer { id, answer } if id == asked => {
                    return answer.map_err(NoAnswer::Refused);
                }
                other if self.aside.len() < MOST_SET_ASIDE => self.aside.push_back(other),
                other => tracing::debug!(?other, "passed over a message of codex"),
            }
        }
    }

    /// Says that something is so.
    ///
    /// # Errors
    /// As for [`Wire::request`].
    pub(super) async fn tell(&self, method: &str, patience: Duration) -> Result<(), NoAnswer> {
        self.say(json!({ "method": method }), patience).await
    }

    /// Answers a request.
    ///
    /// # Errors
    /// As for [`Wire::request`].
    pub(super) async fn answer(
        &self,
        id: &Value,
        answer: Result<Value, Refused>,
        patience: Duration,
    ) -> Result<(), NoAnswer> {
        let message = match answer {
            Ok(result) => json!({ "id": id, "result": result }),
            Err(Refused { code, message }) => {
                json!({ "id": id, "error": { "code": code, "message": message } })
            }
        };
        self.say(message, patience).await
    }

    async fn say(&self, message: Value, patience: Duration) -> Result<(), NoAnswer> {
        let mut bytes = message.to_string().into_bytes();
        bytes.push(b'\n');
        match self.input.send_timeout(bytes, patience).await {
            Ok(()) => Ok(()),
            Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(NoAnswer::Gone),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                Err(NoAnswer::TooLate { after: patience })
            }
        }
    }

    fn line(&mut self, line: Line) -> Option<Heard> {
        if line.stream == Stream::Stderr {
            self.stderr.push(&line.message);
            return self.text(Stream::Stderr, line.message);
        }
        if self.is_too_long {
            self.is_too_long = line.partial;
            return None;
        }
        if self.pending.len() + line.message.len() > MAX_MESSAGE_BYTES {
            self.pending = String::new();
            self.is_too_long = line.partial;
            let text = format!(
                "[a message of Codex with more than {} MiB was passed over]",
                MAX_MESSAGE_BYTES >> 20
            );
            return self.text(Stream::Stdout, text);
        }
        self.pending.push_str(&line.message);
        if line.partial {
            return None;
        }
        let text = std::mem::take(&mut self.pending);
        match read(&text) {
            Some(heard) => Some(heard),
            None => self.text(Stream::Stdout, text),
        }
    }

    fn text(&mut self, stream: Stream, text: String) -> Option<Heard> {
        if text.trim().is_empty() || self.junk == MOST_JUNK {
            return None;
        }
        self.junk += 1;
        let text = match self.junk {
            MOST_JUNK => "[more of what Codex prints beside its messages is left out]".to_owned(),
            _ => text,
        };
        Some(Heard::Text { stream, text })
    }
}

/// A line as a message; `None` where it is none.
fn read(text: &str) -> Option<Heard> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    let method = value["method"].as_str().map(str::to_owned);
    let id = value.get("id").filter(|id| !id.is_null()).cloned();
    match (method, id) {
        (Some(method), Some(id)) => Some(Heard::Request {
            id,
            method,
            params: value["params"].take(),
        }),
        (Some(method), None) => Some(Heard::Notice {
            method,
            params: value["params"].take(),
        }),
        (None, Some(id)) => {
            let answer = match value.get("error").filter(|error| !error.is_null()) {
                Some(error) => Err(Refused {
                    code: error["code"].as_i64().unwrap_or_default(),
                    message: error["message"].as_str().unwrap_or_default().to_owned(),
                }),
                None => Ok(value["result"].take()),
            };
            let id = id.as_u64()?;
            Some(Heard::Answer { id, answer })
        }
        (None, None) => None,
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
