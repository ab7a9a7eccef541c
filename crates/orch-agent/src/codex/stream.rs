//! Turning what `codex exec --json` prints into events.
//!
//! Pure: lines in, events out. What is unknown is passed over and what is malformed is shown as it
//! is, so that another version of Codex never makes a run fail.

use orch_sandbox::exec::{Line, Stream};
use serde_json::Value;

use super::{Change, Event, Usage, capture::Tail, setup::Chatter};

/// A longer line is not taken for an event.
const MAX_EVENT_BYTES: usize = 16 * 1024 * 1024;

/// What is known of a turn after the lines up to now.
#[derive(Debug)]
pub(super) struct Turn {
    chatter: Chatter,
    pending: String,
    /// Names the conversation, for going on with it.
    pub(super) thread_id: Option<String>,
    /// Whether the model was asked anything.
    pub(super) began: bool,
    /// Why the turn failed, in Codex's words.
    pub(super) failure: Option<String>,
    /// The last thing that Codex said.
    pub(super) last_message: Option<String>,
    /// The sum of the thread, as reported at the turn's end.
    pub(super) thread_usage: Option<Usage>,
    /// The end of the error output.
    pub(super) stderr: Tail,
}

impl Turn {
    pub(super) fn new(chatter: Chatter) -> Self {
        Self {
            chatter,
            pending: String::new(),
            thread_id: None,
            began: false,
            failure: None,
            last_message: None,
            thread_usage: None,
            stderr: Tail::default(),
        }
    }

    /// Takes the next line and tells what happened.
    pub(super) fn line(&mut self, line: Line) -> Option<Event> {
        match line.stream {
            Stream::Stderr => {
                self.stderr.push(&line.message);
                // Said at every start.
                let is_noise = line.message.starts_with("Reading prompt from stdin");
                (!is_noise).then_some(Event::Line {
                    stream: Stream::Stderr,
                    text: line.message,
                })
            }
            Stream::Stdout if line.partial && self.pending.len() < MAX_EVENT_BYTES => {
                self.pending.push_str(&line.message);
                None
            }
            Stream::Stdout => {
                let mut text = std::mem::take(&mut self.pending);
                text.push_str(&line.message);
                self.event(text)
            }
        }
    }

    fn event(&mut self, text: String) -> Option<Event> {
        let parsed = serde_json::from_str::<Value>(&text).ok();
        let Some(value) = parsed.filter(Value::is_object) else {
            let is_blank = text.trim().is_empty();
            return (!is_blank).then_some(Event::Line {
                stream: Stream::Stdout,
                text,
            });
        };
        let item = &value["item"];
        match string(&value, "type").as_str() {
            "thread.started" => {
                self.thread_id = value["thread_id"].as_str().map(str::to_owned);
                None
            }
            "turn.started" => {
                self.began = true;
                None
            }
            "item.started" => self.item_started(item),
            "item.completed" => self.item_completed(item),
            "turn.completed" => {
                self.thread_usage = Some(usage(&value["usage"]));
                None
            }
            "turn.failed" => self.failed(string(&value["error"], "message")),
            "error" => self.failed(string(&value, "message")),
            other => {
                tracing::debug!(event = other, "passed over an event of codex");
                None
            }
        }
    }

    fn item_started(&self, item: &Value) -> Option<Event> {
        match self.chatter {
            Chatter::Full if string(item, "type") == "command_execution" => {
                Some(Event::CommandStarted {
                    command: string(item, "command"),
                })
            }
            Chatter::Full | Chatter::Reduced { .. } => None,
        }
    }

    /// The same is said over and over while the network is down, and again at the turn's end.
    fn failed(&mut self, message: String) -> Option<Event> {
        let is_new = self.failure.as_ref() != Some(&message);
        self.failure = Some(message.clone());
        is_new.then_some(Event::Error { message })
    }

    fn item_completed(&mut self, item: &Value) -> Option<Event> {
        // Whatever was wrong before, Codex went on.
        self.failure = None;
        let status = string(item, "status");
        match string(item, "type").as_str() {
            "command_execution" => Some(Event::Command {
                command: string(item, "command"),
                exit_code: item["exit_code"]
                    .as_i64()
                    .and_then(|code| code.try_into().ok()),
                output: string(item, "aggregated_output"),
            }),
            "file_change" => Some(Event::FileChange {
                changes: changes(&item["changes"]),
                status,
            }),
            "agent_message" => {
                let text = string(item, "text");
                self.last_message = Some(text.clone());
                Some(Event::Message { text })
            }
            "reasoning" => match self.chatter {
                Chatter::Full => Some(Event::Reasoning {
                    text: string(item, "text"),
                }),
                Chatter::Reduced { .. } => None,
            },
            "error" => Some(Event::Error {
                message: string(item, "message"),
            }),
            "mcp_tool_call" => Some(Event::Tool {
                name: format!("{}/{}", string(item, "server"), string(item, "tool")),
                status,
            }),
            "web_search" => Some(Event::Tool {
                name: format!("web search {:?}", string(item, "query")),
                status: "done".to_owned(),
            }),
            other => {
                tracing::debug!(item = other, "passed over an item of codex");
                None
            }
        }
    }
}

/// A field as text; empty where it is missing or no text.
fn string(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

fn changes(value: &Value) -> Vec<Change> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .map(|change| Change {
            path: string(change, "path"),
            kind: string(change, "kind"),
        })
        .collect()
}

fn usage(value: &Value) -> Usage {
    let count = |field: &str| value[field].as_u64().unwrap_or_default();
    Usage {
        input_tokens: count("input_tokens"),
        cached_input_tokens: count("cached_input_tokens"),
        output_tokens: count("output_tokens"),
        reasoning_output_tokens: count("reasoning_output_tokens"),
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
