//! Secrets of projects: what may be known of them, and a value on its way in.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A secret; its value is never shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Secret {
    pub name: String,
    pub project_id: i64,
    /// Whose runs get it; `null` is all of the project, where their environment has none of its own.
    pub environment: Option<String>,
    /// From 1; goes up with every new value.
    pub version: u32,
    pub created_at: String,
    pub updated_at: String,
    /// Who set the present value.
    pub set_by: String,
    /// What its owner should know of the value that was just set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// A value: exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSecret {
    /// Text, at most 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub value: Option<HiddenText>,
    /// Any bytes in standard base64, at most 64 KiB of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub value_base64: Option<HiddenText>,
}

/// What was sealed anew with the first of the server's keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResealedSecrets {
    pub secrets: u64,
    /// Answers to agents' questions.
    pub answers: u64,
    /// What none of the keys opens; it stays as it is.
    pub unreadable: u64,
}

/// A text that shows in no message, not even in one about what is wrong with it.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct HiddenText(pub String);

impl fmt::Debug for HiddenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HiddenText(…)")
    }
}

impl<'de> Deserialize<'de> for HiddenText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = HiddenText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<HiddenText, E> {
                Ok(HiddenText(text.to_owned()))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<HiddenText, E> {
                Ok(HiddenText(text))
            }

            // Serde's own messages would repeat these.
            fn visit_bool<E: Error>(self, _: bool) -> Result<HiddenText, E> {
                Err(E::custom("invalid type: boolean, expected a text"))
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<HiddenText, E> {
                Err(E::custom("invalid type: number, expected a text"))
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<HiddenText, E> {
                Err(E::custom("invalid type: number, expected a text"))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<HiddenText, E> {
                Err(E::custom("invalid type: number, expected a text"))
            }
        }

        // Asked for a text, a JSON reader would name the number that it found.
        from.deserialize_any(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_the_wrong_type_is_refused_without_being_shown() {
        for value in [
            "48151623",
            "-48151623",
            "48151623.5",
            "[48151623]",
            "{\"a\": 48151623}",
            "true",
        ] {
            let body = format!("{{\"value\": {value}}}");
            let error = serde_json::from_str::<SetSecret>(&body)
                .expect_err(value)
                .to_string();
            assert!(error.contains("expected a text"), "{error}");
            assert!(!error.contains("48151623"), "{error}");
        }
        let set: SetSecret = serde_json::from_str(r#"{"value": "hush"}"#).expect("a value");
        assert!(!format!("{set:?}").contains("hush"));
    }
}
