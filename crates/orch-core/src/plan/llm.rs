//! Reading a planning model's answer: exactly one JSON array of steps, prose and fences around it.
//!
//! An answer is taken whole or not at all; every step obeys the rules of a recipe. What is wrong is
//! said, so that the fallback to the deterministic plan can be explained.

use serde_json::Deserializer;
use thiserror::Error;

use crate::recipe::{Node, RecipeError, Step, Value, excerpt, read_steps};

/// Longest answer that is looked at, in bytes.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Why an answer is no plan.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LlmPlanError {
    /// The command printed nothing.
    #[error("the planner answered nothing, expected a JSON array of steps")]
    NoAnswer,
    /// The answer is over the bound.
    #[error("the planner's answer is {size_bytes} bytes long, at most {MAX_ANSWER_BYTES} are read")]
    TooLong {
        /// Its length.
        size_bytes: usize,
    },
    /// Nothing in the answer looks like an array.
    #[error("the planner's answer holds no JSON array of steps: {beginning}")]
    NoArray {
        /// How the answer begins.
        beginning: String,
    },
    /// An array begins and is not JSON.
    #[error("the planner's answer is not valid JSON: {reason}")]
    NotJson {
        /// What the JSON reader found, with line and column from the array's beginning.
        reason: String,
    },
    /// Several different arrays could be the plan.
    #[error("the planner's answer holds {count} different JSON arrays, expected exactly one")]
    SeveralArrays {
        /// How many.
        count: usize,
    },
    /// The array has no steps.
    #[error("the planner's answer is an empty array: it found no commands for this work item")]
    Empty,
    /// A step breaks a rule.
    #[error("the planner's answer has an invalid step")]
    Invalid(#[source] RecipeError),
}

/// Reads the steps out of what the planner printed.
///
/// # Errors
/// No array, several different ones, broken JSON, no step, or a step that breaks a recipe's rule.
pub fn parse_llm_plan(stdout: &str) -> Result<Vec<Step>, LlmPlanError> {
    if stdout.len() > MAX_ANSWER_BYTES {
        return Err(LlmPlanError::TooLong {
            size_bytes: stdout.len(),
        });
    }
    if stdout.trim().is_empty() {
        return Err(LlmPlanError::NoAnswer);
    }
    let (mut plans, others): (Vec<Node>, Vec<Node>) =
        arrays(stdout)?.into_iter().partition(looks_like_steps);
    // Some command lines print the final message twice.
    plans.dedup();
    if plans.len() > 1 {
        return Err(LlmPlanError::SeveralArrays { count: plans.len() });
    }
    let Some(array) = plans.into_iter().chain(others).next() else {
        return Err(LlmPlanError::NoArray {
            beginning: excerpt(stdout.trim()),
        });
    };
    let steps = read_steps(&array, "steps").map_err(LlmPlanError::Invalid)?;
    if steps.is_empty() {
        return Err(LlmPlanError::Empty);
    }
    Ok(steps)
}

/// A list of commands and mappings; `[1]` in prose is a footnote.
fn looks_like_steps(array: &Node) -> bool {
    match &array.value {
        Value::List(items) => items
            .iter()
            .all(|item| matches!(item.value, Value::Text(_) | Value::Map(_))),
        Value::Null | Value::Bool(..) | Value::Number(_) | Value::Text(_) | Value::Map(_) => false,
    }
}

/// Every outermost JSON array in the text; an array inside an object is not outermost, unless the
/// object is nothing but `{"steps": […]}`.
fn arrays(text: &str) -> Result<Vec<Node>, LlmPlanError> {
    let mut arrays = Vec::new();
    let mut at = 0;
    while let Some(offset) = text[at..].find(['[', '{']) {
        let begin = at + offset;
        let mut stream = Deserializer::from_str(&text[begin..]).into_iter::<Node>();
        match stream.next() {
            Some(Ok(node)) => {
                arrays.extend(array_of(node));
                at = begin + stream.byte_offset();
            }
            Some(Err(error)) if begins_json(&text[begin..]) => {
                // Looking further would find the arrays inside the broken one, and run those.
                return Err(LlmPlanError::NotJson {
                    reason: error.to_string(),
                });
            }
            Some(Err(_)) => at = begin + 1,
            None => break,
        }
    }
    Ok(arrays)
}

fn array_of(node: Node) -> Option<Node> {
    match node.value {
        Value::List(_) => Some(node),
        Value::Map(mut entries) => match entries.pop() {
            Some(only) if entries.is_empty() && only.key == "steps" => {
                matches!(only.value.value, Value::List(_)).then_some(only.value)
            }
            _ => None,
        },
        Value::Null | Value::Bool(..) | Value::Number(_) | Value::Text(_) => None,
    }
}

/// Whether a bracket opens JSON rather than `[this]` of prose or `${that}` of a shell.
fn begins_json(text: &str) -> bool {
    let mut rest = text.chars();
    let openers: &[char] = match rest.next() {
        Some('[') => &['"', '{', '['],
        _ => &['"'],
    };
    rest.find(|character| !character.is_whitespace())
        .is_some_and(|next| openers.contains(&next))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;

    fn steps(answer: &str) -> Vec<Step> {
        parse_llm_plan(answer).unwrap_or_else(|error| panic!("{answer}\n{error:?}"))
    }

    fn refusal(answer: &str) -> String {
        match parse_llm_plan(answer) {
            Ok(steps) => panic!("{answer}\nwas accepted as {steps:?}"),
            Err(LlmPlanError::Invalid(why)) => why.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn both_documented_forms_are_read() {
        let answer = r#"["make", {"run": "echo build", "env": {"KEY":"VAL"}, "timeout": 30, "cwd": "./dir"}]"#;
        let expected = vec![
            Step::command("make"),
            Step {
                name: None,
                run: "echo build".to_owned(),
                env: BTreeMap::from([("KEY".to_owned(), "VAL".to_owned())]),
                timeout: Some(Duration::from_secs(30)),
                cwd: Some("./dir".to_owned()),
                ..Step::default()
            },
        ];
        assert_eq!(steps(answer), expected);
    }

    #[test]
    fn prose_fences_and_repetition_around_one_array_are_tolerated() {
        for answer in [
            "[\"make\"]",
            "\u{feff}\n [ \"make\" ]\n",
            "Here is the plan:\n```json\n[\"make\"]\n```\nGood luck!",
            "```\n[{\"run\": \"make\"}]\n```",
            "As [1] says, [see here] and {x} and ${y}:\n[\"make\"]",
            "[\"make\"]\ntokens used: 12\n[\"make\"]",
            "{\"steps\": [\"make\"]}",
            "[{\"run\": \"make\", \"env\": null, \"timeout\": null, \"cwd\": null}]",
        ] {
            assert_eq!(steps(answer), vec![Step::command("make")], "{answer}");
        }
        assert_eq!(
            steps(r#"["test \"[\" = '['", "echo ['a'] {"]"#),
            vec![
                Step::command("test \"[\" = '['"),
                Step::command("echo ['a'] {")
            ]
        );
    }

    #[test]
    fn a_broken_plan_is_never_taken_for_its_parts() {
        for (answer, part) in [
            (
                r#"[{"run": "a", "args": ["rm -rf ."]}, {"run": "#,
                "not valid JSON: EOF",
            ),
            (
                r#"[{"run": "a", "env": {"A": ["x"]},}]"#,
                "not valid JSON: trailing comma",
            ),
            (r#"{"run": "a", "args": ["b"]"#, "not valid JSON: EOF"),
            (r#"{"run": "a", "args": ["b"]}"#, "holds no JSON array"),
            (r#"{"steps": ["b"], "done": true}"#, "holds no JSON array"),
            (r#"["a" "b"]"#, "not valid JSON: expected `,` or `]`"),
            (r#"[{"run":"a","run":"b"}]"#, "key `run` stands twice"),
        ] {
            let message = refusal(answer);
            assert!(message.contains(part), "`{part}` is not in: {message}");
        }
    }

    #[test]
    fn what_is_no_plan_says_why() {
        let deep = "[".repeat(100_000);
        for (answer, part) in [
            ("", "answered nothing"),
            (" \n", "answered nothing"),
            (
                "I cannot do that.",
                "holds no JSON array of steps: I cannot do that.",
            ),
            (
                "\u{1b}[31mno",
                "holds no JSON array of steps: \\u{1b}[31mno",
            ),
            ("[]", "is an empty array"),
            (
                "[1, 2]",
                "steps[0]: expected a command or a mapping with `run`, got the number 1",
            ),
            (
                "[[\"a\"]]",
                "steps[0]: expected a command or a mapping with `run`, got a list of 1",
            ),
            ("[\"\"]", "steps[0]: the command is empty"),
            ("[\"a\"] or [\"b\"]", "holds 2 different JSON arrays"),
            (
                "[{\"run\":\"a\",\"cwd\":\"../x\"}]",
                "steps[0].cwd: `../x` leads out of the workspace",
            ),
            (
                "[{\"run\":\"a\",\"timeout\":-5}]",
                "steps[0].timeout: a negative timeout (-5)",
            ),
            (
                "[{\"command\":\"a\"}]",
                "steps[0].command: unknown key `command`; did you mean `run`?",
            ),
            (
                "[{\"run\":\"a\",\"env\":{\"A-B\":\"x\"}}]",
                "is no environment variable name",
            ),
            (&deep, "recursion limit exceeded"),
        ] {
            let message = refusal(answer);
            assert!(message.contains(part), "`{part}` is not in: {message}");
        }
        let many = format!("[{}\"a\"]", "\"a\",".repeat(1_000));
        assert!(refusal(&many).contains("1001 steps, at most 1000"));
        assert!(refusal(&"x".repeat(1024 * 1024 + 1)).contains("1048577 bytes long"));
    }

    proptest::proptest! {
        #[test]
        fn no_answer_makes_the_reader_panic(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec![
                    "[", "]", "{", "}", "\"", ",", ":", "run", "\"run\"", "\"a\"", "```json\n", "\n",
                    "\\", "\\u0000", "é", "1", "null", " ", "\u{1b}",
                ]),
                0..40,
            ),
        ) {
            let answer = pieces.concat();
            if let Ok(steps) = parse_llm_plan(&answer) {
                proptest::prop_assert!(!steps.is_empty(), "{}", answer);
            }
        }
    }
}
