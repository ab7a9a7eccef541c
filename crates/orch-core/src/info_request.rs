//! Info requests: questions that an agent asks a person, with typed fields.
//!
//! Answers are sealed before they reach this module's neighbours; nothing here holds one in clear.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most fields that one question may have.
pub const MOST_FIELDS: usize = 100;
/// The longest answer, in bytes.
pub const LONGEST_ANSWER: usize = 256 * 1024;

/// One input that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How it is entered and checked.
    #[serde(default, rename = "type")]
    pub kind: FieldKind,
    /// Secret answers are never shown back.
    #[serde(default)]
    pub secret: Secrecy,
    #[serde(default)]
    pub required: Presence,
    /// For [`FieldKind::Choice`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

/// How a field is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    #[default]
    Text,
    Multiline,
    Number,
    Boolean,
    Choice,
}

/// Whether an answer may be shown. JSON `true` and `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum Secrecy {
    Secret,
    Open,
}

impl Default for Secrecy {
    /// What nobody declared harmless is treated as a secret.
    fn default() -> Self {
        Self::Secret
    }
}

impl From<bool> for Secrecy {
    fn from(secret: bool) -> Self {
        if secret { Self::Secret } else { Self::Open }
    }
}

impl From<Secrecy> for bool {
    fn from(secrecy: Secrecy) -> Self {
        secrecy == Secrecy::Secret
    }
}

/// Whether an answer must be given. JSON `true` and `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum Presence {
    #[default]
    Required,
    Optional,
}

impl From<bool> for Presence {
    fn from(required: bool) -> Self {
        if required {
            Self::Required
        } else {
            Self::Optional
        }
    }
}

impl From<Presence> for bool {
    fn from(presence: Presence) -> Self {
        presence == Presence::Required
    }
}

/// Where a question stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Pending,
    Resolved,
    Cancelled,
}

impl Status {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Resolved => "resolved",
            Self::Cancelled => "cancelled",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Resolved, Self::Cancelled]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
}

/// One thing wrong with a question or an answer: the field, and what is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub field: String,
    pub message: String,
}

fn fault(field: &str, message: impl Into<String>) -> Fault {
    Fault {
        field: field.to_owned(),
        message: message.into(),
    }
}

/// Checks a question's fields.
///
/// # Errors
/// Every fault found.
pub fn check_fields(fields: &[Field]) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    if fields.is_empty() {
        faults.push(fault("required_keys", "name at least one key to ask for"));
    }
    if fields.len() > MOST_FIELDS {
        faults.push(fault(
            "fields",
            format!("has {}; at most {MOST_FIELDS} fit", fields.len()),
        ));
    }
    let mut seen = std::collections::BTreeSet::new();
    for field in fields {
        let fits = !field.key.trim().is_empty() && field.key.len() <= 128;
        if !fits || field.key.chars().any(char::is_control) {
            faults.push(fault(
                "fields.key",
                "must be 1 to 128 characters without controls",
            ));
        }
        if !seen.insert(&field.key) {
            faults.push(fault(&field.key, "is asked for twice"));
        }
        if field.kind == FieldKind::Choice && field.options.is_empty() {
            faults.push(fault(&field.key, "is a choice without options"));
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

/// Checks answers against the question.
///
/// # Errors
/// Every missing, unknown, over-long or ill-typed answer.
pub fn check_answers(
    fields: &[Field],
    values: &BTreeMap<String, String>,
) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    for key in values.keys() {
        if !fields.iter().any(|field| &field.key == key) {
            let known: Vec<&str> = fields.iter().map(|field| field.key.as_str()).collect();
            faults.push(fault(
                key,
                format!("was not asked for (expected {})", known.join(", ")),
            ));
        }
    }
    for field in fields {
        match values.get(&field.key) {
            Some(value) if value.len() > LONGEST_ANSWER => {
                faults.push(fault(
                    &field.key,
                    format!("is over {LONGEST_ANSWER} bytes long"),
                ));
            }
            Some(value) if value.is_empty() && field.required == Presence::Required => {
                faults.push(fault(&field.key, "must not be empty"));
            }
            Some(value) => faults.extend(ill_typed(field, value)),
            None if field.required == Presence::Required => {
                faults.push(fault(&field.key, "is required"));
            }
            None => {}
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

fn ill_typed(field: &Field, value: &str) -> Option<Fault> {
    let expected = match field.kind {
        FieldKind::Text | FieldKind::Multiline => return None,
        FieldKind::Number if value.parse::<f64>().is_ok_and(f64::is_finite) => return None,
        FieldKind::Number => "a number".to_owned(),
        FieldKind::Boolean
            if ["true", "false"]
                .iter()
                .any(|word| value.eq_ignore_ascii_case(word)) =>
        {
            return None;
        }
        FieldKind::Boolean => "true or false".to_owned(),
        FieldKind::Choice if field.options.iter().any(|option| option == value) => return None,
        FieldKind::Choice => format!("one of {}", field.options.join(", ")),
    };
    Some(fault(&field.key, format!("must be {expected}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(key: &str, kind: FieldKind) -> Field {
        Field {
            key: key.into(),
            label: None,
            kind,
            secret: Secrecy::Secret,
            required: Presence::Required,
            options: vec!["a".into()],
        }
    }

    #[test]
    fn answers_are_checked_against_what_was_asked() {
        let fields = [field("N", FieldKind::Number), field("C", FieldKind::Choice)];
        let answers = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect()
        };
        assert_eq!(
            check_answers(&fields, &answers(&[("N", "4"), ("C", "a")])),
            Ok(())
        );
        let faults = check_answers(&fields, &answers(&[("N", "four"), ("X", "1")])).unwrap_err();
        let named: Vec<_> = faults.iter().map(|f| f.field.as_str()).collect();
        assert_eq!(named, ["X", "N", "C"]);
    }
}
