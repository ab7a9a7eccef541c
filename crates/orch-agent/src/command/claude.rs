//! The events of `claude -p --output-format stream-json --verbose`.

use orch_sandbox::exec::Stream;
use serde_json::Value;

use super::json::{number, output, sum, text, used};
use super::reading::{Reading, Said, Spent, lines};

/// Models that one result names.
const MOST_MODELS: usize = 20;

pub(super) fn event(reading: &mut Reading, event: &Value) -> Said {
    let parts = || event.pointer("/message/content").and_then(Value::as_array);
    match text(event, "/type") {
        "assistant" => {
            let mut said = Vec::new();
            for part in parts().into_iter().flatten() {
                said.extend(match text(part, "/type") {
                    "text" => reading.message(text(part, "/text")),
                    "thinking" => lines(
                        Stream::Stdout,
                        &format!("(thinking) {}", text(part, "/thinking")),
                    ),
                    "tool_use" => {
                        let input = part.get("input").unwrap_or(&Value::Null);
                        lines(Stream::Stdout, &used(text(part, "/name"), input))
                    }
                    _ => Vec::new(),
                });
            }
            said
        }
        "user" => {
            let mut said = Vec::new();
            for part in parts()
                .into_iter()
                .flatten()
                .filter(|part| text(part, "/type") == "tool_result")
            {
                said.extend(lines(
                    Stream::Stdout,
                    &output(part.get("content").unwrap_or(&Value::Null)),
                ));
                if part.get("is_error").and_then(Value::as_bool) == Some(true) {
                    said.push((Stream::Stdout, "[failed]".to_owned()));
                }
            }
            said
        }
        "result" => {
            reading.spent = Spent {
                // What was read from the cache, and written to it, is not part of the input here.
                input_tokens: sum(&[
                    number(event, "/usage/input_tokens"),
                    number(event, "/usage/cache_read_input_tokens"),
                    number(event, "/usage/cache_creation_input_tokens"),
                ]),
                cached_input_tokens: number(event, "/usage/cache_read_input_tokens"),
                output_tokens: number(event, "/usage/output_tokens"),
                cost_usd: event.get("total_cost_usd").and_then(Value::as_f64),
            };
            let models = event.get("modelUsage").and_then(Value::as_object);
            reading.by_model = models
                .into_iter()
                .flatten()
                .take(MOST_MODELS)
                .map(|(model, used)| (model.clone(), of_model(used)))
                .collect();
            let result = text(event, "/result");
            let is_error = event.get("is_error").and_then(Value::as_bool) == Some(true);
            if is_error || text(event, "/subtype").starts_with("error") {
                let why = match result {
                    "" => text(event, "/subtype"),
                    result => result,
                };
                return reading.failed(why);
            }
            reading.failure = None;
            if !result.is_empty() {
                result.clone_into(&mut reading.last_message);
            }
            Vec::new()
        }
        "system" if text(event, "/subtype") == "init" => {
            let model = text(event, "/model");
            reading.model = Some(model.to_owned()).filter(|model| !model.is_empty());
            vec![(Stream::Stdout, format!("model {model}"))]
        }
        _ => Vec::new(),
    }
}

/// One model's part of the result.
fn of_model(used: &Value) -> Spent {
    let cached = number(used, "/cacheReadInputTokens");
    Spent {
        input_tokens: sum(&[
            number(used, "/inputTokens"),
            cached,
            number(used, "/cacheCreationInputTokens"),
        ]),
        cached_input_tokens: cached,
        output_tokens: number(used, "/outputTokens"),
        cost_usd: used.get("costUSD").and_then(Value::as_f64),
    }
}
