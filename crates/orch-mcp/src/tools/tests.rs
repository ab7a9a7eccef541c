//! Claims over all tools at once.

use serde_json::{Value, json};

use super::bound::{MOST_BYTES, bounded};
use super::{Who, all, find};

const RUN: Who = Who::Run {
    run: Some(1),
    work_item: Some(1),
};

#[test]
fn no_tool_decides_answers_or_finishes() {
    let forbidden = [
        "approve",
        "deny",
        "decide",
        "answer",
        "respond",
        "complete_run",
        "finish",
        "secret",
        "cancel",
        "start",
        "claim",
    ];
    for tool in all(Who::User) {
        let acts = !tool.name.starts_with("await_") && !tool.name.starts_with("list_");
        let asks = tool.name == "request_approval";
        for word in forbidden {
            assert!(asks || !acts || !tool.name.contains(word), "{}", tool.name);
        }
    }
}

#[test]
fn a_run_has_the_tools_of_its_own_part_alone() {
    let names: Vec<&str> = all(RUN).map(|tool| tool.name).collect();
    let wanted = [
        "read_context",
        "read_work_item",
        "read_run",
        "read_log",
        "request_info",
        "await_answer",
        "step_complete",
    ];
    assert_eq!(names, wanted);
    assert!(find("create_work_item", RUN).is_none());
    assert!(find("await_approval", RUN).is_none());
}

#[test]
fn every_tool_says_what_it_takes_in_a_plain_schema() {
    let mut names: Vec<&str> = Vec::new();
    for tool in all(Who::User) {
        let schema = Value::Object((tool.input)());
        let text = schema.to_string();
        assert_eq!(schema["type"], "object", "{}: {text}", tool.name);
        assert_eq!(
            schema["additionalProperties"], false,
            "{}: {text}",
            tool.name
        );
        for hard in ["$ref", "$defs", "\"null\"", "anyOf", "oneOf"] {
            assert!(!text.contains(hard), "{} has {hard}: {text}", tool.name);
        }
        assert!(
            tool.about.len() > 20 && tool.about.len() < 600,
            "{}",
            tool.name
        );
        names.push(tool.name);
    }
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "a name is given twice");
}

#[test]
fn an_answer_is_cut_to_its_bound_and_says_so() {
    assert_eq!(bounded(json!({"a": "b"})), json!({"a": "b"}));
    let long = bounded(json!({"text": "ä".repeat(1 << 20)}));
    let text = long["text"].as_str().unwrap();
    assert!(
        text.ends_with("(cut: it has 2097152 bytes)"),
        "{}",
        &text[text.len() - 40..]
    );
    let many: Vec<Value> = (0..100_000).map(|number| json!({"n": number})).collect();
    let many = bounded(json!({"list": many}));
    assert!(many.to_string().len() <= MOST_BYTES);
    assert!(many.to_string().contains("more)"), "{many}");
    let deep: Value = (0..3000)
        .map(|n| (n.to_string(), json!("x".repeat(100))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    assert!(bounded(json!({"d": deep})).to_string().len() <= MOST_BYTES);
}
