//! When a limit lifts: `Retry-After` and what providers say beside it.
//!
//! Dates are held against the answer's own `Date`, so that a clock that goes wrong here costs nothing.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::Value;

use super::models::Now;

/// Nobody waits longer; whoever asks for more is told this.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// What an answer says about waiting.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// Until it may be asked again.
    pub(super) again: Option<Duration>,
    /// Until a usage limit lifts.
    pub(super) lifts: Option<Duration>,
}

impl Waits {
    pub(super) fn read(headers: &HeaderMap, error: &Value, said: &str, now: &Now) -> Self {
        let here = || {
            text(headers, DATE.as_str())
                .and_then(http_date)
                .unwrap_or_else(|| now())
        };
        let asked = text(headers, "retry-after-ms")
            .and_then(millis)
            .or_else(|| retry_after(text(headers, RETRY_AFTER.as_str())?, &here));
        let body = || {
            let seconds = |name: &str| error.get(name).and_then(Value::as_f64);
            seconds("resets_in_seconds")
                .and_then(bounded)
                .or_else(|| until(seconds("resets_at")?, &here))
        };
        let unified = || {
            let at = text(headers, "anthropic-ratelimit-unified-reset")?;
            match at.parse::<f64>() {
                Ok(at) => until(at, &here),
                Err(_) => wait(at.parse().ok()?, &here),
            }
        };
        let codex = || {
            let told = text(headers, "x-codex-primary-reset-after-seconds")?;
            bounded(told.parse().ok()?)
        };
        Self {
            again: asked
                .or_else(|| exhausted(headers, &here))
                .or_else(|| try_again_in(said)),
            lifts: body().or_else(unified).or(asked).or_else(codex),
        }
    }
}

/// Whether the headers say that what the account may use is used up.
pub(super) fn is_used_up(headers: &HeaderMap) -> bool {
    text(headers, "anthropic-ratelimit-unified-status") == Some("rejected")
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// However much is told, it is no more than anybody waits.
fn bounded(seconds: f64) -> Option<Duration> {
    (seconds >= 0.0)
        .then(|| Duration::try_from_secs_f64(seconds).map_or(LONGEST, |wait| wait.min(LONGEST)))
}

fn millis(text: &str) -> Option<Duration> {
    bounded(text.parse::<f64>().ok()? / 1000.0)
}

fn retry_after(text: &str, here: &dyn Fn() -> Timestamp) -> Option<Duration> {
    match text.parse::<f64>() {
        Ok(seconds) => bounded(seconds),
        Err(_) if is_never(text) => Some(LONGEST),
        Err(_) => wait(http_date(text)?, here),
    }
}

/// The last day of the last year that has four digits, which is not over anywhere before the next one begins, is how
/// some say never.
fn is_never(text: &str) -> bool {
    text.contains(" 9999 ")
}

/// A date in one of the three forms of RFC 9110, 5.6.7.
fn http_date(text: &str) -> Option<Timestamp> {
    if let Ok(at) = DateTimeParser::new().parse_timestamp(text) {
        return Some(at);
    }
    // The days of the week are not held against the dates: nothing hangs on them.
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .iter()
        .find_map(|form| {
            let at = jiff::fmt::strtime::parse(form, text).ok()?;
            let at = at.to_datetime().ok()?;
            at.to_zoned(jiff::tz::TimeZone::UTC).ok()
        })
        .map(|at| at.timestamp())
}

fn wait(until: Timestamp, here: &dyn Fn() -> Timestamp) -> Option<Duration> {
    let wait = Duration::try_from(until.duration_since(here())).unwrap_or(Duration::ZERO);
    Some(wait.min(LONGEST))
}

/// Until a second since 1970.
fn until(second: f64, here: &dyn Fn() -> Timestamp) -> Option<Duration> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the cast saturates, and what is no date is refused next"
    )]
    let second = second as i64;
    wait(Timestamp::from_second(second).ok()?, here)
}

/// Until the last of the allowances that are used up is filled again: `x-ratelimit-reset-*` of OpenAI,
/// `anthropic-ratelimit-*-reset` of Anthropic.
fn exhausted(headers: &HeaderMap, here: &dyn Fn() -> Timestamp) -> Option<Duration> {
    let openai = ["requests", "tokens"].into_iter().filter_map(|what| {
        let left = text(headers, &format!("x-ratelimit-remaining-{what}"))?;
        let reset = text(headers, &format!("x-ratelimit-reset-{what}"))?;
        (left == "0").then(|| span(reset)).flatten()
    });
    let anthropic = ["requests", "tokens", "input-tokens", "output-tokens"]
        .into_iter()
        .filter_map(|what| {
            let left = text(headers, &format!("anthropic-ratelimit-{what}-remaining"))?;
            let reset = text(headers, &format!("anthropic-ratelimit-{what}-reset"))?;
            (left == "0")
                .then(|| wait(reset.parse().ok()?, here))
                .flatten()
        });
    openai.chain(anthropic).max()
}

/// `try again in 11.5s`, as OpenAI's messages say.
fn try_again_in(said: &str) -> Option<Duration> {
    let lower = said.to_lowercase();
    let (_, rest) = lower.split_once("try again in ")?;
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .unwrap_or(rest.len());
    span(rest[..end].trim_end_matches('.'))
}

/// `1h6m0.5s`, `250ms`.
fn span(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let tail = &rest[digits..];
        let letters = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        seconds += number
            * match &tail[..letters] {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3_600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &tail[letters..];
    }
    bounded(seconds)
}
