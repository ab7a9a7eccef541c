//! Checks of values that several operations take.

use std::time::Duration;

use orch_core::ids::AgentName;
use orch_core::project::Weight;
use orch_core::source::Reference;
use orch_core::work_item::ConcurrencyKey;

use super::{AppError, Result};

/// The longest delay, backoff or lease: a year, in seconds.
const LONGEST_SECONDS: f64 = 31_536_000.0;

/// A text of 1 to `most` characters.
pub(crate) fn text(field: &'static str, text: &str, most: usize) -> Result<String> {
    let length = text.chars().count();
    if text.trim().is_empty() {
        Err(AppError::invalid(field, "must not be empty"))
    } else if length > most {
        Err(AppError::invalid(
            field,
            format!("has {length} characters; at most {most} fit"),
        ))
    } else if text.contains('\0') {
        Err(AppError::invalid(field, "must not contain a NUL character"))
    } else {
        Ok(text.to_owned())
    }
}

/// A text that may be absent or empty.
pub(crate) fn optional_text(
    field: &'static str,
    value: Option<&str>,
    most: usize,
) -> Result<Option<String>> {
    value
        .filter(|value| !value.trim().is_empty())
        .map(|value| text(field, value, most))
        .transpose()
}

/// A duration given in seconds, fractions allowed, from zero to a year.
pub(crate) fn seconds(field: &'static str, seconds: f64) -> Result<Duration> {
    if seconds.is_finite() && (0.0..=LONGEST_SECONDS).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        let expected = format!("a number of seconds from 0 to {LONGEST_SECONDS}");
        Err(AppError::wrong(field, number(seconds), expected))
    }
}

/// How long a claim holds; 300 s unless given.
pub(crate) fn lease_ttl(ttl_seconds: Option<f64>) -> Result<Option<Duration>> {
    let Some(ttl) = ttl_seconds else {
        return Ok(None);
    };
    if ttl.is_finite() && (1.0..=86_400.0).contains(&ttl) {
        Ok(Some(Duration::from_secs_f64(ttl)))
    } else {
        let expected = "a number of seconds from 1 to 86400";
        Err(AppError::wrong("ttl_seconds", number(ttl), expected))
    }
}

/// A number as people write it: one with hundreds of digits by its exponent.
fn number(number: f64) -> String {
    if number == 0.0 || (1e-6..1e15).contains(&number.abs()) {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

pub(crate) fn agent(name: &str) -> Result<AgentName> {
    AgentName::parse(name).ok_or_else(|| {
        AppError::invalid("agent_id", "must be 1 to 128 characters without controls")
    })
}

/// A value out of a few that are named; absent stays absent.
pub(crate) fn choice<T: Copy>(
    field: &'static str,
    given: Option<&str>,
    choices: &[(&str, T)],
) -> Result<Option<T>> {
    let Some(given) = given else {
        return Ok(None);
    };
    let chosen = choices.iter().find(|(name, _)| *name == given);
    chosen.map(|(_, value)| Some(*value)).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let shown: String = given.chars().take(80).collect();
        let expected = format!("one of {}", names.join(", "));
        AppError::wrong(field, format!("`{shown}`"), expected)
    })
}

/// A priority within its bounds.
pub(crate) fn priority(priority: Option<i32>) -> Result<Option<i32>> {
    match priority {
        Some(p) if !(-1_000_000..=1_000_000).contains(&p) => {
            Err(AppError::wrong("priority", p, "-1000000 to 1000000"))
        }
        other => Ok(other),
    }
}

/// A concurrency key.
pub fn concurrency_key(key: &str) -> Result<ConcurrencyKey> {
    ConcurrencyKey::parse(key).map_err(|problem| AppError::invalid("concurrency_key", problem))
}

/// A branch, tag or commit of an item.
pub fn reference(name: &str) -> Result<Reference> {
    Reference::parse(name).map_err(|problem| AppError::invalid("ref", problem))
}

/// A project's weight.
pub fn weight(weight: u32) -> Result<Weight> {
    Weight::new(weight)
        .ok_or_else(|| AppError::wrong("weight", weight, format!("1 to {}", Weight::MOST)))
}

/// A project's limit on open runs; more than a million is as good as none.
pub fn max_concurrent_runs(most: u32) -> Result<u32> {
    if (1..=1_000_000).contains(&most) {
        return Ok(most);
    }
    let expected = "1 to 1000000, or null for no limit";
    Err(AppError::wrong("max_concurrent_runs", most, expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_out_of_range_is_repeated_in_few_characters() {
        let said = |given| seconds("delay_seconds", given).unwrap_err().to_string();
        for (given, shown) in [(1e300, "1e300"), (-1.5, "-1.5"), (31_536_001.0, "31536001")] {
            let expected = format!(
                "`delay_seconds` is {shown}; expected a number of seconds from 0 to 31536000"
            );
            assert_eq!(said(given), expected);
        }
    }
}
