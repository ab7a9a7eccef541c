//! A model provider that answers by a script: OpenAI's Responses API as a stream of events, and chat
//! completions.
//!
//! Stands in for the provider, so that the real Codex CLI works for real in tests: each request gets
//! the script's next reply, and the last one repeats. Records what it is asked. Take it into a test
//! with `#[path = "…/tests/support/scripted_model.rs"] mod scripted_model;`.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// The name under which Codex knows the model.
pub const MODEL: &str = "scripted-1";

/// The variable that Codex reads the provider's key from.
pub const KEY_VARIABLE: &str = "SCRIPTED_KEY";

/// What each answered request of the Responses API is said to have cost.
pub const INPUT_TOKENS: u64 = 1000;
/// Of these, from the cache.
pub const CACHED_TOKENS: u64 = 200;
/// See [`INPUT_TOKENS`].
pub const OUTPUT_TOKENS: u64 = 50;
/// Of these, reasoning.
pub const REASONING_TOKENS: u64 = 10;

/// The answer to one request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A message, which ends Codex's turn.
    Say(String),
    /// A summary of thoughts, and then a message.
    Think(String, String),
    /// A shell command for Codex to run.
    Run(String),
    /// A tool of an MCP server for Codex to call: the server's name, the tool's, and its arguments.
    Call(&'static str, &'static str, Value),
    /// A patch for Codex to apply, in its `*** Begin Patch` format.
    Patch(String),
    /// An HTTP error, with seconds for `Retry-After`.
    Status(u16, Option<u64>, String),
    /// An error within the stream: code and message.
    Fail(String, String),
    /// A stream that breaks off.
    BreakOff,
    /// A raw body with status 200.
    Raw(Vec<u8>),
    /// No answer at all.
    Hang,
}

impl Reply {
    /// A message.
    pub fn say(text: &str) -> Self {
        Self::Say(text.to_owned())
    }

    /// A command.
    pub fn run(command: &str) -> Self {
        Self::Run(command.to_owned())
    }

    /// An HTTP error without more.
    pub fn status(status: u16) -> Self {
        Self::Status(status, None, "scripted error".to_owned())
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its path.
    pub path: String,
    /// Its `Authorization` header.
    pub authorization: Option<String>,
    /// Its body; null where it is no JSON.
    pub body: Value,
}

/// The server; it ends when this is dropped.
pub struct ScriptedModel {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    server: JoinHandle<()>,
}

struct Script {
    replies: Vec<Reply>,
    requests: Vec<Recorded>,
    /// How many requests there are.
    count: watch::Sender<usize>,
}

type Shared = Arc<Mutex<Script>>;

impl ScriptedModel {
    /// Starts a server on a free port of the loopback interface.
    pub async fn start(replies: impl Into<Vec<Reply>>) -> Self {
        let replies = replies.into();
        assert!(!replies.is_empty(), "a script has at least one reply");
        let script = Arc::new(Mutex::new(Script {
            replies,
            requests: Vec::new(),
            count: watch::Sender::new(0),
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let routes = Router::new()
            .route("/v1/responses", post(respond))
            .route("/v1/chat/completions", post(respond))
            .layer(DefaultBodyLimit::max(64 * 1024 * 1024))
            .with_state(Arc::clone(&script));
        let server = tokio::spawn(async move {
            axum::serve(listener, routes).await.expect("serving");
        });
        Self {
            address,
            script,
            server,
        }
    }

    /// The address up to and with `/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// All requests up to now.
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.script).requests.clone()
    }

    /// Waits until so many requests have come.
    pub async fn asked(&self, times: usize) {
        let mut count = lock(&self.script).count.subscribe();
        let enough = count.wait_for(|count| *count >= times).await;
        enough.expect("the script is kept");
    }

    /// Writes a `config.toml` and a model catalog into `home`, with which the Codex CLI `bin` uses
    /// this server; the key is read from [`KEY_VARIABLE`]. Blocks.
    pub fn configure_codex(&self, bin: &Path, home: &Path) {
        fs::create_dir_all(home).expect("making a Codex home");
        let catalog = home.join("models.json");
        fs::write(&catalog, model_catalog(bin, home).to_string()).expect("writing the catalog");
        let config = format!(
            r#"model = "{MODEL}"
model_provider = "scripted"
model_catalog_json = "{}"
approval_policy = "never"

[model_providers.scripted]
name = "scripted"
base_url = "{}"
env_key = "{KEY_VARIABLE}"
wire_api = "responses"
supports_websockets = false
request_max_retries = 0
stream_max_retries = 0
"#,
            catalog.display(),
            self.base_url()
        );
        fs::write(home.join("config.toml"), config).expect("writing the configuration");
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The Codex CLI that `make test` installs: `CODEX_BIN`, else the one in the cache.
pub fn codex_bin() -> PathBuf {
    let in_cache = || cache_folder().join("codex/node_modules/.bin/codex");
    let bin = variable("CODEX_BIN").unwrap_or_else(in_cache);
    assert!(
        bin.is_file(),
        "the Codex CLI is missing at {}: `make test` installs it, or set CODEX_BIN",
        bin.display()
    );
    bin
}

/// Where tests keep folders that Codex works in: not among temporary files, which it refuses.
pub fn scratch_folder() -> PathBuf {
    let folder = cache_folder().join("scratch");
    fs::create_dir_all(&folder).expect("making a folder in the cache");
    folder
}

fn cache_folder() -> PathBuf {
    let in_home = || Some(variable("HOME")?.join(".cache"));
    let cache = variable("XDG_CACHE_HOME").or_else(in_home);
    cache.expect("HOME is set").join("codex-orchestrator")
}

fn variable(name: &str) -> Option<PathBuf> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty());
    value.map(PathBuf::from)
}

/// One model of Codex's own catalog, under our name: without it Codex offers no `apply_patch`.
fn model_catalog(bin: &Path, home: &Path) -> Value {
    let output = Command::new(bin)
        .args(["debug", "models"])
        .env("CODEX_HOME", home)
        .output()
        .expect("running codex debug models");
    let mut catalog: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let stderr = String::from_utf8_lossy(&output.stderr);
        panic!("codex debug models printed no catalog ({error}): {stderr}")
    });
    let mut model = catalog["models"][0].take();
    model["slug"] = MODEL.into();
    model["display_name"] = MODEL.into();
    json!({ "models": [model] })
}

fn lock(script: &Shared) -> MutexGuard<'_, Script> {
    script.lock().expect("no reply panics")
}

async fn respond(
    State(script): State<Shared>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let authorization = headers.get(header::AUTHORIZATION);
    let recorded = Recorded {
        path: uri.path().to_owned(),
        authorization: authorization.and_then(|value| Some(value.to_str().ok()?.to_owned())),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let (reply, number) = {
        let mut script = lock(&script);
        let number = script.requests.len();
        script.requests.push(recorded);
        script.count.send_replace(number + 1);
        let last = script.replies.len() - 1;
        (script.replies[number.min(last)].clone(), number)
    };
    match reply {
        Reply::Status(status, retry_after, message) => refuse(status, retry_after, &message),
        Reply::Raw(body) => body.into_response(),
        Reply::Hang => std::future::pending().await,
        reply if uri.path().ends_with("/chat/completions") => completion(&reply),
        reply => stream(&reply, number),
    }
}

fn refuse(status: u16, retry_after: Option<u64>, message: &str) -> Response {
    let status = StatusCode::from_u16(status).expect("a valid status");
    let body = json!({ "error": { "message": message } }).to_string();
    let json_type = (header::CONTENT_TYPE, "application/json".to_owned());
    match retry_after {
        Some(seconds) => {
            let wait = (header::RETRY_AFTER, seconds.to_string());
            (status, [json_type, wait], body).into_response()
        }
        None => (status, [json_type], body).into_response(),
    }
}

fn completion(reply: &Reply) -> Response {
    let Reply::Say(text) = reply else {
        return refuse(501, None, "this reply has no form as a chat completion");
    };
    let message = json!({ "role": "assistant", "content": text });
    let choice = json!({ "index": 0, "finish_reason": "stop", "message": message });
    let body = json!({ "id": "c", "object": "chat.completion", "choices": [choice] });
    (
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

/// The events of one response. Codex takes whole items; pieces of text are for display alone.
fn stream(reply: &Reply, number: usize) -> Response {
    let id = format!("resp_{number}");
    let mut events = vec![json!({
        "type": "response.created",
        "response": { "id": id, "object": "response", "status": "in_progress" },
    })];
    let items = items(reply, number);
    for (index, item) in items.iter().enumerate() {
        events.push(json!({
            "type": "response.output_item.done", "output_index": index, "item": item,
        }));
    }
    match reply {
        Reply::BreakOff => {}
        Reply::Fail(code, message) => events.push(json!({
            "type": "response.failed",
            "response": { "id": id, "status": "failed", "error": { "code": code, "message": message } },
        })),
        _ => events.push(json!({
            "type": "response.completed",
            "response": {
                "id": id, "object": "response", "status": "completed", "output": items,
                "usage": {
                    "input_tokens": INPUT_TOKENS,
                    "input_tokens_details": { "cached_tokens": CACHED_TOKENS },
                    "output_tokens": OUTPUT_TOKENS,
                    "output_tokens_details": { "reasoning_tokens": REASONING_TOKENS },
                    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
                },
            },
        })),
    }
    let text: String = events
        .iter()
        .map(|event| {
            let name = event["type"].as_str().unwrap_or_default();
            format!("event: {name}\ndata: {event}\n\n")
        })
        .collect();
    ([(header::CONTENT_TYPE, "text/event-stream")], text).into_response()
}

fn items(reply: &Reply, number: usize) -> Vec<Value> {
    let id = |kind: &str| format!("{kind}_{number}");
    let message = |text: &str| {
        json!({
            "type": "message", "id": id("msg"), "role": "assistant", "status": "completed",
            "content": [{ "type": "output_text", "text": text, "annotations": [] }],
        })
    };
    match reply {
        Reply::Say(text) => vec![message(text)],
        Reply::Think(thought, text) => {
            let summary = [json!({ "type": "summary_text", "text": thought })];
            let reasoning = json!({
                "type": "reasoning", "id": id("rs"), "summary": summary, "encrypted_content": null,
            });
            vec![reasoning, message(text)]
        }
        Reply::Run(command) => {
            let arguments = json!({ "cmd": command, "yield_time_ms": 30_000 }).to_string();
            vec![json!({
                "type": "function_call", "id": id("fc"), "call_id": id("call"),
                "name": "exec_command", "arguments": arguments, "status": "completed",
            })]
        }
        Reply::Call(server, tool, arguments) => vec![json!({
            "type": "function_call", "id": id("fc"), "call_id": id("call"),
            "namespace": format!("mcp__{server}"), "name": tool, "arguments": arguments.to_string(),
            "status": "completed",
        })],
        Reply::Patch(patch) => vec![json!({
            "type": "custom_tool_call", "id": id("ctc"), "call_id": id("call"),
            "name": "apply_patch", "input": patch, "status": "completed",
        })],
        Reply::Fail(..) | Reply::BreakOff | Reply::Status(..) | Reply::Raw(_) | Reply::Hang => {
            Vec::new()
        }
    }
}
