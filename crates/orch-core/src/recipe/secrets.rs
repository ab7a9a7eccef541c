//! The secrets that a step names: `secrets: [NAME, {name: X, env: VAR}, {name: X, file: VAR}]`.
//!
//! Names alone stand in a recipe; a value is never read here.

use std::collections::{BTreeMap, BTreeSet};

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::error::RecipeError;
use super::node::{Node, Value};
use super::read::{Fields, read_list, text};
use super::rules;
use crate::secret::{Delivery, MAX_PER_STEP, SecretName, SecretUse};

const KEYS: &[&str] = &["name", "env", "file"];
const EXPECTED: &str = "a secret's name, or a mapping with `name` and `env` or `file`";

/// Reads the list; `env` is the step's own, whose variables no secret may replace.
pub(super) fn read_secrets(
    node: &Node,
    path: &str,
    env: &BTreeMap<String, String>,
) -> Result<Vec<SecretUse>, RecipeError> {
    let mut taken = BTreeSet::new();
    read_list(node, path, ("secrets", MAX_PER_STEP), |node, path| {
        let secret = read_secret(node, path)?;
        let variable = secret.variable();
        let twice = if env.contains_key(variable) {
            Some(format!(
                "the variable `{variable}` is set by the step's `env` as well; name another with `env:`"
            ))
        } else if !taken.insert(variable.to_owned()) {
            Some(format!(
                "two secrets go to the variable `{variable}`; name another with `env:` or `file:`"
            ))
        } else {
            None
        };
        match twice {
            Some(message) => Err(node.error(path, message)),
            None => Ok(secret),
        }
    })
}

/// A name that a person may keep a value under, or the run's token.
fn wanted(text: &str) -> Result<SecretName, String> {
    match SecretName::parse(text)? {
        name if name.is_run_token() => Ok(name),
        name => SecretName::parse_own(name.as_str()),
    }
}

fn read_secret(node: &Node, path: &str) -> Result<SecretUse, RecipeError> {
    if let Value::Text(text) = &node.value {
        let name = wanted(text).map_err(|why| node.error(path, why))?;
        let delivery = Delivery::Variable(name.as_str().to_owned());
        return Ok(SecretUse { name, delivery });
    }
    let fields = Fields::of(node, path, EXPECTED, KEYS)?;
    let name = fields.required("name", |node, path| {
        let name = text(node, path, |_| Ok(()))?;
        wanted(&name).map_err(|why| node.error(path, why))
    })?;
    let env = fields.text("env", rules::check_env_name)?;
    let file = fields.text("file", rules::check_env_name)?;
    let delivery = match (env, file) {
        (Some(_), Some(_)) => {
            let message =
                "`env` and `file` are both given; keep the one by which the step gets the secret";
            return Err(node.error(path, message));
        }
        (Some(variable), None) => Delivery::Variable(variable),
        (None, Some(variable)) => Delivery::File(variable),
        (None, None) => Delivery::Variable(name.as_str().to_owned()),
    };
    Ok(SecretUse { name, delivery })
}

impl Serialize for SecretUse {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (key, variable) = match &self.delivery {
            Delivery::Variable(variable) if variable == self.name.as_str() => {
                return self.name.serialize(to);
            }
            Delivery::Variable(variable) => ("env", variable),
            Delivery::File(variable) => ("file", variable),
        };
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry(key, variable)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Step, parse};

    const RECIPE: &str = "steps:
  - run: deploy
    secrets:
      - DB_PASSWORD
      - {name: API_KEY, env: KEY}
      - {name: KUBECONFIG_FILE, file: KUBECONFIG}
";

    fn refusal(secrets: &str) -> String {
        let yaml = format!("steps:\n  - run: x\n    env: {{SET: a}}\n    secrets: {secrets}\n");
        parse(&yaml).expect_err(secrets).to_string()
    }

    #[test]
    fn the_three_forms_are_read_and_come_back_from_json() {
        let recipe = parse(RECIPE).unwrap();
        let json = serde_json::to_string(&recipe.steps[0]).unwrap();
        assert_eq!(
            json,
            r#"{"run":"deploy","secrets":["DB_PASSWORD",{"name":"API_KEY","env":"KEY"},{"name":"KUBECONFIG_FILE","file":"KUBECONFIG"}]}"#
        );
        assert_eq!(
            serde_json::from_str::<Step>(&json).unwrap(),
            recipe.steps[0]
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (secrets, expected) in [
            ("DB", "expected a list of secrets"),
            ("[db]", "`db` is no secret's name"),
            ("[{name: A, env: 9}]", "expected text"),
            ("[{name: A, env: a b}]", "no environment variable name"),
            (
                "[{name: A, env: X, file: Y}]",
                "`env` and `file` are both given",
            ),
            ("[{nam: A}]", "did you mean `name`?"),
            ("[{env: A}]", "`name` is missing"),
            (
                "[A, {name: B, file: A}]",
                "two secrets go to the variable `A`",
            ),
            ("[SET]", "set by the step's `env` as well"),
        ] {
            let message = refusal(secrets);
            assert!(message.contains(expected), "{secrets}: {message}");
            assert!(message.contains("line 4"), "{secrets}: {message}");
        }
        let many = format!("[{}]", vec!["A"; 101].join(", "));
        assert!(refusal(&many).contains("at most 100"), "{}", refusal(&many));
    }

    #[test]
    fn an_approval_of_steps_binds_the_secrets_that_they_name() {
        let with = parse(RECIPE).unwrap().steps;
        let mut less = with.clone();
        less[0].secrets.pop();
        let mut none = with.clone();
        none[0].secrets.clear();
        let bytes = |steps: &[Step]| crate::plan::canonical_steps(steps);
        assert_ne!(bytes(&with), bytes(&less));
        assert_ne!(bytes(&with), bytes(&none));
    }
}
