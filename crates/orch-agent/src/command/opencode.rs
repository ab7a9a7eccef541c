//! The events of `opencode run --format json`.

use orch_sandbox::exec::Stream;
use serde_json::Value;

use super::json::{number, output, sum, text, used};
use super::reading::{Reading, Said, lines};

pub(super) fn event(reading: &mut Reading, event: &Value) -> Said {
    match text(event, "/type") {
        "text" => reading.message(text(event, "/part/text")),
        "reasoning" => lines(
            Stream::Stdout,
            &format!("(thinking) {}", text(event, "/part/text")),
        ),
        "tool_use" => {
            let null = Value::Null;
            let state = event.pointer("/part/state").unwrap_or(&null);
            let input = state.get("input").unwrap_or(&null);
            let mut said = lines(Stream::Stdout, &used(text(event, "/part/tool"), input));
            said.extend(lines(
                Stream::Stdout,
                &output(state.get("output").unwrap_or(&null)),
            ));
            if let Some(code) = state.pointer("/metadata/exit").and_then(Value::as_i64) {
                said.push((Stream::Stdout, format!("[exit code {code}]")));
            }
            if text(state, "/status") == "error" {
                said.extend(lines(
                    Stream::Stdout,
                    &format!("[failed: {}]", text(state, "/error")),
                ));
            }
            said
        }
        "step_finish" => {
            let spent = &mut reading.spent;
            let cached = number(event, "/part/tokens/cache/read");
            let input = number(event, "/part/tokens/input");
            spent.input_tokens = sum(&[spent.input_tokens, input, cached]);
            spent.cached_input_tokens = sum(&[spent.cached_input_tokens, cached]);
            let written = number(event, "/part/tokens/output");
            let thought = number(event, "/part/tokens/reasoning");
            spent.output_tokens = sum(&[spent.output_tokens, written, thought]);
            if let Some(cost) = event.pointer("/part/cost").and_then(Value::as_f64) {
                *spent.cost_usd.get_or_insert_default() += cost;
            }
            // It goes on after an error that it could mend.
            reading.failure = None;
            Vec::new()
        }
        "error" => {
            let said = ["/error/data/message", "/error/message", "/error/name"];
            let why = said
                .map(|pointer| text(event, pointer))
                .into_iter()
                .find(|why| !why.is_empty());
            let why = why.unwrap_or_default().to_owned();
            reading.failed(&why)
        }
        _ => Vec::new(),
    }
}
