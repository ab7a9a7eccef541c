//! What a recipe or a step declares to be kept of its workspace: `artifacts:`.
//!
//! Owns that key's grammar in YAML and JSON. What a path matches, [`Pattern`] says; whoever collects
//! must still not follow a link out of the workspace.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::error::RecipeError;
use super::glob::Pattern;
use super::node::{Node, Value};
use super::read::{Fields, read_list, text};
use super::rules;

/// Most entries under one `artifacts`.
pub const MAX_ARTIFACTS: usize = 200;
/// Longest path of an entry, in bytes.
pub const MAX_ARTIFACT_PATH_BYTES: usize = 1024;

const KEYS: &[&str] = &["path", "name", "type"];

/// Files to keep, once they are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    path: String,
    pattern: Pattern,
    /// What the artifact is called in place of its path; where several files match, their folder.
    pub name: Option<String>,
    /// What it is for, such as `report`; `file` where nothing is said.
    pub kind: Option<String>,
}

impl Output {
    /// Files by a path or a pattern.
    ///
    /// # Errors
    /// A message that says what is wrong with the path.
    pub fn at(path: &str) -> Result<Self, String> {
        Ok(Self {
            path: path.to_owned(),
            pattern: Pattern::parse(path)?,
            name: None,
            kind: None,
        })
    }

    /// The path as it was written.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// What a file that matches is called.
    #[must_use]
    pub fn name_of(&self, path: &str) -> String {
        match &self.name {
            None => path.to_owned(),
            Some(name) if self.pattern.is_plain() && self.is_itself(path) => name.clone(),
            Some(name) => format!("{name}/{path}"),
        }
    }

    /// Whether the file is the one that is named, not one in a folder that is.
    fn is_itself(&self, path: &str) -> bool {
        let parts = self.path.split('/');
        let parts: Vec<&str> = parts.filter(|part| !matches!(*part, "" | ".")).collect();
        parts.join("/") == path
    }
}

pub(super) fn read(node: &Node, path: &str) -> Result<Vec<Output>, RecipeError> {
    read_list(node, path, ("artifacts", MAX_ARTIFACTS), read_one)
}

fn read_one(node: &Node, path: &str) -> Result<Output, RecipeError> {
    let place = |node: &Node, path: &str| {
        let place = text(node, path, |_| Ok(()))?;
        Output::at(&place).map_err(|why| node.error(path, why))
    };
    let expected = "a path or a mapping with `path`";
    match &node.value {
        Value::Text(_) => place(node, path),
        Value::Map(_) => {
            let fields = Fields::of(node, path, expected, KEYS)?;
            Ok(Output {
                name: fields.text("name", check_name)?,
                kind: fields.text("type", check_kind)?,
                ..fields.required("path", place)?
            })
        }
        Value::Null | Value::Bool(..) | Value::Number(_) | Value::List(_) => {
            let message = format!("expected {expected}, got {}", node.describe());
            Err(node.error(path, message))
        }
    }
}

/// Whether a file can be kept under this name: the rule for whoever hands one over, whatever a recipe
/// says.
///
/// # Errors
/// A message that says what is expected.
pub fn check_kept_name(name: &str) -> Result<(), String> {
    let fine = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    match fine && !name.chars().any(char::is_control) {
        true => Ok(()),
        false => Err(format!(
            "`{}` is no name of an artifact; expected a relative path such as site or reports/unit, without . and .. \
             and without control characters",
            rules::excerpt(name)
        )),
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let fine = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    match fine && name.chars().count() <= 200 {
        true => rules::check_label(name),
        false => Err(format!(
            "`{}` is no name of an artifact; expected up to 200 characters, such as site or reports/unit",
            rules::excerpt(name)
        )),
    }
}

/// Whether it says what an artifact is for: one short word.
///
/// # Errors
/// A message that says what is expected.
pub fn check_kind(kind: &str) -> Result<(), String> {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    match !kind.is_empty() && kind.len() <= 64 && kind.bytes().all(fine) {
        true => Ok(()),
        false => Err(format!(
            "`{}` is no type of an artifact; expected a word such as report, coverage or binary",
            rules::excerpt(kind)
        )),
    }
}

impl Serialize for Output {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.name.is_none() && self.kind.is_none() {
            return to.serialize_str(&self.path);
        }
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("path", &self.path)?;
        for (key, value) in [("name", &self.name), ("type", &self.kind)] {
            if let Some(value) = value {
                map.serialize_entry(key, value)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use crate::recipe::{Recipe, parse};

    #[test]
    fn artifacts_are_read_at_both_levels_and_travel_as_json_and_back() {
        let yaml = "artifacts: ['dist/**', {path: out/app, name: app, type: binary}]\nsteps:\n - run: make\n   artifacts: [reports/*.xml]\n";
        let recipe = parse(yaml).unwrap();
        assert_eq!(recipe.artifacts.len(), 2);
        assert_eq!(recipe.artifacts[1].name_of("out/app"), "app");
        assert_eq!(recipe.artifacts[1].name_of("out/app/x"), "app/out/app/x");
        assert_eq!(
            recipe.steps[0].artifacts[0].name_of("reports/a.xml"),
            "reports/a.xml"
        );
        let json = serde_json::to_string(&recipe).unwrap();
        assert!(
            json.contains(r#"["dist/**",{"path":"out/app","name":"app","type":"binary"}]"#),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe);
    }

    #[test]
    fn names_of_kept_files_stay_below_the_run() {
        for fine in ["a", "dist/app-1.0 (new).txt", "..a/.b", "å"] {
            assert_eq!(super::check_kept_name(fine), Ok(()), "{fine}");
        }
        for refused in [
            "",
            "/etc/passwd",
            "a//b",
            "a/",
            "../a",
            "a/../b",
            "./a",
            "a\nb",
            "a\u{1b}[31m",
        ] {
            assert!(super::check_kept_name(refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn faults_are_named_with_their_place() {
        for (yaml, part) in [
            ("artifacts: dist\nsteps: [a]", "line 1, column 12"),
            (
                "artifacts: dist\nsteps: [a]",
                "expected a list of artifacts, got the text \"dist\"",
            ),
            ("artifacts: [../x]\nsteps: [a]", "`../x` contains `..`"),
            ("artifacts: [{name: x}]\nsteps: [a]", "`path` is missing"),
            (
                "artifacts: [{path: x, kind: y}]\nsteps: [a]",
                "did you mean `type`?",
            ),
            ("outputs: [x]\nsteps: [a]", "did you mean `artifacts`?"),
            (
                "steps: [{run: a, artifacts: [{path: x, type: 'a b'}]}]",
                "`a b` is no type",
            ),
            (
                "artifacts: [{path: x, name: '../y'}]\nsteps: [a]",
                "is no name of an artifact",
            ),
        ] {
            let error = parse(yaml).unwrap_err().to_string();
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
        let many = format!("artifacts: [{}]\nsteps: [a]", "x, ".repeat(201));
        let error = parse(&many).unwrap_err().to_string();
        assert!(error.contains("201 artifacts, at most 200"), "{error}");
    }
}
