//! One model at one address.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder};
use tokio::time::{Instant, timeout_at};

use super::models::Now;
use super::{judge, read};
use crate::wire::{Wire, Wish, Wishes};
use crate::{Answer, Ask, Asking, Deltas, Endpoint, ModelError, Protocol, Provider, said};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// A model behind HTTP. Asks once for each [`Provider::ask`], but for what a server says it does not know:
/// the Responses API, a temperature, and the like are then left out and not asked for again.
pub struct HttpModel {
    client: Client,
    endpoint: Endpoint,
    now: Now,
    /// Learnt: the address answers Chat Completions alone.
    chat_alone: AtomicBool,
    /// Learnt: what this model does not refuse.
    wishes: AtomicU8,
}

impl HttpModel {
    pub(super) fn new(client: Client, endpoint: Endpoint, now: Now) -> Self {
        Self {
            client,
            endpoint,
            now,
            chat_alone: AtomicBool::new(false),
            wishes: AtomicU8::new(Wishes::default().bits()),
        }
    }

    async fn asked(&self, ask: &Ask, deltas: Deltas<'_>) -> Result<Answer, ModelError> {
        let wire = match self.endpoint.protocol {
            Protocol::Responses => Wire::Responses,
            Protocol::Chat => Wire::Chat,
            Protocol::Messages => Wire::Messages,
            Protocol::ResponsesElseChat => return self.by_either(ask, deltas).await,
        };
        self.by(wire, ask, deltas).await
    }

    async fn by_either(&self, ask: &Ask, deltas: Deltas<'_>) -> Result<Answer, ModelError> {
        if self.chat_alone.load(Ordering::Relaxed) {
            return self.by(Wire::Chat, ask, deltas).await;
        }
        match self.by(Wire::Responses, ask, deltas).await {
            Err(first) if first.is_unknown_endpoint() => {
                match self.by(Wire::Chat, ask, deltas).await {
                    // It knows neither: a wrong address or model, in the words of the first.
                    Err(second) if second.is_unknown_endpoint() => Err(first),
                    Err(second) => Err(second),
                    Ok(answer) => {
                        self.chat_alone.store(true, Ordering::Relaxed);
                        tracing::info!(
                            model.name = %self.endpoint.model,
                            "the model's address knows no Responses API: it is asked by Chat Completions"
                        );
                        Ok(answer)
                    }
                }
            }
            answered => answered,
        }
    }

    async fn by(&self, wire: Wire, ask: &Ask, deltas: Deltas<'_>) -> Result<Answer, ModelError> {
        let mut wishes = Wishes::from_bits(self.wishes.load(Ordering::Relaxed)).of(ask, wire);
        let mut refused = Vec::new();
        loop {
            match self.once(wire, ask, wishes, deltas).await {
                Err(ModelError::Refused {
                    status: 400 | 422,
                    said,
                    ..
                }) if let Some(wish) = wishes.named_in(&said) => {
                    wishes = wishes.without(wish);
                    refused.push(wish);
                }
                Ok(answer) => {
                    // One schema that is refused says nothing of the next.
                    for wish in refused.into_iter().filter(|wish| *wish != Wish::Schema) {
                        let rest = Wishes::default().without(wish).bits();
                        self.wishes.fetch_and(rest, Ordering::Relaxed);
                    }
                    return Ok(answer);
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn once(
        &self,
        wire: Wire,
        ask: &Ask,
        wishes: Wishes,
        deltas: Deltas<'_>,
    ) -> Result<Answer, ModelError> {
        let begun = Instant::now();
        let patience = read::Limits {
            place: self.endpoint.place(),
            key: self.endpoint.key(),
            idle: self.endpoint.idle,
            whole: self.endpoint.timeout,
            ends: begun + self.endpoint.timeout,
        };
        let body = wire.body(&self.endpoint.model, ask, wishes);
        let request = self
            .client
            .post(self.endpoint.url(wire.path()))
            .header(ACCEPT, "text/event-stream, application/json")
            .json(&body);
        let request = self.with_key(wire, request);
        let sending = request.send();
        let (until, limit) = patience.next();
        let response = match timeout_at(until, sending).await {
            Err(_) => return Err(patience.timed_out(limit)),
            Ok(Err(error)) => return Err(self.unreachable(error)),
            Ok(Ok(response)) => response,
        };
        let status = response.status();
        let answered = match status.is_success() {
            true => read::answer(response, wire, &patience, deltas).await,
            false => {
                let headers = response.headers().clone();
                let told = read::error_body(response, &patience).await;
                Err(read::Unread::Failed(judge::Failure {
                    status: status.as_u16(),
                    headers,
                    told,
                }))
            }
        };
        match answered {
            Ok(mut answer) => {
                self.endpoint.model.clone_into(&mut answer.model);
                tracing::debug!(
                    model.name = %self.endpoint.model,
                    model.latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                    model.input_tokens = answer.usage.input_tokens,
                    model.output_tokens = answer.usage.output_tokens,
                    "a model answered"
                );
                Ok(answer)
            }
            Err(read::Unread::Error(error)) => Err(error),
            Err(read::Unread::Failed(failure)) => {
                Err(failure.judge(patience.place, self.endpoint.key(), &self.now))
            }
        }
    }

    fn with_key(&self, wire: Wire, request: RequestBuilder) -> RequestBuilder {
        let secret = |text: &str| {
            HeaderValue::from_str(text).ok().map(|mut value| {
                value.set_sensitive(true);
                value
            })
        };
        let key = self.endpoint.key();
        match wire {
            Wire::Responses | Wire::Chat => {
                match key.and_then(|key| secret(&format!("Bearer {key}"))) {
                    Some(value) => request.header(AUTHORIZATION, value),
                    None => request,
                }
            }
            Wire::Messages => {
                let request = request.header(ANTHROPIC_VERSION, "2023-06-01");
                match key.and_then(secret) {
                    Some(value) => request.header(API_KEY, value),
                    None => request,
                }
            }
        }
    }

    fn unreachable(&self, error: reqwest::Error) -> ModelError {
        ModelError::Unreachable {
            place: self.endpoint.place(),
            why: said::chain(&error.without_url()),
        }
    }
}

impl Provider for HttpModel {
    fn model(&self) -> &str {
        &self.endpoint.model
    }

    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a> {
        Box::pin(self.asked(ask, deltas))
    }
}

impl fmt::Debug for HttpModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpModel")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}
