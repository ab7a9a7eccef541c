//! What people have answered, sorted by use: variables, private files, steps, and secrets.
//!
//! Every answer is a secret unless it is known to be harmless: an input that the planner's core
//! declares public, or an answer to this agent's own questions about steps and tools.

use std::collections::HashMap;

use orch_core::{
    plan::{Cloud, InputKind},
    recipe::{Step, check_env_name},
    tool_policy::KEY as TOOL,
};

use crate::config::commands;

/// The key of the question for steps.
pub(crate) const STEPS: &str = "steps";
/// The key of the question whether to look for missing tools again.
pub(crate) const RETRY: &str = "retry";

/// The values that must never show.
pub(crate) fn secrets(answers: &HashMap<String, String>) -> impl Iterator<Item = &str> {
    let is_open = |key: &str| {
        let mut inputs = Cloud::ALL.iter().flat_map(|cloud| cloud.inputs());
        [STEPS, RETRY, TOOL].contains(&key)
            || key.starts_with(super::once::KEY)
            || key.starts_with(crate::codex::QUESTION)
            || inputs.any(|input| input.key == key && !input.secret)
    };
    let secret = answers.iter().filter(move |(key, _)| !is_open(key));
    secret.map(|(_, value)| value.as_str())
}

/// One answer that reaches the steps as a private file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileAnswer<'a> {
    pub(super) variable: &'static str,
    pub(super) file_name: &'static str,
    pub(super) content: &'a str,
}

/// The answers that are files.
pub(super) fn files(answers: &HashMap<String, String>) -> Vec<FileAnswer<'_>> {
    let inputs = Cloud::ALL.iter().flat_map(|cloud| cloud.inputs());
    let mut files = Vec::new();
    for input in inputs {
        if let InputKind::File { path_in, file_name } = input.kind
            && let Some(content) = answers.get(input.key)
        {
            files.push(FileAnswer {
                variable: path_in,
                file_name,
                content,
            });
        }
    }
    files
}

/// The answers that are variables of the steps' environment.
pub(super) fn variables(
    answers: &HashMap<String, String>,
) -> impl Iterator<Item = (&String, &String)> {
    let is_file = |key: &str| {
        let mut inputs = Cloud::ALL.iter().flat_map(|cloud| cloud.inputs());
        inputs.any(|input| input.key == key && input.kind != InputKind::Variable)
    };
    answers.iter().filter(move |(key, value)| {
        // A value with a NUL reaches no process, and one with another kind of name no shell.
        let fits = check_env_name(key).is_ok() && !value.contains('\0');
        fits && ![STEPS, RETRY, TOOL].contains(&key.as_str()) && !is_file(key)
    })
}

/// The steps that a person has answered with; none where nothing stands there.
pub(super) fn steps(answers: &HashMap<String, String>) -> Vec<Step> {
    let text = answers.get(STEPS).map(String::as_str).unwrap_or_default();
    commands(text).into_iter().map(Step::command).collect()
}

/// Whether something is answered under this key.
pub(super) fn has(answers: &HashMap<String, String>, key: &str) -> bool {
    answers
        .get(key)
        .is_some_and(|value| !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers() -> HashMap<String, String> {
        [
            ("AWS_SECRET_ACCESS_KEY", "hush"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("KUBECONFIG_CONTENT", "users: []"),
            ("DB_PASSWORD", "hush too"),
            ("not a name", "x"),
            (STEPS, "make a\n\n make b"),
            (RETRY, "retry"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }

    #[test]
    fn answers_are_sorted_by_use() {
        let answers = answers();
        let mut names: Vec<&str> = variables(&answers).map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            ["AWS_DEFAULT_REGION", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD"]
        );
        let kubeconfig = FileAnswer {
            variable: "KUBECONFIG",
            file_name: "kubeconfig",
            content: "users: []",
        };
        assert_eq!(files(&answers), [kubeconfig]);
        assert_eq!(
            steps(&answers),
            [Step::command("make a"), Step::command("make b")]
        );
    }

    #[test]
    fn only_what_is_declared_harmless_is_no_secret() {
        let answers = answers();
        let mut secrets: Vec<&str> = secrets(&answers).collect();
        secrets.sort_unstable();
        assert_eq!(secrets, ["hush", "hush too", "users: []", "x"]);
    }
}
