//! Parsers of arguments that several commands share.

use clap::builder::{PossibleValuesParser, TypedValueParser, ValueParser};
use orch_core::work_item::{Kind, State};

/// An id: a whole number from 1.
pub fn id() -> ValueParser {
    clap::value_parser!(i64).range(1..).into()
}

/// A kind of work item.
pub fn kind() -> ValueParser {
    PossibleValuesParser::new(Kind::NAMES)
        .map(|name| Kind::parse(&name).expect("invariant: the possible values are kinds"))
        .into()
}

/// A state of a work item; `in-progress` stands for `In Progress`.
pub fn state() -> ValueParser {
    PossibleValuesParser::new([
        "proposed",
        "approved",
        "in-progress",
        "review",
        "done",
        "cancelled",
    ])
    .map(|name| match name.as_str() {
        "proposed" => State::Proposed,
        "approved" => State::Approved,
        "in-progress" => State::InProgress,
        "review" => State::Review,
        "done" => State::Done,
        _ => State::Cancelled,
    })
    .into()
}

/// Seconds: 0 or more, fractions allowed.
pub fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Ok(seconds),
        Ok(_) | Err(_) => Err("expected seconds, 0 or more, such as 1.5".to_owned()),
    }
}
