//! A small server in the test's process that says what it is told to.

use std::collections::HashSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Response, Uri};
use futures::stream::{self, Stream, StreamExt as _};
use orch_model::{Endpoint, HttpModel, HttpModels, Protocol};
use serde_json::Value;

/// What a request is answered.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    pieces: Vec<Vec<u8>>,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Close,
    /// The connection breaks.
    Break,
    /// Nothing comes any more.
    Hang,
    /// A comment every few milliseconds, for ever.
    Trickle,
}

impl Reply {
    pub fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type", kind.to_owned())],
            pieces: vec![body.into()],
            end: End::Close,
        }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// A stream of events, in pieces that end anywhere.
    pub fn events(events: &[Value]) -> Self {
        let text: String = events
            .iter()
            .map(|event| format!("data: {event}\n\n"))
            .collect();
        Self::raw_events(&text)
    }

    pub fn raw_events(text: &str) -> Self {
        Self {
            pieces: text.as_bytes().chunks(7).map(<[u8]>::to_vec).collect(),
            ..Self::new(200, "text/event-stream", "")
        }
    }

    /// Only the first part of it.
    pub fn cut_at(mut self, part: f64) -> Self {
        let pieces = self.pieces.len() as f64 * part;
        self.pieces.truncate(pieces as usize);
        self
    }

    /// Only its first events.
    pub fn only_events(mut self, events: usize) -> Self {
        let text = String::from_utf8(self.pieces.concat()).unwrap();
        let first: String = text.split_inclusive("\n\n").take(events).collect();
        self.pieces = vec![first.into_bytes()];
        self
    }

    /// Bytes of its body.
    pub fn len(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum()
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn then_break(self) -> Self {
        Self {
            end: End::Break,
            ..self
        }
    }

    pub fn then_hang(self) -> Self {
        Self {
            end: End::Hang,
            ..self
        }
    }

    pub fn then_trickle(self) -> Self {
        Self {
            end: End::Trickle,
            ..self
        }
    }

    fn response(self) -> Response<Body> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let pieces = stream::iter(self.pieces.into_iter().map(|piece| Ok(Bytes::from(piece))));
        type Rest = std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, std::io::Error>> + Send>>;
        let rest: Rest = match self.end {
            End::Close => Box::pin(stream::empty()),
            End::Break => Box::pin(stream::iter([Err(std::io::Error::other("broken"))])),
            End::Hang => Box::pin(stream::pending()),
            End::Trickle => Box::pin(stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(10)).await;
                Some((Ok(Bytes::from_static(b": still here\n\n")), ()))
            })),
        };
        response
            .body(Body::from_stream(pieces.chain(rest)))
            .unwrap()
    }
}

/// What a server was asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
    peer: SocketAddr,
}

pub struct Server {
    pub base: String,
    requests: Arc<Mutex<Vec<Request>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// The first request gets the first reply and so on; the last reply repeats.
    pub async fn with(replies: Vec<Reply>) -> Self {
        let given = Mutex::new(replies.into_iter());
        let last = Mutex::new(None::<Reply>);
        Self::answering(move |_| {
            let mut last = last.lock().unwrap();
            if let Some(next) = given.lock().unwrap().next() {
                *last = Some(next);
            }
            last.clone().unwrap()
        })
        .await
    }

    pub async fn answering(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (kept, reply) = (requests.clone(), Arc::new(reply));
        let handler = move |ConnectInfo(peer): ConnectInfo<SocketAddr>,
                            uri: Uri,
                            headers: HeaderMap,
                            body: Bytes| {
            let (kept, reply) = (kept.clone(), reply.clone());
            async move {
                let request = Request {
                    path: uri.path().to_owned(),
                    headers,
                    body: serde_json::from_slice(&body).unwrap_or(Value::Null),
                    peer,
                };
                let response = reply(&request).response();
                kept.lock().unwrap().push(request);
                Ok::<_, Infallible>(response)
            }
        };
        let app = Router::new()
            .fallback(handler)
            .layer(axum::extract::DefaultBodyLimit::disable())
            .into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move {
            axum::serve(listener, app).await.unwrap();
        });
        Self {
            base,
            requests,
            task,
        }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub fn paths(&self) -> Vec<String> {
        self.requests()
            .into_iter()
            .map(|request| request.path)
            .collect()
    }

    /// How many connections brought the requests.
    pub fn connections(&self) -> usize {
        let peers: HashSet<SocketAddr> =
            self.requests().iter().map(|request| request.peer).collect();
        peers.len()
    }

    pub fn model(&self, protocol: Protocol) -> HttpModel {
        model_at(
            &self.base,
            protocol,
            Duration::from_secs(30),
            Duration::from_secs(20),
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub const KEY: &str = "sk-not-to-be-seen";

pub fn model_at(base: &str, protocol: Protocol, timeout: Duration, idle: Duration) -> HttpModel {
    let mut endpoint = Endpoint::new(protocol, base, "m-1", Some(KEY.to_owned())).unwrap();
    endpoint.timeout = timeout;
    endpoint.idle = idle;
    let now = Arc::new(|| jiff::Timestamp::from_second(1_700_000_000).unwrap());
    HttpModels::new(now).at(endpoint).unwrap()
}
