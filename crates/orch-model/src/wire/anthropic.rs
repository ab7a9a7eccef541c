//! Anthropic's Messages API (<https://docs.anthropic.com/en/api/messages>).

use serde_json::{Value, json};

use super::{
    Broken, Partial, SCHEMA_NAME, Stage, Wish, Wishes, arguments, failure, finish, number,
    put_temperature, text,
};
use crate::usage::tokens;
use crate::{Answer, Ask, Finish, Message, ToolCall, Usage};

/// Tokens that an answer may have where the request does not say: this protocol demands a number.
const MOST_TOKENS: u32 = 8192;

pub(super) fn body(model: &str, ask: &Ask, wishes: Wishes) -> Value {
    let mut messages: Vec<Value> = Vec::new();
    for message in &ask.messages {
        let (role, parts) = match message {
            Message::User { text } => ("user", vec![json!({"type": "text", "text": text})]),
            Message::Assistant { text, calls } => {
                let said = (!text.is_empty()).then(|| json!({"type": "text", "text": text}));
                let calls = calls.iter().map(|call| {
                    json!({
                        "type": "tool_use", "id": call.id, "name": call.name,
                        "input": serde_json::from_str::<Value>(&call.arguments)
                            .ok().filter(Value::is_object).unwrap_or_else(|| json!({})),
                    })
                });
                ("assistant", said.into_iter().chain(calls).collect())
            }
            Message::Tool { call, text } => (
                "user",
                vec![json!({"type": "tool_result", "tool_use_id": call, "content": text})],
            ),
        };
        // Turns alternate: what one side says twice is one message.
        match messages.last_mut() {
            Some(last) if last["role"] == role => {
                if let Some(content) = last["content"].as_array_mut() {
                    content.extend(parts);
                }
            }
            _ => messages.push(json!({"role": role, "content": parts})),
        }
    }
    let mut body = json!({
        "model": model, "messages": messages, "stream": true,
        "max_tokens": ask.max_output_tokens.unwrap_or(MOST_TOKENS),
    });
    if !ask.system.is_empty() {
        body["system"] = json!(ask.system);
    }
    let mut tools: Vec<Value> = ask
        .tools
        .iter()
        .map(|tool| {
            json!({
                "name": tool.name, "description": tool.description, "input_schema": tool.parameters,
            })
        })
        .collect();
    if let Some(schema) = &ask.schema
        && ask.tools.is_empty()
        && wishes.has(Wish::Schema)
    {
        // A tool that must be called holds an answer to a schema here.
        tools.push(json!({
            "name": SCHEMA_NAME, "description": "Gives the answer.", "input_schema": schema,
        }));
        body["tool_choice"] = json!({"type": "tool", "name": SCHEMA_NAME});
    }
    if !tools.is_empty() {
        body["tools"] = json!(tools);
    }
    if wishes.has(Wish::Sampling) {
        put_temperature(&mut body, ask);
    }
    body
}

pub(super) fn whole(value: &Value) -> Result<Answer, Broken> {
    let content = value
        .get("content")
        .and_then(Value::as_array)
        .ok_or_else(|| Broken::Junk("an answer without \"content\"".to_owned()))?;
    let mut answer = Answer {
        version: text(value, "/model").to_owned(),
        ..Answer::default()
    };
    answer.count(counted(&value["usage"]));
    for part in content {
        match text(part, "/type") {
            "text" => answer.text.push_str(text(part, "/text")),
            "tool_use" => answer.calls.push(ToolCall {
                id: text(part, "/id").to_owned(),
                name: text(part, "/name").to_owned(),
                arguments: arguments(part.get("input")),
            }),
            _ => {}
        }
    }
    answer.finish = reason(text(value, "/stop_reason"));
    close(&mut answer);
    Ok(answer)
}

pub(super) fn event(
    value: &Value,
    so_far: &mut Partial,
    delta: &mut dyn FnMut(&str),
) -> Result<(), Broken> {
    match text(value, "/type") {
        "message_start" => {
            let message = &value["message"];
            text(message, "/model").clone_into(&mut so_far.answer.version);
            so_far.answer.count(counted(&message["usage"]));
        }
        "content_block_start" => match text(value, "/content_block/type") {
            "tool_use" => {
                let call = so_far.call(number(value, "/index"))?;
                text(value, "/content_block/id").clone_into(&mut call.id);
                text(value, "/content_block/name").clone_into(&mut call.name);
            }
            "text" => so_far.say(text(value, "/content_block/text"), delta),
            _ => {}
        },
        "content_block_delta" => match text(value, "/delta/type") {
            "text_delta" => so_far.say(text(value, "/delta/text"), delta),
            "input_json_delta" => {
                let piece = text(value, "/delta/partial_json");
                let call = so_far.call(number(value, "/index"))?;
                call.arguments.push_str(piece);
                if call.name == SCHEMA_NAME && !piece.is_empty() {
                    delta(piece);
                }
            }
            _ => {}
        },
        "message_delta" => {
            // Counts are of the whole so far; some gateways tell all of them only here.
            let known = so_far.answer.usage;
            let told = counted(&value["usage"]).map(|told| Usage {
                input_tokens: known.input_tokens.max(told.input_tokens),
                cached_tokens: known.cached_tokens.max(told.cached_tokens),
                output_tokens: known.output_tokens.max(told.output_tokens),
            });
            so_far.answer.count(told);
            so_far.answer.finish = reason(text(value, "/delta/stop_reason"));
        }
        "message_stop" => {
            close(&mut so_far.answer);
            so_far.stage = Stage::Ended;
        }
        "error" => return Err(Broken::Failed(value.clone())),
        "" => {
            return Err(failure(value)
                .unwrap_or_else(|| Broken::Junk("an event without \"type\"".to_owned())));
        }
        // Pings, ends of blocks, and what later versions bring.
        _ => {}
    }
    Ok(())
}

/// What was read comes in three parts here. None where a number makes no sense.
fn counted(usage: &Value) -> Option<Usage> {
    let count = |name: &str| tokens(usage.get(name));
    let cached = count("cache_read_input_tokens")?;
    let stored = count("cache_creation_input_tokens")?;
    Some(Usage {
        cached_tokens: cached,
        input_tokens: count("input_tokens")? + cached + stored,
        output_tokens: count("output_tokens")?,
    })
}

fn close(answer: &mut Answer) {
    // The tool that stands for a schema is the answer itself.
    if let [call] = answer.calls.as_slice()
        && call.name == SCHEMA_NAME
    {
        // What was said before it is talk around the answer.
        answer.text.clone_from(&call.arguments);
        answer.calls.clear();
    }
    let said = answer.finish;
    finish(answer, said);
}

fn reason(said: &str) -> Finish {
    match said {
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "refusal" => Finish::Refused,
        _ => Finish::Stop,
    }
}
