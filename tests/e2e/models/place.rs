//! An address at which models answer by a script, whatever protocol they are asked by.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// One answer.
#[derive(Clone, Debug)]
pub struct Say {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Say {
    fn json(value: &Value) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", "application/json".to_owned())],
            body: value.to_string().into_bytes(),
        }
    }

    /// As Chat Completions say it: 10 tokens in, 40 out.
    pub fn chat(text: &str) -> Self {
        Self::json(&json!({
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 40, "total_tokens": 50},
        }))
    }

    /// As the Messages API says it.
    pub fn message(text: &str) -> Self {
        Self::json(&json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "scripted", "stop_reason": "end_turn",
            "content": [{"type": "text", "text": text}], "usage": {"input_tokens": 7, "output_tokens": 3},
        }))
    }

    /// An error.
    pub fn status(status: u16, body: &Value) -> Self {
        Self {
            status,
            ..Self::json(body)
        }
    }

    /// With one more header.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// A body that is no protocol's.
    pub fn raw(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", content_type.to_owned())],
            body: body.into(),
        }
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Came {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
}

/// The address. The last answer of its script repeats.
pub struct Place {
    pub base: String,
    shared: Arc<Shared>,
}

struct Shared {
    script: Mutex<VecDeque<Say>>,
    came: Mutex<Vec<Came>>,
    /// Answers that may be given.
    doors: Semaphore,
}

impl Place {
    /// Answers at once.
    pub async fn open(script: Vec<Say>) -> Self {
        Self::with_doors(script, Semaphore::MAX_PERMITS).await
    }

    /// Answers nobody until it is opened.
    pub async fn shut(script: Vec<Say>) -> Self {
        Self::with_doors(script, 0).await
    }

    async fn with_doors(script: Vec<Say>, doors: usize) -> Self {
        let shared = Arc::new(Shared {
            script: Mutex::new(script.into()),
            came: Mutex::default(),
            doors: Semaphore::new(doors),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let routes = Router::new()
            .fallback(respond)
            .layer(DefaultBodyLimit::max(32 << 20))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { base, shared }
    }

    pub fn let_all_in(&self) {
        self.shared.doors.add_permits(1_000);
    }

    pub fn came(&self) -> Vec<Came> {
        self.shared.came.lock().unwrap().clone()
    }
}

async fn respond(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 32 << 20).await.unwrap();
    shared.came.lock().unwrap().push(Came {
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    });
    shared.doors.acquire().await.unwrap().forget();
    let say = {
        let mut script = shared.script.lock().unwrap();
        match script.len() {
            1 => script[0].clone(),
            _ => script.pop_front().expect("a script has an answer"),
        }
    };
    let mut response = Response::builder().status(say.status);
    for (name, value) in say.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(say.body)).unwrap()
}
