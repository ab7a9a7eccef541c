//! Secrets: values that a recipe's step names and gets at run time, and nobody reads otherwise.
//!
//! Owns names, scopes and bounds. A value never stands in these types: the store keeps it sealed, or
//! a vault does.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{ProjectId, SecretId};
use crate::time::Timestamp;

/// The longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 128;
/// The largest value, in bytes; any bytes are accepted.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;
/// A shorter value is found in innocent text everywhere, and is not kept out of logs.
pub const SHORTEST_REDACTED_BYTES: usize = 4;
/// Most secrets of a project, over all its environments.
pub const MAX_PER_PROJECT: usize = 1000;
/// Most secrets that one step may name.
pub const MAX_PER_STEP: usize = 100;

/// The name by which a step asks for its run's own token in place of a stored secret.
pub const RUN_TOKEN: &str = "ORCH_RUN_TOKEN";
/// Names with this beginning are the platform's.
const RESERVED: &str = "ORCH_";

/// A secret's name: `[A-Z][A-Z0-9_]*`, at most [`MAX_NAME_BYTES`], so that it is a variable's as well.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretName(String);

impl SecretName {
    /// Reads a name that a step may ask for.
    ///
    /// # Errors
    /// What is wrong with it, and what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut bytes = text.bytes();
        let begins = bytes.next().is_some_and(|first| first.is_ascii_uppercase());
        let goes_on =
            bytes.all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        if text.len() > MAX_NAME_BYTES {
            return Err(format!(
                "a secret's name has {} bytes, at most {MAX_NAME_BYTES} are allowed",
                text.len()
            ));
        }
        if !begins || !goes_on {
            return Err(format!(
                "`{}` is no secret's name; expected capital letters, digits and underscores, beginning with a letter, such as DB_PASSWORD",
                crate::recipe::excerpt(text)
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// Reads a name under which a person may keep a value.
    ///
    /// # Errors
    /// As [`SecretName::parse`], and for the platform's own names.
    pub fn parse_own(text: &str) -> Result<Self, String> {
        let name = Self::parse(text)?;
        if name.0.starts_with(RESERVED) {
            return Err(format!(
                "`{text}` begins with {RESERVED}, which is kept for the platform; choose another name"
            ));
        }
        Ok(name)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for the run's token.
    #[must_use]
    pub fn is_run_token(&self) -> bool {
        self.0 == RUN_TOKEN
    }
}

impl TryFrom<String> for SecretName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<SecretName> for String {
    fn from(name: SecretName) -> Self {
        name.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which runs of a project get a value; an environment's wins over the project's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All runs, where their environment has none of its own.
    Project,
    /// Runs of items of this environment.
    Environment(String),
}

impl Scope {
    /// The scope of an environment, or of the project where none is named.
    ///
    /// # Errors
    /// When the environment's name is blank, too long, or holds control characters.
    pub fn of(environment: Option<&str>) -> Result<Self, String> {
        let Some(name) = environment else {
            return Ok(Self::Project);
        };
        let fits = !name.trim().is_empty() && name.chars().count() <= 200;
        match fits && !name.chars().any(char::is_control) {
            true => Ok(Self::Environment(name.to_owned())),
            false => Err(
                "expected the name of an environment, 1 to 200 characters on one line".to_owned(),
            ),
        }
    }

    #[must_use]
    pub fn environment(&self) -> Option<&str> {
        match self {
            Self::Project => None,
            Self::Environment(name) => Some(name),
        }
    }
}

/// What may be known of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    pub id: SecretId,
    pub project_id: ProjectId,
    pub name: SecretName,
    pub scope: Scope,
    /// From 1; goes up with every new value.
    pub version: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Who set the present value.
    pub set_by: String,
}

/// How a step wants to have a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// As the value of this variable.
    Variable(String),
    /// As a private file, whose path is the value of this variable.
    File(String),
}

/// A secret that a step names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretUse {
    pub name: SecretName,
    pub delivery: Delivery,
}

impl SecretUse {
    /// The variable that the step finds it by.
    #[must_use]
    pub fn variable(&self) -> &str {
        match &self.delivery {
            Delivery::Variable(name) | Delivery::File(name) => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_variables_in_capitals() {
        for good in ["A", "DB_PASSWORD", "X9", &"A".repeat(MAX_NAME_BYTES)] {
            assert!(SecretName::parse_own(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "9A",
            "_A",
            "A-B",
            "A B",
            "A\n",
            "Ä",
            &"A".repeat(MAX_NAME_BYTES + 1),
        ] {
            assert!(SecretName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(SecretName::parse(RUN_TOKEN).unwrap().is_run_token());
        assert!(SecretName::parse_own(RUN_TOKEN).is_err());
    }

    #[test]
    fn a_scope_is_the_projects_or_a_named_environments() {
        assert_eq!(Scope::of(None), Ok(Scope::Project));
        assert_eq!(
            Scope::of(Some("prod")),
            Ok(Scope::Environment("prod".to_owned()))
        );
        for blank in ["", "  ", "a\nb"] {
            assert!(Scope::of(Some(blank)).is_err(), "{blank:?}");
        }
    }
}
