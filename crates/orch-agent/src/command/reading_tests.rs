//! What the programs print, as seen, and what they may print one day.

use jiff::Timestamp;
use orch_sandbox::exec::Encoding;
use serde_json::json;

use super::*;

fn read(format: Format, events: &[Value]) -> (Reading, Vec<String>) {
    let mut reading = Reading::new(format);
    let mut said = Vec::new();
    for event in events {
        let line = Line {
            at: Timestamp::UNIX_EPOCH,
            stream: Stream::Stdout,
            message: event.to_string(),
            encoding: Encoding::Verbatim,
            partial: false,
        };
        said.extend(reading.line(line).into_iter().map(|(_, text)| text));
    }
    (reading, said)
}

#[test]
fn claudes_messages_tools_and_result_are_read() {
    let (reading, said) = read(
        Format::ClaudeStreamJson,
        &[
            json!({"type": "system", "subtype": "init", "model": "m1"}),
            json!({"type": "assistant", "message": {"content": [{"type": "text", "text": "I begin"}, {"type": "tool_use", "name": "Bash", "input": {"command": "make"}}]}}),
            json!({"type": "user", "message": {"content": [{"type": "tool_result", "content": "a\nb", "is_error": true}]}}),
            json!({"type": "rate_limit_event", "anything": [1]}),
            json!({"type": "result", "subtype": "success", "is_error": false, "result": "done", "total_cost_usd": 0.5, "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 3}}),
        ],
    );
    assert_eq!(
        said,
        ["model m1", "I begin", "$ make", "a", "b", "[failed]"]
    );
    assert_eq!(
        (reading.last_message.as_str(), &reading.failure),
        ("done", &None)
    );
    let spent = json!({"input_tokens": 15, "cached_input_tokens": 5, "output_tokens": 3, "cost_usd_micros": 500_000});
    assert_eq!(serde_json::to_value(reading.spent).unwrap(), spent);
    let (reading, _) = read(
        Format::ClaudeStreamJson,
        &[json!({"type": "result", "subtype": "error_max_turns", "is_error": true})],
    );
    assert_eq!(reading.failure.as_deref(), Some("error_max_turns"));
}

#[test]
fn opencodes_steps_are_summed_and_its_commands_have_exit_codes() {
    let step = json!({"type": "step_finish", "part": {"cost": 0.25, "tokens": {"input": 10, "output": 5, "reasoning": 1, "cache": {"read": 2, "write": 0}}}});
    let (reading, said) = read(
        Format::OpencodeJson,
        &[
            json!({"type": "step_start", "part": {}}),
            json!({"type": "tool_use", "part": {"tool": "bash", "state": {"status": "completed", "input": {"command": "ls"}, "output": "x\n", "metadata": {"exit": 2}}}}),
            step.clone(),
            json!({"type": "text", "part": {"text": "all done"}}),
            step,
        ],
    );
    assert_eq!(said, ["$ ls", "x", "[exit code 2]", "all done"]);
    let spent = Spent {
        input_tokens: 24,
        cached_input_tokens: 4,
        output_tokens: 12,
        cost_usd: Some(0.5),
    };
    assert_eq!(
        (reading.spent, reading.last_message.as_str()),
        (spent, "all done")
    );
    let (reading, _) = read(
        Format::OpencodeJson,
        &[json!({"type": "error", "error": {"name": "APIError", "data": {"message": "no key"}}})],
    );
    assert_eq!(reading.failure.as_deref(), Some("no key"));
}

#[test]
fn geminis_result_decides() {
    let (reading, said) = read(
        Format::GeminiStreamJson,
        &[
            json!({"type": "message", "role": "user", "content": "do it"}),
            json!({"type": "tool_use", "tool_name": "run_shell_command", "parameters": {"command": "make"}}),
            json!({"type": "tool_result", "status": "error", "output": "no", "error": {"message": "exit 2"}}),
            json!({"type": "message", "role": "assistant", "content": "sorry"}),
            json!({"type": "result", "status": "error", "error": {"message": "gave up"}, "stats": {"input_tokens": 7, "output_tokens": 2}}),
        ],
    );
    assert_eq!(
        said,
        ["$ make", "no", "[failed: exit 2]", "sorry", "gave up"]
    );
    assert_eq!(
        (reading.spent.input_tokens, reading.failure.as_deref()),
        (7, Some("gave up"))
    );
}

#[test]
fn whatever_else_is_printed_is_a_line_or_nothing() {
    for format in [
        Format::ClaudeStreamJson,
        Format::OpencodeJson,
        Format::GeminiStreamJson,
    ] {
        let (reading, said) = read(
            format,
            &[
                json!("plain"),
                json!([1, 2]),
                json!({}),
                json!({"type": 3}),
                json!({"type": "assistant", "message": "?"}),
                json!({"type": "user"}),
                json!({"type": "tool_use"}),
                json!({"type": "step_finish", "part": {"tokens": []}}),
                json!({"type": "assistant", "message": {"content": [{"type": "tool_use", "input": 7}, 3]}}),
            ],
        );
        assert_eq!(said[..2], ["\"plain\"", "[1,2]"]);
        assert_eq!(reading.failure, None);
    }
}

#[test]
fn counts_of_tokens_stop_at_what_can_be_summed_up() {
    let usage = json!({"input_tokens": u64::MAX, "cache_read_input_tokens": u64::MAX, "cache_creation_input_tokens": 1, "output_tokens": u64::MAX});
    let result =
        json!({"type": "result", "result": "done", "total_cost_usd": 1e300, "usage": usage});
    let (claude, _) = read(Format::ClaudeStreamJson, &[result]);
    let tokens =
        json!({"input": u64::MAX, "output": u64::MAX, "reasoning": 7, "cache": {"read": 7}});
    let step = json!({"type": "step_finish", "part": {"cost": 1e300, "tokens": tokens}});
    let (opencode, _) = read(Format::OpencodeJson, &[step.clone(), step]);
    for spent in [claude.spent, opencode.spent] {
        let spent = serde_json::to_value(spent).unwrap();
        for (name, count) in spent.as_object().unwrap() {
            let is_cached = name == "cached_input_tokens";
            let most = count.as_i64() == Some(i64::MAX);
            assert!(most || is_cached && count.as_i64() == Some(14), "{spent}");
        }
    }
}

#[test]
fn tokens_are_told_by_the_model_that_was_asked_as_far_as_the_program_names_it() {
    let result = json!({
        "type": "result", "subtype": "success", "result": "done", "total_cost_usd": 0.5,
        "usage": {"input_tokens": 10, "output_tokens": 3},
        "modelUsage": {
            "big": {"inputTokens": 10, "cacheReadInputTokens": 5, "cacheCreationInputTokens": 1, "outputTokens": 3, "costUSD": 0.25},
            "small": {"inputTokens": 2, "outputTokens": 1},
        },
    });
    let (reading, _) = read(Format::ClaudeStreamJson, &[result]);
    let used: Vec<_> = reading
        .used(Some("usual"))
        .into_iter()
        .map(|(model, spent)| (model, spent.input_tokens, spent.own_microusd()))
        .collect();
    let expected = [
        ("big".to_owned(), 16, Some(250_000)),
        ("small".to_owned(), 2, None),
    ];
    assert_eq!(used, expected);
    let events = [
        json!({"type": "init", "model": "flash"}),
        json!({"type": "result", "status": "success", "stats": {"input_tokens": 7, "output_tokens": 1}}),
    ];
    let (reading, _) = read(Format::GeminiStreamJson, &events);
    assert_eq!(reading.used(Some("usual"))[0].0, "flash");
    let step = json!({"type": "step_finish", "part": {"tokens": {"input": 1, "output": 1}}});
    let (reading, _) = read(Format::OpencodeJson, &[step]);
    assert_eq!(reading.used(Some("usual"))[0].0, "usual");
    assert_eq!(Reading::new(Format::Text).used(None), []);
}
