//! Models without a network, a journal without a disk, and what every test does with them.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use orch_model::{
    Answer, Ask, Asking, Deltas, Exchange, Journal, Keeping, ModelError, Provider, Recording, Usage,
};

/// Gives out answers in their order; the last one repeats.
#[derive(Debug)]
pub struct Fake {
    name: String,
    outcomes: Mutex<VecDeque<Result<Answer, ModelError>>>,
    asks: Mutex<Vec<Ask>>,
}

impl Fake {
    pub fn new(name: &str, outcomes: Vec<Result<Answer, ModelError>>) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            outcomes: Mutex::new(outcomes.into()),
            asks: Mutex::default(),
        })
    }

    pub fn asks(&self) -> Vec<Ask> {
        self.asks.lock().unwrap().clone()
    }
}

impl Provider for Fake {
    fn model(&self) -> &str {
        &self.name
    }

    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a> {
        Box::pin(async move {
            self.asks.lock().unwrap().push(ask.clone());
            let mut outcomes = self.outcomes.lock().unwrap();
            let outcome = match outcomes.len() {
                1 => outcomes[0].clone(),
                _ => outcomes.pop_front().unwrap(),
            };
            let mut answer = outcome?;
            self.name.clone_into(&mut answer.model);
            deltas(&answer.text);
            Ok(answer)
        })
    }
}

pub fn said(text: &str) -> Answer {
    Answer {
        text: text.to_owned(),
        usage: Usage {
            input_tokens: 100,
            cached_tokens: 20,
            output_tokens: 30,
        },
        ..Answer::default()
    }
}

pub fn overloaded(after: Option<Duration>) -> ModelError {
    ModelError::Overloaded {
        place: "there".to_owned(),
        status: 503,
        said: String::new(),
        after,
    }
}

pub fn limited(after: Option<Duration>) -> ModelError {
    ModelError::UsageLimit {
        place: "there".to_owned(),
        said: String::new(),
        after,
    }
}

pub fn refused(status: u16) -> ModelError {
    ModelError::Refused {
        place: "there".to_owned(),
        status,
        said: String::new(),
    }
}

/// Keeps exchanges in memory.
#[derive(Default)]
pub struct Memory(pub Mutex<Vec<Exchange>>);

impl Memory {
    pub fn recording(&self) -> Recording {
        Recording(self.0.lock().unwrap().clone())
    }
}

impl Journal for Memory {
    fn keep(&self, exchange: Exchange) -> Keeping<'_> {
        self.0.lock().unwrap().push(exchange);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Asks and gathers what was shown on the way.
pub async fn ask_seen(model: &dyn Provider, ask: &Ask) -> (Result<Answer, ModelError>, String) {
    let seen = Mutex::new(String::new());
    let show = |piece: &str| seen.lock().unwrap().push_str(piece);
    let outcome = in_time(model.ask(ask, &show)).await;
    (outcome, seen.into_inner().unwrap())
}

pub async fn ask(model: &dyn Provider) -> Result<Answer, ModelError> {
    ask_seen(model, &Ask::new("be brief", "hello")).await.0
}

/// No test waits for ever.
pub async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(100), work)
        .await
        .expect("the test takes too long")
}
