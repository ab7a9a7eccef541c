//! What a failure is: something to ask again about, a limit to wait out, or a refusal.
//!
//! Goes by the status and the codes of OpenAI, Anthropic, Codex and the servers that imitate them; by words
//! only where a provider has no code for it.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::limits::{self, Waits};
use super::models::Now;
use crate::{ModelError, said};

/// An answer that says that there is none.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) told: Vec<u8>,
}

/// Codes of limits that lift with time or with payment, not by asking again.
const USED_UP: [&str; 9] = [
    "insufficient_quota",
    "usage_limit_reached",
    "usage_limit_exceeded",
    "usage_not_included",
    "billing_hard_limit_reached",
    "billing_not_active",
    "credit_balance_too_low",
    "quota_exceeded",
    "insufficient_credits",
];
/// Codes of a provider that has too much to do, as they come within an answer of status 200.
const BUSY: [&str; 11] = [
    "rate_limit_exceeded",
    "rate_limit_error",
    "tokens",
    "requests",
    "server_error",
    "internal_server_error",
    "api_error",
    "overloaded_error",
    "server_is_overloaded",
    "slow_down",
    "timeout_error",
];
/// What a 429 counts as where no status was sent.
const TOO_MANY: u16 = 429;

impl Failure {
    pub(super) fn judge(self, place: String, key: Option<&str>, now: &Now) -> ModelError {
        let told = Told::read(&self.told, key);
        // Gateways put the status of whom they asked into an answer of their own.
        let inner = told.error.get("code").and_then(Value::as_u64);
        let status = match (self.status, inner.and_then(|code| u16::try_from(code).ok())) {
            (200, Some(code @ 400..=599)) => code,
            (status, _) => status,
        };
        let waits = Waits::read(&self.headers, &told.error, &told.said, now);
        let is_used_up = told.has_code(&USED_UP)
            || status == 402
            || limits::is_used_up(&self.headers)
            // Anthropic has no code for it.
            || told.said.to_lowercase().contains("credit balance is too low");
        if is_used_up && matches!(status, 200 | 400 | 402 | 403 | TOO_MANY) {
            return ModelError::UsageLimit {
                place,
                said: told.said,
                after: waits.lifts,
            };
        }
        let overloaded =
            |status: u16, said: String, after: Option<Duration>| ModelError::Overloaded {
                place: place.clone(),
                status,
                said,
                after,
            };
        match status {
            200 if told.has_code(&BUSY[..4]) => overloaded(TOO_MANY, told.said, waits.again),
            200 if told.has_code(&BUSY) => overloaded(503, told.said, waits.again),
            408 | TOO_MANY | 500 | 502 | 503 | 504 | 520..=524 | 529 => {
                overloaded(status, told.said, waits.again)
            }
            status @ 300..=399 => ModelError::Refused {
                place,
                status,
                said: "it points elsewhere, which is not followed with a key: give the address it points to"
                    .to_owned(),
            },
            status => ModelError::Refused {
                place,
                status,
                said: told.said,
            },
        }
    }
}

/// The error within a body.
struct Told {
    /// The object that says more; null where there is none.
    error: Value,
    said: String,
}

impl Told {
    /// Takes `{"error": {"message"}}`, `{"error": "text"}`, `{"message"}`, `{"detail"}`, a list of one of
    /// these, HTML, plain text and nothing.
    fn read(bytes: &[u8], key: Option<&str>) -> Self {
        let (error, said) = match serde_json::from_slice::<Value>(bytes) {
            Ok(value) => {
                let value = match value {
                    Value::Array(mut parts) if !parts.is_empty() => parts.swap_remove(0),
                    other => other,
                };
                let inner = match value.get("error") {
                    Some(error) if !error.is_null() => error.clone(),
                    Some(_) | None => value,
                };
                let said = saying(&inner);
                (inner, said)
            }
            Err(_) => (Value::Null, plain(&String::from_utf8_lossy(bytes))),
        };
        let said = said::clean(&said, key);
        Self { error, said }
    }

    fn has_code(&self, codes: &[&str]) -> bool {
        ["code", "type", "status"]
            .iter()
            .filter_map(|field| self.error.get(field)?.as_str())
            .any(|code| codes.contains(&code))
    }
}

fn saying(error: &Value) -> String {
    if let Some(text) = error.as_str() {
        return text.to_owned();
    }
    let field = |name: &str| error.get(name).filter(|value| !value.is_null());
    let message = ["message", "detail", "msg", "title", "error_description"]
        .iter()
        .find_map(|name| field(name));
    let mut said = match message {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let code = ["code", "type"]
        .iter()
        .find_map(|name| field(name)?.as_str())
        .filter(|code| said.is_empty() && *code != "error");
    if let Some(code) = code {
        code.clone_into(&mut said);
    }
    // The parameter at fault, where the message does not say.
    if let Some(param) = field("param").and_then(Value::as_str)
        && !said.contains(param)
    {
        said.push_str(&format!(" ({param})"));
    }
    said
}

/// The title of a page, or the text as it is.
fn plain(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    if !lower.contains("<html") && !lower.contains("<!doctype") {
        return text.to_owned();
    }
    let title = || {
        let from = lower.find("<title>")? + "<title>".len();
        let to = from + lower[from..].find('<')?;
        text.get(from..to)
    };
    match title().map(str::trim) {
        Some(title) if !title.is_empty() => format!("a web page, {title:?}"),
        Some(_) | None => "a web page".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;

    fn judged(status: u16, headers: &[(&'static str, &str)], told: &str) -> ModelError {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (
                    name.parse::<reqwest::header::HeaderName>().unwrap(),
                    value.parse().unwrap(),
                )
            })
            .collect();
        let now: Now = Arc::new(|| Timestamp::from_second(1_700_000_000).unwrap());
        Failure {
            status,
            headers,
            told: told.as_bytes().to_vec(),
        }
        .judge("m".to_owned(), Some("sk-secret"), &now)
    }

    fn refused(status: u16, said: &str) -> ModelError {
        ModelError::Refused {
            place: "m".to_owned(),
            status,
            said: said.to_owned(),
        }
    }

    const MONTH_MS: u64 = 30 * 24 * 3600 * 1000;

    fn overloaded(status: u16, said: &str, after_ms: Option<u64>) -> ModelError {
        ModelError::Overloaded {
            place: "m".to_owned(),
            status,
            said: said.to_owned(),
            after: after_ms.map(Duration::from_millis),
        }
    }

    fn used_up(said: &str, after_s: Option<u64>) -> ModelError {
        ModelError::UsageLimit {
            place: "m".to_owned(),
            said: said.to_owned(),
            after: after_s.map(Duration::from_secs),
        }
    }

    #[test]
    fn errors_are_read_in_every_form() {
        for (told, said) in [
            (
                r#"{"error":{"message":"no\u001b[2J such model","code":"x"}}"#,
                "no [2J such model",
            ),
            (r#"{"error":"model 'x' not found"}"#, "model 'x' not found"),
            (r#"{"detail":"Not Found"}"#, "Not Found"),
            (r#"{"detail":[{"msg":"bad"}]}"#, r#"[{"msg":"bad"}]"#),
            (r#"{"message":"bad"}"#, "bad"),
            (
                r#"{"error":{"type":"invalid_request_error"}}"#,
                "invalid_request_error",
            ),
            (
                r#"{"error":{"message":"Unsupported parameter","param":"seed"}}"#,
                "Unsupported parameter (seed)",
            ),
            (r#"[{"error":{"message":"of a list"}}]"#, "of a list"),
            (
                "<!DOCTYPE html><html><head><TITLE> Not here </TITLE>",
                r#"a web page, "Not here""#,
            ),
            ("<html>", "a web page"),
            ("", ""),
            ("plain\ntext with sk-secret", "plain text with [key]"),
            ("5", ""),
            ("{\"error\":{\"mess", "{\"error\":{\"mess"),
        ] {
            assert_eq!(judged(404, &[], told), refused(404, said), "{told}");
        }
    }

    #[test]
    fn what_is_transient_says_when_to_come_again() {
        let told = r#"{"error":{"message":"slow","type":"rate_limit_error"}}"#;
        for (headers, after_ms) in [
            (vec![], None),
            (vec![("retry-after", "7")], Some(7_000)),
            (vec![("retry-after", "0.5")], Some(500)),
            (
                vec![("retry-after-ms", "250"), ("retry-after", "1")],
                Some(250),
            ),
            (
                vec![("retry-after", "Tue, 14 Nov 2023 22:13:50 GMT")],
                Some(30_000),
            ),
            (
                vec![
                    ("date", "Tue, 14 Nov 2023 22:13:45 GMT"),
                    ("retry-after", "Tue, 14 Nov 2023 22:13:50 GMT"),
                ],
                Some(5_000),
            ),
            (
                vec![("retry-after", "Sunday, 06-Nov-94 08:49:37 GMT")],
                Some(0),
            ),
            (vec![("retry-after", "-3")], None),
            (vec![("retry-after", "soon")], None),
            (vec![("retry-after", "1e300")], Some(MONTH_MS)),
            (
                vec![("retry-after", "99999999999999999999")],
                Some(MONTH_MS),
            ),
            (
                vec![("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")],
                Some(MONTH_MS),
            ),
            (vec![("retry-after", "NaN")], None),
            (
                vec![
                    ("anthropic-ratelimit-requests-remaining", "0"),
                    ("anthropic-ratelimit-requests-reset", "2023-11-14T22:13:32Z"),
                    ("anthropic-ratelimit-tokens-remaining", "5"),
                    ("anthropic-ratelimit-tokens-reset", "2023-11-14T23:00:00Z"),
                ],
                Some(12_000),
            ),
            (
                vec![
                    ("x-ratelimit-remaining-tokens", "0"),
                    ("x-ratelimit-reset-tokens", "1m30.5s"),
                ],
                Some(90_500),
            ),
        ] {
            assert_eq!(
                judged(429, &headers, told),
                overloaded(429, "slow", after_ms),
                "{headers:?}"
            );
        }
        let told = r#"{"error":{"message":"Please try again in 11.5s."}}"#;
        assert_eq!(
            judged(429, &[], told),
            overloaded(429, "Please try again in 11.5s.", Some(11_500))
        );
        for status in [408, 500, 502, 503, 504, 529] {
            assert_eq!(
                judged(status, &[("retry-after", "2")], ""),
                overloaded(status, "", Some(2_000))
            );
        }
    }

    #[test]
    fn a_usage_limit_is_told_from_a_rate_and_says_when_it_lifts() {
        let quota = r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#;
        assert_eq!(
            judged(429, &[], quota),
            used_up("You exceeded your current quota", None)
        );
        assert_eq!(
            judged(429, &[("retry-after", "60")], quota),
            used_up("You exceeded your current quota", Some(60))
        );
        let codex = r#"{"error":{"type":"usage_limit_reached","message":"hit","plan_type":"pro","resets_in_seconds":5400}}"#;
        assert_eq!(judged(429, &[], codex), used_up("hit", Some(5_400)));
        let at =
            r#"{"error":{"type":"usage_limit_reached","message":"hit","resets_at":1700000090}}"#;
        assert_eq!(judged(429, &[], at), used_up("hit", Some(90)));
        let rate = r#"{"type":"error","error":{"type":"rate_limit_error","message":"hit"}}"#;
        let unified = [
            ("anthropic-ratelimit-unified-status", "rejected"),
            ("anthropic-ratelimit-unified-reset", "1700003600"),
        ];
        assert_eq!(judged(429, &unified, rate), used_up("hit", Some(3_600)));
        let broke = r#"{"error":{"message":"Your credit balance is too low to access the API"}}"#;
        assert_eq!(
            judged(400, &[], broke),
            used_up("Your credit balance is too low to access the API", None)
        );
        assert_eq!(judged(402, &[], ""), used_up("", None));
    }

    #[test]
    fn failures_within_an_answer_are_judged_by_their_code() {
        let failed = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
        assert_eq!(
            judged(200, &[], &failed("rate_limit_exceeded")),
            overloaded(429, "m", None)
        );
        assert_eq!(
            judged(200, &[], &failed("server_error")),
            overloaded(503, "m", None)
        );
        assert_eq!(
            judged(200, &[], &failed("insufficient_quota")),
            used_up("m", None)
        );
        assert_eq!(
            judged(200, &[], &failed("context_length_exceeded")),
            refused(200, "m")
        );
        let gateway = |code: u16| {
            judged(
                200,
                &[],
                &format!(r#"{{"error":{{"code":{code},"message":"m"}}}}"#),
            )
        };
        assert_eq!(gateway(429), overloaded(429, "m", None));
        assert_eq!(gateway(402), used_up("m", None));
        assert_eq!(gateway(404), refused(404, "m"));
        assert_eq!(gateway(7), refused(200, "m"));
    }

    #[test]
    fn a_redirect_is_refused_without_repeating_where_it_points() {
        let error = judged(302, &[("location", "http://evil/?sk-secret")], "");
        assert!(error.to_string().contains("not followed") && !error.to_string().contains("evil"));
    }
}
