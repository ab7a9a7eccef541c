//! Why a model gave no answer, and what helps.

use std::time::Duration;

use orch_core::time::whole_seconds;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// No answer. Messages hold no key and no prompt; what a provider said is bounded and cleaned.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelError {
    #[error("failed to reach {place}: {why}")]
    Unreachable { place: String, why: String },
    /// It asks too much of itself just now, by its own word.
    #[error("{place} answered {status}{}{}", colon(.said), again(.after))]
    Overloaded {
        place: String,
        status: u16,
        said: String,
        /// When it wants to be asked again.
        #[serde(default, with = "millis", skip_serializing_if = "Option::is_none")]
        after: Option<Duration>,
    },
    /// What the account may use is used up.
    #[error("the usage limit of {place} is reached{}{}", colon(.said), lifts(.after))]
    UsageLimit {
        place: String,
        said: String,
        /// When it lifts, as far as that was said.
        #[serde(default, with = "millis", skip_serializing_if = "Option::is_none")]
        after: Option<Duration>,
    },
    #[error("{place} refused the request with {status}{}", colon(.said))]
    Refused {
        place: String,
        status: u16,
        said: String,
    },
    #[error("the answer of {place} ended before it was whole")]
    Cut { place: String },
    #[error("{place} answered what is not its protocol: {why}")]
    Junk { place: String, why: String },
    #[error("the answer of {place} has more than {limit_bytes} bytes")]
    TooLarge { place: String, limit_bytes: usize },
    #[error("{place} did not answer within {after_ms} ms")]
    TimedOut { place: String, after_ms: u64 },
    #[error("the model's answer does not fit the schema, asked twice: {}", .errors.join("; "))]
    Schema { errors: Vec<String> },
    /// By its own word, not by the server's.
    #[error("the model refuses{}", colon(.said))]
    Declined { said: String },
    #[error("the model answered without a text, asked twice{}", colon(.why))]
    Empty { why: String },
    #[error("the model went on calling tools after {rounds} rounds")]
    Rounds { rounds: u32 },
    #[error(
        "the recording has no answer to request number {number} (digest {digest}): what is asked has changed since it was made, or more is asked"
    )]
    NotRecorded { number: usize, digest: String },
    #[error("failed to run {program}: {why}")]
    Command { program: String, why: String },
    /// Nobody waited for the answer any more. This is in recordings alone.
    #[error("the request was given up while it was under way")]
    GivenUp,
    /// Whoever stands before the model let nothing through: a budget, say.
    #[error("the model was not asked: {why}")]
    Withheld { why: String },
    /// The tools that it was to have are not there.
    #[error("the model was not asked, because its tools are not there: {why}")]
    Unequipped { why: String },
    /// The error of one model of a [`crate::Chain`].
    #[error("{error}")]
    Of { model: String, error: Box<Self> },
}

fn colon(said: &str) -> String {
    match said.is_empty() {
        true => String::new(),
        false => format!(": {said}"),
    }
}

fn again(after: &Option<Duration>) -> String {
    after.map_or(String::new(), |after| {
        format!("; to be asked again in {} s", whole_seconds(after))
    })
}

fn lifts(after: &Option<Duration>) -> String {
    after.map_or(String::new(), |after| {
        format!("; it lifts in {} s", whole_seconds(after))
    })
}

/// What helps against an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Asking again, after so long where that was said.
    Transient { after: Option<Duration> },
    /// Waiting until a limit lifts: this uses no attempt up.
    Parked { after: Option<Duration> },
    /// Nothing; another model may do better.
    Final,
}

impl ModelError {
    /// What helps.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Overloaded { after, .. } => Class::Transient { after: *after },
            Self::Unreachable { .. } | Self::Cut { .. } | Self::TimedOut { .. } => {
                Class::Transient { after: None }
            }
            Self::UsageLimit { after, .. } => Class::Parked { after: *after },
            Self::Of { error, .. } => error.class(),
            Self::Refused { .. }
            | Self::Junk { .. }
            | Self::TooLarge { .. }
            | Self::Schema { .. }
            | Self::Declined { .. }
            | Self::Empty { .. }
            | Self::Rounds { .. }
            | Self::NotRecorded { .. }
            | Self::Command { .. }
            | Self::GivenUp
            | Self::Withheld { .. }
            | Self::Unequipped { .. } => Class::Final,
        }
    }

    /// A word for labels of metrics and for people who sort errors.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Overloaded { .. } => "overloaded",
            Self::UsageLimit { .. } => "usage_limit",
            Self::Refused { .. } => "refused",
            Self::Cut { .. } => "cut",
            Self::Junk { .. } => "junk",
            Self::TooLarge { .. } => "too_large",
            Self::TimedOut { .. } => "timed_out",
            Self::Schema { .. } => "schema",
            Self::Declined { .. } => "declined",
            Self::Empty { .. } => "empty",
            Self::Rounds { .. } => "rounds",
            Self::NotRecorded { .. } => "not_recorded",
            Self::Command { .. } => "command",
            Self::GivenUp => "given_up",
            Self::Withheld { .. } => "withheld",
            Self::Unequipped { .. } => "unequipped",
            Self::Of { error, .. } => error.kind(),
        }
    }

    /// The model that failed, where several were asked, and what it failed with.
    #[must_use]
    pub fn parted(self) -> (Option<String>, Self) {
        match self {
            Self::Of { model, error } => (Some(model), *error),
            error => (None, error),
        }
    }

    /// Whether the address knows nothing of what it was asked.
    #[must_use]
    pub const fn is_unknown_endpoint(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                status: 404 | 405 | 501,
                ..
            }
        )
    }
}

/// Milliseconds in recordings.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "the shape that serde calls")]
    pub(super) fn serialize<S: Serializer>(
        wait: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
            .serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(Duration::from_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_a_sentence_and_survives_a_recording() {
        let error = ModelError::UsageLimit {
            place: "m at http://h/v1/".to_owned(),
            said: "You have hit your limit".to_owned(),
            after: Some(Duration::from_millis(90_500)),
        };
        assert_eq!(
            error.to_string(),
            "the usage limit of m at http://h/v1/ is reached: You have hit your limit; it lifts in 91 s"
        );
        let json = serde_json::to_string(&error).unwrap();
        assert_eq!(
            json,
            r#"{"kind":"usage_limit","place":"m at http://h/v1/","said":"You have hit your limit","after":90500}"#
        );
        assert_eq!(serde_json::from_str::<ModelError>(&json).unwrap(), error);
    }
}
