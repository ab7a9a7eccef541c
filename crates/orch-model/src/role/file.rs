//! One role as it stands in its file: a head in TOML between `+++`, the standing instructions, `+++`, and the
//! template of what is asked.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::set::part_names;
use super::{RoleError, template};
use crate::Schema;

/// Larger files are no roles.
pub(super) const MAX_BYTES: usize = 256 * 1024;
const FENCE: &str = "+++";
/// What a template may see.
const INPUTS: [&str; 6] = [
    "prompt", "context", "options", "results", "history", "memory",
];
const MAX_NAME_BYTES: usize = 64;

/// In which form a role answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Output {
    /// Free text.
    #[default]
    Text,
    /// JSON that fits this schema.
    Json(Arc<Schema>),
}

/// One role of the team.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// As requests name it, such as `test_generator`.
    pub name: String,
    /// As answers show it, such as `TestGenerator`.
    pub title: String,
    /// What it does, in one sentence.
    pub about: String,
    /// What its template sees.
    pub inputs: Vec<String>,
    pub output: Output,
    /// Tools that it may call, by name.
    pub tools: Vec<String>,
    /// A model of its own, where it is not the one that is set for all.
    pub model: Option<String>,
    pub(super) system: String,
    pub(super) ask: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    name: String,
    title: String,
    about: String,
    #[serde(default)]
    inputs: Vec<String>,
    #[serde(default)]
    output: Form,
    #[serde(default)]
    tools: Vec<String>,
    model: Option<String>,
    schema: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    #[default]
    Text,
    Json,
}

impl Role {
    /// Reads a role's file; `place` is how messages name it.
    ///
    /// # Errors
    /// What is wrong with it, and what is expected.
    pub fn parse(place: &str, text: &str) -> Result<Self, RoleError> {
        let wrong = |why: String| RoleError::Invalid {
            place: place.to_owned(),
            why,
        };
        if text.len() > MAX_BYTES {
            return Err(wrong(format!(
                "it has {} bytes, at most {MAX_BYTES} are allowed",
                text.len()
            )));
        }
        let [head, (system_at, system), (ask_at, ask)] = parts(text).ok_or_else(|| {
            wrong(format!(
                "expected {FENCE}, a head in TOML, {FENCE}, the standing instructions, {FENCE} and what is asked, each {FENCE} on a line of its own"
            ))
        })?;
        let head: Head = toml::from_str(&head.1).map_err(|error| wrong(error.to_string()))?;
        check_name(&head.name).map_err(wrong)?;
        if head.title.trim().is_empty() || ask.trim().is_empty() {
            return Err(wrong("its title or what it asks is empty".to_owned()));
        }
        if let Some(unknown) = head
            .inputs
            .iter()
            .find(|one| !INPUTS.contains(&one.as_str()))
        {
            return Err(wrong(format!(
                "there is no input `{unknown}`; there are {}",
                INPUTS.join(", ")
            )));
        }
        for (first, part) in [(system_at, &system), (ask_at, &ask)] {
            template::check(part, first, &INPUTS, &part_names()).map_err(wrong)?;
        }
        let output = match (head.output, head.schema) {
            (Form::Text, None) => Output::Text,
            (Form::Json, Some(schema)) => {
                let schema = Schema::new(schema);
                let schema = schema.map_err(|error| wrong(format!("its schema: {error}")))?;
                Output::Json(Arc::new(schema))
            }
            (Form::Json, None) => {
                return Err(wrong(
                    "its output is json, and it has no `schema`".to_owned(),
                ));
            }
            (Form::Text, Some(_)) => {
                return Err(wrong(
                    "it has a `schema`, and its output is not json".to_owned(),
                ));
            }
        };
        Ok(Self {
            name: head.name,
            title: head.title,
            about: head.about,
            inputs: head.inputs,
            output,
            tools: head.tools,
            model: head.model,
            system,
            ask,
        })
    }
}

/// Head, standing instructions and what is asked, each with the line of the file that it begins on.
fn parts(text: &str) -> Option<[(usize, String); 3]> {
    let mut parts = vec![];
    let mut lines = text.trim_start_matches('\u{feff}').lines().zip(1..);
    if lines.next()?.0.trim_end() != FENCE {
        return None;
    }
    let mut part = (2, String::new());
    for (line, number) in lines {
        match line.trim_end() == FENCE && parts.len() < 2 {
            true => parts.push(std::mem::replace(&mut part, (number + 1, String::new()))),
            false => {
                part.1.push_str(line);
                part.1.push('\n');
            }
        }
    }
    parts.push((part.0, part.1.trim_end().to_owned()));
    parts.try_into().ok()
}

fn check_name(name: &str) -> Result<(), String> {
    let begins = name
        .bytes()
        .next()
        .is_some_and(|first| first.is_ascii_lowercase());
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if begins && name.len() <= MAX_NAME_BYTES && name.bytes().all(fits) {
        return Ok(());
    }
    Err(format!(
        "its name is {:?}; expected up to {MAX_NAME_BYTES} small letters, digits and underscores, beginning with a letter",
        name.chars().take(80).collect::<String>()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> String {
        Role::parse("x.md", text).unwrap_err().to_string()
    }

    #[test]
    fn a_role_is_head_instructions_and_question() {
        let text = "+++\nname = \"poet\"\ntitle = \"Poet\"\nabout = \"Writes\"\ninputs = [\"prompt\"]\n+++\nYou write.\n+++\n{{ prompt }}\n+++\nstays\n";
        let role = Role::parse("poet.md", text).unwrap();
        assert_eq!((role.name.as_str(), role.title.as_str()), ("poet", "Poet"));
        assert_eq!(role.system, "You write.\n");
        assert_eq!(role.ask, "{{ prompt }}\n+++\nstays");
        assert_eq!(role.output, Output::Text);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(why("You write.").contains("on a line of its own"));
        assert!(why("+++\nname = 1\n+++\na\n+++\nb").contains("x.md"));
        let with = |head: &str| {
            why(&format!(
                "+++\ntitle = \"T\"\nabout = \"A\"\n{head}\n+++\na\n+++\nb"
            ))
        };
        assert!(with("name = \"../x\"").contains("small letters"));
        assert!(with("name = \"x\"\ninputs = [\"secrets\"]").contains("no input `secrets`"));
        assert!(with("name = \"x\"\noutput = \"json\"").contains("no `schema`"));
        assert!(with("name = \"x\"\nnonsense = 1").contains("nonsense"));
        let broken = why(
            "+++\nname = \"x\"\ntitle = \"T\"\nabout = \"A\"\n+++\na\n+++\nb\n{% include \"c.md\" %}",
        );
        assert!(
            broken.contains("x.md") && broken.contains("line 9, column 1"),
            "{broken}"
        );
    }
}
