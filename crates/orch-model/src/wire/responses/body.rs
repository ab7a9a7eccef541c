//! The request of the Responses API.

use serde_json::{Value, json};

use super::super::{SCHEMA_NAME, Wish, Wishes, put_temperature};
use crate::{Ask, Message};

pub(in super::super) fn body(model: &str, ask: &Ask, wishes: Wishes) -> Value {
    let mut input = Vec::new();
    for message in &ask.messages {
        match message {
            Message::User { text } => input.push(json!({
                "type": "message", "role": "user",
                "content": [{"type": "input_text", "text": text}],
            })),
            Message::Assistant { text, calls } => {
                if !text.is_empty() {
                    input.push(json!({
                        "type": "message", "role": "assistant",
                        "content": [{"type": "output_text", "text": text}],
                    }));
                }
                input.extend(calls.iter().map(|call| {
                    json!({
                        "type": "function_call", "call_id": call.id, "name": call.name,
                        "arguments": call.arguments,
                    })
                }));
            }
            Message::Tool { call, text } => input.push(json!({
                "type": "function_call_output", "call_id": call, "output": text,
            })),
        }
    }
    let mut body = json!({"model": model, "input": input, "stream": true, "store": false});
    if !ask.system.is_empty() {
        body["instructions"] = json!(ask.system);
    }
    if let Some(schema) = &ask.schema
        && wishes.has(Wish::Schema)
    {
        body["text"] = json!({"format": {
            "type": "json_schema", "name": SCHEMA_NAME, "schema": schema, "strict": false,
        }});
    }
    if !ask.tools.is_empty() {
        let tools = ask.tools.iter().map(|tool| {
            json!({
                "type": "function", "name": tool.name, "description": tool.description,
                "parameters": tool.parameters, "strict": false,
            })
        });
        body["tools"] = tools.collect();
    }
    if let Some(most) = ask.max_output_tokens {
        body["max_output_tokens"] = json!(most);
    }
    if wishes.has(Wish::Sampling) {
        put_temperature(&mut body, ask);
    }
    body
}
