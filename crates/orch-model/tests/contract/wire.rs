//! What servers of each protocol say, as they really do.

use orch_model::Protocol;
use serde_json::{Value, json};

use crate::server::Reply;

pub const PROTOCOLS: [Protocol; 3] = [Protocol::Responses, Protocol::Chat, Protocol::Messages];

/// A streamed answer.
pub fn says(protocol: Protocol, text: &str) -> Reply {
    let halves = halves(text);
    match protocol {
        Protocol::Responses | Protocol::ResponsesElseChat => {
            let item = json!({"type": "message", "id": "msg_1", "role": "assistant",
                "content": [{"type": "output_text", "text": text, "annotations": []}]});
            let mut events = vec![
                json!({"type": "response.created", "response": {"id": "r", "status": "in_progress"}}),
                json!({"type": "response.output_item.added", "output_index": 0,
                    "item": {"type": "message", "id": "msg_1", "content": []}}),
            ];
            events.extend(halves.map(|half| {
                json!({"type": "response.output_text.delta", "output_index": 0, "item_id": "msg_1", "delta": half})
            }));
            events.push(json!({"type": "response.output_text.done", "output_index": 0, "item_id": "msg_1", "text": text}));
            events.push(
                json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
            );
            events
                .push(json!({"type": "response.completed", "response": responses(&json!([item]))}));
            Reply::events(&events)
        }
        Protocol::Chat => {
            let piece = |delta: Value, finish: Value| {
                json!({"id": "c", "object": "chat.completion.chunk", "model": "m-1-0815",
                    "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": null})
            };
            let mut text = String::new();
            let mut events = vec![piece(
                json!({"role": "assistant", "content": ""}),
                Value::Null,
            )];
            events.extend(halves.map(|half| piece(json!({"content": half}), Value::Null)));
            events.push(piece(json!({}), json!("stop")));
            events.push(
                json!({"id": "c", "model": "m-1-0815", "choices": [], "usage": chat_usage()}),
            );
            for event in events {
                text.push_str(&format!("data: {event}\n\n"));
            }
            text.push_str("data: [DONE]\n\n");
            Reply::raw_events(&text)
        }
        Protocol::Messages => {
            let mut events = vec![
                json!({"type": "message_start", "message": {"id": "a", "model": "m-1-0815", "content": [],
                    "usage": {"input_tokens": 80, "cache_read_input_tokens": 20, "output_tokens": 1}}}),
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
                json!({"type": "ping"}),
            ];
            events.extend(halves.map(|half| {
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": half}})
            }));
            events.push(json!({"type": "content_block_stop", "index": 0}));
            events.push(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 30}}));
            events.push(json!({"type": "message_stop"}));
            let text: String = events
                .iter()
                .map(|event| {
                    format!(
                        "event: {}\ndata: {event}\n\n",
                        event["type"].as_str().unwrap()
                    )
                })
                .collect();
            Reply::raw_events(&text)
        }
    }
}

/// The same in one piece of JSON.
pub fn says_at_once(protocol: Protocol, text: &str) -> Reply {
    let body = match protocol {
        Protocol::Responses | Protocol::ResponsesElseChat => responses(&json!([
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "message", "content": [{"type": "output_text", "text": text}]},
        ])),
        Protocol::Chat => json!({"id": "c", "object": "chat.completion", "model": "m-1-0815",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": chat_usage()}),
        Protocol::Messages => {
            json!({"type": "message", "model": "m-1-0815", "stop_reason": "end_turn",
            "content": [{"type": "text", "text": text}],
            "usage": {"input_tokens": 80, "cache_read_input_tokens": 20, "output_tokens": 30}})
        }
    };
    Reply::json(200, &body)
}

/// A streamed call of the tool `look`.
pub fn calls(protocol: Protocol, arguments: &str) -> Reply {
    let halves = halves(arguments);
    match protocol {
        Protocol::Responses | Protocol::ResponsesElseChat => {
            let item = json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look",
                "arguments": arguments});
            Reply::events(&[
                json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
                json!({"type": "response.completed", "response": responses(&json!([item]))}),
            ])
        }
        Protocol::Chat => {
            let piece = |call: Value| json!({"model": "m-1-0815", "choices": [{"delta": {"tool_calls": [call]}, "finish_reason": null}]});
            let mut events = vec![piece(
                json!({"index": 0, "id": "call_1", "type": "function",
                "function": {"name": "look", "arguments": ""}}),
            )];
            events.extend(
                halves.map(|half| piece(json!({"index": 0, "function": {"arguments": half}}))),
            );
            events.push(json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}], "usage": chat_usage()}));
            Reply::events(&events)
        }
        Protocol::Messages => {
            let mut events = vec![
                json!({"type": "message_start", "message": {"model": "m-1-0815",
                    "usage": {"input_tokens": 80, "cache_read_input_tokens": 20}}}),
                json!({"type": "content_block_start", "index": 1,
                    "content_block": {"type": "tool_use", "id": "call_1", "name": "look", "input": {}}}),
            ];
            events.extend(halves.map(|half| {
                json!({"type": "content_block_delta", "index": 1,
                    "delta": {"type": "input_json_delta", "partial_json": half}})
            }));
            events.push(json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 30}}));
            events.push(json!({"type": "message_stop"}));
            Reply::events(&events)
        }
    }
}

fn responses(output: &Value) -> Value {
    json!({"id": "r", "object": "response", "status": "completed", "model": "m-1-0815", "output": output,
        "error": null, "usage": {"input_tokens": 100, "input_tokens_details": {"cached_tokens": 20}, "output_tokens": 30}})
}

fn chat_usage() -> Value {
    json!({"prompt_tokens": 100, "prompt_tokens_details": {"cached_tokens": 20}, "completion_tokens": 30})
}

fn halves(text: &str) -> impl Iterator<Item = &str> {
    let (one, other) = text.split_at(text.floor_char_boundary(text.len() / 2));
    [one, other].into_iter()
}
