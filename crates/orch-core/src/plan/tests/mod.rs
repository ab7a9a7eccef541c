//! What is inferred from titles and workspaces, and what is asked instead of made up.

mod asks;
mod infers;

use std::collections::BTreeMap;

use super::{Plan, WorkspaceFacts, infer};
use crate::recipe::Step;

/// A workspace of files with their text; `-` stands for text that does not matter.
pub(super) fn workspace(files: &[(&str, &str)]) -> WorkspaceFacts {
    let mut facts = WorkspaceFacts::default();
    for (path, content) in files {
        let wanted = WorkspaceFacts::wants_content(path);
        facts.add(*path, wanted.then(|| (*content).to_owned()));
    }
    facts
}

/// The commands inferred, as `folder$ command` where they run in a folder.
pub(super) fn commands(title: &str, description: &str, facts: &WorkspaceFacts) -> Vec<String> {
    match infer(title, description, facts) {
        Plan::Steps {
            steps,
            tools,
            because,
        } => {
            assert!(!tools.is_empty() && !because.is_empty(), "{title}");
            let json = serde_json::to_string(&steps).unwrap();
            let valid: Vec<Step> = serde_json::from_str(&json).unwrap();
            assert_eq!(valid, steps, "inferred steps obey the rules of a recipe");
            steps.into_iter().map(|step| line(&step)).collect()
        }
        Plan::NothingToInfer { question, .. } => panic!("{title}: {question}"),
    }
}

fn line(step: &Step) -> String {
    match &step.cwd {
        Some(cwd) => format!("{cwd}$ {}", step.run),
        None => step.run.clone(),
    }
}

pub(super) fn question(title: &str, description: &str, facts: &WorkspaceFacts) -> String {
    match infer(title, description, facts) {
        Plan::NothingToInfer { question, .. } => question,
        Plan::Steps { steps, .. } => panic!("{title}: inferred {steps:?}"),
    }
}

pub(super) fn env(name: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(name.to_owned(), value.to_owned())])
}
