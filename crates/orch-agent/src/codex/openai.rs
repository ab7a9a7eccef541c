//! Asking an OpenAI-compatible server for a plan (`POST /chat/completions`).
//!
//! Answers are read up to a bound, redirects are not followed (the key goes where it was meant to
//! go), and the key stands in no message.

use std::time::Duration;

use orch_core::{plan::parse_llm_plan, recipe::Step};
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{HeaderMap, RETRY_AFTER},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::{FallbackFailure, OpenAiSetup, PlannerSetup, client::client_for, error::chain};

const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;
const MAX_SAID_CHARACTERS: usize = 300;
const ATTEMPTS: u32 = 4;
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// Asks for a plan, waiting where the server is overloaded, as long as planning may take.
pub(super) async fn ask(
    server: &OpenAiSetup,
    setup: &PlannerSetup,
    prompt: &str,
) -> Result<Vec<Step>, FallbackFailure> {
    let url = endpoint(&server.base_url)?;
    let client = client(&url)?;
    let deadline = Instant::now() + setup.timeout;
    let mut last = "no answer".to_owned();
    let asking = async {
        let mut pause = setup.error_backoff;
        for attempt in 1.. {
            let (failure, announced) = match once(&client, &url, server, prompt).await {
                Ok(steps) => return Ok(steps),
                Err(Refusal::Final(failure)) => return Err(failure),
                Err(Refusal::Passing { failure, after }) => (failure, after),
            };
            let wait = announced.unwrap_or(pause);
            let is_too_long = deadline.saturating_duration_since(Instant::now()) <= wait;
            if attempt == ATTEMPTS || is_too_long {
                return Err(failure);
            }
            last = failure.to_string();
            sleep(wait).await;
            pause *= 2;
        }
        unreachable!("invariant: the attempts end by returning")
    };
    let asked = timeout(setup.timeout, asking).await;
    asked.unwrap_or_else(|_| {
        Err(FallbackFailure::TimedOut {
            url: url.to_string(),
            after: setup.timeout,
            last,
        })
    })
}

/// Whether it helps to ask again.
enum Refusal {
    Final(FallbackFailure),
    Passing {
        failure: FallbackFailure,
        after: Option<Duration>,
    },
}

async fn once(
    client: &Client,
    url: &Url,
    server: &OpenAiSetup,
    prompt: &str,
) -> Result<Vec<Step>, Refusal> {
    let body = json!({
        "model": server.model,
        "messages": [{"role": "user", "content": prompt}],
    });
    let request = client.post(url.clone()).bearer_auth(&server.api_key);
    let sent = request.json(&body).send().await;
    let response = sent.map_err(|error| unreachable_server(url, &error))?;
    let status = response.status();
    let after = retry_after(response.headers());
    let body = read(response, url).await?;
    if !status.is_success() {
        let failure = FallbackFailure::Refused {
            url: url.to_string(),
            status: status.as_u16(),
            message: said(&body),
        };
        let is_passing = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
        return Err(match is_passing {
            true => Refusal::Passing { failure, after },
            false => Refusal::Final(failure),
        });
    }
    let content = content(&body).map_err(|reason| {
        Refusal::Final(FallbackFailure::NotACompletion {
            url: url.to_string(),
            reason,
        })
    })?;
    parse_llm_plan(&content).map_err(|error| Refusal::Final(FallbackFailure::Answer(error)))
}

fn endpoint(base_url: &str) -> Result<Url, FallbackFailure> {
    let text = format!("{}/chat/completions", base_url.trim_end_matches('/'));
    let refused = |reason: String| FallbackFailure::Request {
        url: text.clone(),
        reason,
    };
    let url =
        Url::parse(&text).map_err(|error| refused(format!("{error} (ORCH_OPENAI_BASE_URL)")))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(refused(format!(
            "ORCH_OPENAI_BASE_URL begins with {scheme}:, expected http: or https:"
        ))),
    }
}

fn client(url: &Url) -> Result<Client, FallbackFailure> {
    let builder = client_for(url)
        .connect_timeout(CONNECT_TIME)
        .user_agent(concat!("codex-orchestrator/", env!("CARGO_PKG_VERSION")));
    builder.build().map_err(|error| FallbackFailure::Request {
        url: url.to_string(),
        reason: chain(&error),
    })
}

fn unreachable_server(url: &Url, error: &reqwest::Error) -> Refusal {
    let failure = FallbackFailure::Unreachable {
        url: url.to_string(),
        reason: chain(error),
    };
    Refusal::Passing {
        failure,
        after: None,
    }
}

async fn read(mut response: Response, url: &Url) -> Result<Vec<u8>, Refusal> {
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await;
        match chunk.map_err(|error| unreachable_server(url, &error))? {
            Some(chunk) if body.len() + chunk.len() <= MAX_RESPONSE_BYTES => {
                body.extend_from_slice(&chunk);
            }
            Some(_) => {
                return Err(Refusal::Final(FallbackFailure::NotACompletion {
                    url: url.to_string(),
                    reason: format!("it is longer than {MAX_RESPONSE_BYTES} bytes"),
                }));
            }
            None => return Ok(body),
        }
    }
}

/// Whole seconds; a date is left out, since the server's clock may be another.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// The message of an error response, else how its body begins.
fn said(body: &[u8]) -> String {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let message = parsed.and_then(|value| Some(value["error"]["message"].as_str()?.to_owned()));
    let text = message.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars()
        .filter(|character| !character.is_control())
        .take(MAX_SAID_CHARACTERS)
        .collect()
}

/// The text of the first choice.
fn content(body: &[u8]) -> Result<String, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let message = &value["choices"][0]["message"];
    match message["content"].as_str() {
        Some(content) => Ok(content.to_owned()),
        None => Err(match message["refusal"].as_str() {
            Some(refusal) => format!("the model refused: {}", said(refusal.as_bytes())),
            None => "it has no choices[0].message.content".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_follows_the_base_url() {
        let url = |base| endpoint(base).map(|url| url.to_string());
        let expected = "https://api.openai.com/v1/chat/completions";
        assert_eq!(url("https://api.openai.com/v1").unwrap(), expected);
        assert_eq!(url("https://api.openai.com/v1/").unwrap(), expected);
        let refusal = url("file:///etc").unwrap_err().to_string();
        assert!(refusal.contains("expected http: or https:"), "{refusal}");
        let refusal = url("api.openai.com").unwrap_err().to_string();
        assert!(refusal.contains("ORCH_OPENAI_BASE_URL"), "{refusal}");
    }

    #[test]
    fn the_first_choice_is_the_answer() {
        let of = |text: &str| content(text.as_bytes());
        assert_eq!(
            of(r#"{"choices":[{"message":{"role":"assistant","content":"[\"make\"]"}}]}"#),
            Ok("[\"make\"]".to_owned())
        );
        assert_eq!(
            of(r#"{"choices":[{"message":{"content":null,"refusal":"no\u001b way"}}]}"#),
            Err("the model refused: no way".to_owned())
        );
        assert_eq!(
            of(r#"{"choices":[]}"#),
            Err("it has no choices[0].message.content".to_owned())
        );
        assert!(of("<html>").is_err());
    }
}
