//! OpenAI's Responses API (<https://platform.openai.com/docs/api-reference/responses>).

mod body;
mod items;

use serde_json::{Value, json};

pub(super) use body::body;
pub(super) use items::Items;

use super::{Broken, Partial, Stage, chat, content, failure, finish, text, usage};
use crate::{Answer, Finish};

pub(super) fn whole(value: &Value) -> Result<Answer, Broken> {
    if is_chat(value) {
        return chat::whole(value);
    }
    let mut answer = frame(value);
    let mut items = Items::default();
    match value.get("output") {
        Some(Value::Array(output)) => {
            for item in output {
                items.done(&json!({"item": item}))?;
            }
        }
        Some(_) | None => {
            // The clients' shorthand, which small servers take for the protocol.
            let said = content(&value["output_text"]);
            if said.is_empty() {
                return Err(Broken::Junk("an answer without \"output\"".to_owned()));
            }
            answer.text = said;
        }
    }
    items.pour_into(&mut answer);
    let said = items.finish(answer.finish);
    finish(&mut answer, said);
    Ok(answer)
}

/// Some servers answer in the form of Chat Completions whatever they are asked.
fn is_chat(value: &Value) -> bool {
    value.get("choices").is_some() && value.get("output").is_none()
}

/// All of an answer but its text and calls.
fn frame(value: &Value) -> Answer {
    let mut answer = Answer {
        version: text(value, "/model").to_owned(),
        finish: match text(value, "/incomplete_details/reason") {
            "max_output_tokens" => Finish::Length,
            "content_filter" => Finish::Filtered,
            _ if text(value, "/status") == "incomplete" => Finish::Length,
            _ => Finish::Stop,
        },
        ..Answer::default()
    };
    answer.count(usage(
        value,
        "/usage/input_tokens",
        "/usage/input_tokens_details/cached_tokens",
        "/usage/output_tokens",
    ));
    answer
}

pub(super) fn event(
    value: &Value,
    so_far: &mut Partial,
    delta: &mut dyn FnMut(&str),
) -> Result<(), Broken> {
    let mut show = |piece: &str| {
        if !piece.is_empty() {
            delta(piece);
        }
    };
    match text(value, "/type") {
        "response.output_text.delta" | "response.refusal.delta" => {
            let piece = text(value, "/delta");
            so_far.items.say(value, piece)?;
            if text(value, "/type") == "response.refusal.delta" && !piece.is_empty() {
                so_far.items.refuse();
                so_far.refused = true;
            }
            so_far.shown |= !piece.is_empty();
            show(piece);
        }
        "response.output_item.added" => so_far.items.begin(value)?,
        "response.function_call_arguments.delta" => {
            so_far.items.argue(value, text(value, "/delta"))?;
        }
        "response.output_item.done" => {
            let unseen = so_far.items.done(value)?;
            so_far.shown |= !unseen.is_empty();
            show(&unseen);
        }
        "response.completed" | "response.incomplete" | "response.done" => {
            let response = &value["response"];
            if let Some(failure) = failure(response) {
                return Err(failure);
            }
            let mut answer = match response["output"]
                .as_array()
                .is_some_and(|all| !all.is_empty())
            {
                true => whole(response)?,
                false => frame(response),
            };
            // Some servers leave out here what they have streamed already.
            if answer.is_empty() {
                so_far.items.pour_into(&mut answer);
                let said = so_far.items.finish(answer.finish);
                finish(&mut answer, said);
            }
            if !std::mem::replace(&mut so_far.shown, true) {
                show(&answer.text);
            }
            so_far.answer = answer;
            so_far.stage = Stage::Ended;
        }
        "response.failed" => return Err(Broken::Failed(value["response"].clone())),
        "response.cancelled" => {
            return Err(Broken::Failed(json!({"error": "it was cancelled there"})));
        }
        "error" => return Err(Broken::Failed(value.clone())),
        "" if is_chat(value) => return chat::event(value, so_far, delta),
        "" => {
            return Err(failure(value)
                .unwrap_or_else(|| Broken::Junk("an event without \"type\"".to_owned())));
        }
        // Reasoning, parts as they begin and end, and what later versions bring.
        _ => {}
    }
    Ok(())
}
