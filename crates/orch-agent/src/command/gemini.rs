//! The events of `gemini --output-format stream-json`.

use orch_sandbox::exec::Stream;
use serde_json::Value;

use super::json::{number, output, text, used};
use super::reading::{Reading, Said, Spent, lines};

pub(super) fn event(reading: &mut Reading, event: &Value) -> Said {
    match text(event, "/type") {
        "init" => {
            let model = text(event, "/model").to_owned();
            reading.model = Some(model).filter(|model| !model.is_empty());
            Vec::new()
        }
        "message" if text(event, "/role") == "assistant" => {
            reading.message(text(event, "/content"))
        }
        "tool_use" => {
            let input = event.get("parameters").unwrap_or(&Value::Null);
            lines(Stream::Stdout, &used(text(event, "/tool_name"), input))
        }
        "tool_result" => {
            let mut said = lines(
                Stream::Stdout,
                &output(event.get("output").unwrap_or(&Value::Null)),
            );
            if text(event, "/status") == "error" {
                said.extend(lines(
                    Stream::Stdout,
                    &format!("[failed: {}]", text(event, "/error/message")),
                ));
            }
            said
        }
        "error" => lines(Stream::Stderr, text(event, "/message")),
        "result" => {
            reading.spent = Spent {
                input_tokens: number(event, "/stats/input_tokens"),
                cached_input_tokens: number(event, "/stats/cached"),
                output_tokens: number(event, "/stats/output_tokens"),
                cost_usd: None,
            };
            match text(event, "/status") {
                "error" => {
                    let why = text(event, "/error/message").to_owned();
                    reading.failed(&why)
                }
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}
