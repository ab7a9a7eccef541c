//! OpenAI's Chat Completions, which vLLM, Ollama and many others speak
//! (<https://platform.openai.com/docs/api-reference/chat>).

use serde_json::{Value, json};

use super::{
    Broken, Partial, SCHEMA_NAME, Stage, Wish, Wishes, arguments, content, failure, finish,
    put_temperature, text, usage,
};
use crate::{Answer, Ask, Finish, Message, ToolCall, Usage};

pub(super) fn body(model: &str, ask: &Ask, wishes: Wishes) -> Value {
    let mut messages = Vec::new();
    if !ask.system.is_empty() {
        messages.push(json!({"role": "system", "content": ask.system}));
    }
    for message in &ask.messages {
        messages.push(match message {
            Message::User { text } => json!({"role": "user", "content": text}),
            Message::Assistant { text, calls } if calls.is_empty() => {
                json!({"role": "assistant", "content": text})
            }
            Message::Assistant { text, calls } => json!({
                "role": "assistant",
                "content": text,
                "tool_calls": calls.iter().map(|call| json!({
                    "id": call.id, "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                })).collect::<Vec<_>>(),
            }),
            Message::Tool { call, text } => {
                json!({"role": "tool", "tool_call_id": call, "content": text})
            }
        });
    }
    let mut body = json!({
        "model": model, "messages": messages, "stream": true,
    });
    if wishes.has(Wish::StreamUsage) {
        body["stream_options"] = json!({"include_usage": true});
    }
    if let Some(schema) = &ask.schema
        && wishes.has(Wish::Schema)
    {
        body["response_format"] = json!({
            "type": "json_schema",
            "json_schema": {"name": SCHEMA_NAME, "schema": schema, "strict": false},
        });
    }
    if !ask.tools.is_empty() {
        body["tools"] = ask
            .tools
            .iter()
            .map(|tool| {
                json!({"type": "function", "function": {
                    "name": tool.name, "description": tool.description, "parameters": tool.parameters,
                }})
            })
            .collect();
    }
    if let Some(most) = ask.max_output_tokens {
        let name = match wishes.has(Wish::OldBound) {
            true => "max_tokens",
            false => "max_completion_tokens",
        };
        body[name] = json!(most);
    }
    if wishes.has(Wish::Sampling) {
        put_temperature(&mut body, ask);
        if let Some(seed) = ask.sampling.seed() {
            body["seed"] = json!(seed);
        }
    }
    body
}

pub(super) fn whole(value: &Value) -> Result<Answer, Broken> {
    let choice = value
        .pointer("/choices/0")
        .ok_or_else(|| Broken::Junk("an answer without \"choices\"".to_owned()))?;
    let mut answer = Answer {
        text: content(&choice["message"]["content"]),
        version: text(value, "/model").to_owned(),
        ..Answer::default()
    };
    answer.count(used(value));
    let refusal = text(choice, "/message/refusal");
    if !refusal.is_empty() && answer.text.is_empty() {
        refusal.clone_into(&mut answer.text);
    }
    let calls = choice.pointer("/message/tool_calls");
    for call in calls.and_then(Value::as_array).into_iter().flatten() {
        answer.calls.push(ToolCall {
            id: text(call, "/id").to_owned(),
            name: text(call, "/function/name").to_owned(),
            arguments: arguments(call.pointer("/function/arguments")),
        });
    }
    let said = match refusal.is_empty() {
        true => reason(text(choice, "/finish_reason")),
        false => Finish::Refused,
    };
    finish(&mut answer, said);
    Ok(answer)
}

pub(super) fn event(
    value: &Value,
    so_far: &mut Partial,
    delta: &mut dyn FnMut(&str),
) -> Result<(), Broken> {
    if let Some(failure) = failure(value) {
        return Err(failure);
    }
    if so_far.answer.version.is_empty() {
        text(value, "/model").clone_into(&mut so_far.answer.version);
    }
    if value.get("usage").is_some_and(Value::is_object) {
        so_far.answer.count(used(value));
    }
    let Some(choice) = value.pointer("/choices/0") else {
        return match value.get("choices") {
            // The one that only carries the usage.
            Some(_) => Ok(()),
            None => Err(Broken::Junk("a piece without \"choices\"".to_owned())),
        };
    };
    so_far.say(&content(&choice["delta"]["content"]), delta);
    for place in ["/delta/refusal", "/message/refusal"] {
        let refusal = text(choice, place);
        so_far.refused |= !refusal.is_empty();
        so_far.say(refusal, delta);
    }
    // A server that streams only in name sends the whole message as its one piece.
    if !so_far.shown {
        so_far.say(&content(&choice["message"]["content"]), delta);
    }
    let calls = choice.pointer("/delta/tool_calls");
    for (place, call) in calls
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
    {
        let index = call.get("index").and_then(Value::as_u64);
        let known = so_far.call(index.unwrap_or(place as u64))?;
        // Some repeat id and name with each piece.
        if known.id.is_empty() {
            text(call, "/id").clone_into(&mut known.id);
        }
        if known.name.is_empty() {
            text(call, "/function/name").clone_into(&mut known.name);
        }
        let piece = arguments(call.pointer("/function/arguments"));
        known.arguments.push_str(&piece);
    }
    if let Some(ended) = choice.get("finish_reason").and_then(Value::as_str) {
        let said = match so_far.refused {
            true => Finish::Refused,
            false => reason(ended),
        };
        finish(&mut so_far.answer, said);
        so_far.stage = Stage::Whole;
    }
    Ok(())
}

fn used(value: &Value) -> Option<Usage> {
    usage(
        value,
        "/usage/prompt_tokens",
        "/usage/prompt_tokens_details/cached_tokens",
        "/usage/completion_tokens",
    )
}

fn reason(said: &str) -> Finish {
    match said {
        "length" => Finish::Length,
        "content_filter" => Finish::Filtered,
        "refusal" => Finish::Refused,
        _ => Finish::Stop,
    }
}
