//! What the app-server of Codex says of its work, as events.
//!
//! Pure: values in, events out. What is unknown is passed over, so that another version of Codex
//! never makes a run fail.

use serde_json::Value;

use super::{Change, Event, Usage, setup::Chatter};

/// An item that was begun.
pub(super) fn started(chatter: Chatter, item: &Value) -> Option<Event> {
    match chatter {
        Chatter::Full if kind(item) == "commandExecution" => Some(Event::CommandStarted {
            command: string(item, "command"),
        }),
        Chatter::Full | Chatter::Reduced { .. } => None,
    }
}

/// An item that is over.
pub(super) fn completed(chatter: Chatter, item: &Value) -> Option<Event> {
    let status = string(item, "status");
    match kind(item) {
        "commandExecution" => Some(Event::Command {
            command: string(item, "command"),
            exit_code: match status.as_str() {
                "declined" => None,
                _ => item["exitCode"]
                    .as_i64()
                    .and_then(|code| code.try_into().ok()),
            },
            output: match status.as_str() {
                "declined" => "[declined: it did not run]".to_owned(),
                _ => string(item, "aggregatedOutput"),
            },
        }),
        "fileChange" => Some(Event::FileChange {
            changes: changes(item),
            status,
        }),
        "agentMessage" => Some(Event::Message {
            text: string(item, "text"),
        }),
        "reasoning" => match chatter {
            Chatter::Full => {
                let parts = ["summary", "content"].map(|field| texts(&item[field]));
                let text = parts.into_iter().find(|text| !text.is_empty())?;
                Some(Event::Reasoning { text })
            }
            Chatter::Reduced { .. } => None,
        },
        "plan" => Some(Event::Message {
            text: string(item, "text"),
        }),
        "mcpToolCall" => Some(Event::Tool {
            name: format!("{}/{}", string(item, "server"), string(item, "tool")),
            status,
        }),
        "webSearch" => Some(Event::Tool {
            name: format!("web search {:?}", string(item, "query")),
            status: "done".to_owned(),
        }),
        "contextCompaction" => Some(Event::Notice {
            text: "Codex shortened what it remembers of the conversation".to_owned(),
        }),
        // What it was told is known here.
        "userMessage" => None,
        other => {
            tracing::debug!(item = other, "passed over an item of codex");
            None
        }
    }
}

/// What an item is.
pub(super) fn kind(item: &Value) -> &str {
    item["type"].as_str().unwrap_or_default()
}

/// The changes of files that an item speaks of.
pub(super) fn changes(item: &Value) -> Vec<Change> {
    let list = item["changes"].as_array();
    let list = list.map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .map(|change| Change {
            path: string(change, "path"),
            kind: match &change["kind"] {
                Value::String(kind) => kind.clone(),
                kind => string(kind, "type"),
            },
        })
        .collect()
}

/// The sum of a thread.
pub(super) fn usage(total: &Value) -> Usage {
    let count = |field: &str| total[field].as_u64().unwrap_or_default();
    Usage {
        input_tokens: count("inputTokens"),
        cached_input_tokens: count("cachedInputTokens"),
        output_tokens: count("outputTokens"),
        reasoning_output_tokens: count("reasoningOutputTokens"),
    }
}

/// A field as text; empty where it is missing or no text.
pub(super) fn string(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// Texts in one, each on lines of its own.
fn texts(value: &Value) -> String {
    let parts = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let parts: Vec<&str> = parts
        .iter()
        .filter_map(|part| part.as_str().or_else(|| part["text"].as_str()))
        .collect();
    parts.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn items_of_every_kind_become_the_events_of_the_other_mode() {
        let full = |item: Value| completed(Chatter::Full, &item);
        let command = |status: &str| {
            full(json!({
                "type": "commandExecution", "command": "make", "status": status,
                "aggregatedOutput": "a\n", "exitCode": 2,
            }))
        };
        let run = |exit_code, output: &str| {
            Some(Event::Command {
                command: "make".to_owned(),
                exit_code,
                output: output.to_owned(),
            })
        };
        assert_eq!(command("failed"), run(Some(2), "a\n"));
        assert_eq!(command("declined"), run(None, "[declined: it did not run]"));
        let change = json!({
            "type": "fileChange", "status": "completed",
            "changes": [{ "path": "/w/a", "kind": { "type": "add" }, "diff": "x" }],
        });
        let changes = vec![Change {
            path: "/w/a".to_owned(),
            kind: "add".to_owned(),
        }];
        let status = "completed".to_owned();
        assert_eq!(full(change), Some(Event::FileChange { changes, status }));
        let thought = json!({ "type": "reasoning", "summary": ["a", "b"], "content": [] });
        let text = "a\nb".to_owned();
        assert_eq!(full(thought.clone()), Some(Event::Reasoning { text }));
        let reduced = Chatter::Reduced { percent: 3 };
        assert_eq!(completed(reduced, &thought), None);
        for unknown in [json!({ "type": "new" }), json!(null), json!({ "type": 3 })] {
            assert_eq!(full(unknown), None);
        }
    }

    #[test]
    fn tokens_are_those_of_the_whole_thread() {
        let total = json!({
            "totalTokens": 1050, "inputTokens": 1000, "cachedInputTokens": 200,
            "outputTokens": 50, "reasoningOutputTokens": 10,
        });
        let expected = Usage {
            input_tokens: 1000,
            cached_input_tokens: 200,
            output_tokens: 50,
            reasoning_output_tokens: 10,
        };
        assert_eq!(usage(&total), expected);
    }
}
