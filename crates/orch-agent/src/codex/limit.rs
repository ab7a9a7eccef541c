//! Telling an outage or a limit of the model provider from a failure of the work.
//!
//! Codex reports both as text. Only its own wording is trusted: an error body of the provider, which
//! it passes on as JSON, may say anything.

use std::time::Duration;

use serde::Serialize;

/// What the provider is short of; waiting helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Too many requests at a time.
    Rate,
    /// The plan's or the account's allowance is used up.
    Usage,
    /// The provider is overloaded or cannot be reached.
    Outage,
}

const RATE: [&str; 3] = [
    "status: 429",
    "unexpected status 429",
    "rate limit exceeded",
];
const USAGE: [&str; 2] = ["usage limit", "quota exceeded"];
const OUTAGE: [&str; 8] = [
    "unexpected status 5",
    "last status: 5",
    "at capacity",
    "high demand",
    "stream disconnected before completion",
    "error sending request",
    "connection failed",
    "waiting for network",
];

impl Limit {
    /// The limit that an error message of Codex speaks of.
    pub(super) fn of(message: &str) -> Option<Self> {
        if message.trim_start().starts_with('{') {
            return None;
        }
        let message = message.to_lowercase();
        let has = |wordings: &[&str]| wordings.iter().any(|wording| message.contains(wording));
        if has(&USAGE) {
            Some(Self::Usage)
        } else if has(&RATE) {
            Some(Self::Rate)
        } else if has(&OUTAGE) {
            Some(Self::Outage)
        } else {
            None
        }
    }

    /// For a sentence.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rate => "the model provider's rate limit is reached",
            Self::Usage => "the model provider's usage limit is reached",
            Self::Outage => "the model provider is not available",
        }
    }
}

/// The time after which to try again, where the message says so (`try again in 1 hour 5 minutes`,
/// `try again in 11.5s`). A time of day is left out: its zone is not known.
pub(super) fn retry_after(message: &str) -> Option<Duration> {
    const ANNOUNCEMENT: &str = "try again in ";
    let lower = message.to_lowercase();
    let (_, rest) = lower.split_once(ANNOUNCEMENT)?;
    let mut rest = rest.trim_start();
    let mut seconds = None;
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, tail) = rest.split_at(digits.unwrap_or(rest.len()));
        let Ok(number) = number.trim_end_matches('.').parse::<f64>() else {
            break;
        };
        let tail = tail.trim_start();
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic());
        let (unit, tail) = tail.split_at(letters.unwrap_or(tail.len()));
        let Some(unit) = seconds_of(unit) else {
            break;
        };
        seconds = Some(seconds.unwrap_or(0.0) + number * unit);
        rest = tail.trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    Duration::try_from_secs_f64(seconds?).ok()
}

fn seconds_of(unit: &str) -> Option<f64> {
    match unit {
        "ms" | "millisecond" | "milliseconds" => Some(0.001),
        "s" | "sec" | "secs" | "second" | "seconds" => Some(1.0),
        "m" | "min" | "mins" | "minute" | "minutes" => Some(60.0),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some(3_600.0),
        "d" | "day" | "days" => Some(86_400.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_and_outages_are_told_from_failures() {
        for (message, expected) in [
            (
                "exceeded retry limit, last status: 429 Too Many Requests",
                Some(Limit::Rate),
            ),
            (
                "rate limit exceeded: Rate limit reached. Please try again in 11.5s",
                Some(Limit::Rate),
            ),
            (
                "You’ve hit your usage limit. Upgrade to Pro or try again later.",
                Some(Limit::Usage),
            ),
            (
                "Quota exceeded. Check your plan and billing details.",
                Some(Limit::Usage),
            ),
            (
                "unexpected status 503 Service Unavailable: overloaded, url: http://h/v1/responses",
                Some(Limit::Outage),
            ),
            (
                "Selected model is at capacity. Please try a different model.",
                Some(Limit::Outage),
            ),
            (
                "stream disconnected before completion: stream closed before response.completed",
                Some(Limit::Outage),
            ),
            (
                "We’re currently experiencing high demand, which may cause temporary errors.",
                Some(Limit::Outage),
            ),
            ("unexpected status 401 Unauthorized: bad key", None),
            ("{\"error\": {\"message\": \"usage limit 429\"}}", None),
            ("Missing environment variable: `KEY`.", None),
            ("", None),
        ] {
            assert_eq!(Limit::of(message), expected, "{message}");
        }
    }

    #[test]
    fn an_announced_pause_is_read_and_nothing_else_is_taken_for_one() {
        for (message, expected_ms) in [
            ("Please try again in 11.5s", Some(11_500)),
            ("try again in 28ms.", Some(28)),
            ("Try again in 1 hour 5 minutes.", Some(3_900_000)),
            (
                "try again in 2 days, 1 hour and 30 seconds",
                Some(176_430_000),
            ),
            ("try again in 7", None),
            ("try again in 3 parsecs", None),
            ("try again at 3:45 PM", None),
            ("try again in .", None),
            ("try again later", None),
        ] {
            let expected = expected_ms.map(Duration::from_millis);
            assert_eq!(retry_after(message), expected, "{message}");
        }
    }
}
