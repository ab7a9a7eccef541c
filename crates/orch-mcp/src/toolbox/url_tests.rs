//! Servers at an address, over streamable HTTP.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use orch_model::{Ask, ModelError, Provider as _, silent, unredacted};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::tests::Scripted;
use super::{McpSettings, Outfitter};

/// A variable that every test has, in place of a token's.
const VARIABLE: &str = "CARGO_PKG_NAME";

/// What it was told, and how it answers lists.
#[derive(Clone, Default)]
struct Server {
    tokens: Arc<Mutex<Vec<String>>>,
    pages: usize,
}

async fn respond(State(server): State<Server>, headers: HeaderMap, body: String) -> Response {
    let token = headers.get(header::AUTHORIZATION);
    let token = token.and_then(|token| token.to_str().ok()).unwrap_or("");
    server.tokens.lock().unwrap().push(token.to_owned());
    let request: Value = serde_json::from_str(&body).unwrap();
    let Some(id) = request.get("id") else {
        return StatusCode::ACCEPTED.into_response();
    };
    let tool =
        |name: &str| json!({"name": name, "description": "d", "inputSchema": {"type": "object"}});
    let result = match request["method"].as_str().unwrap() {
        "initialize" => json!({
            "protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
            "serverInfo": {"name": "there", "version": "1"},
        }),
        "tools/list" => {
            let page = request["params"]["cursor"].as_str().unwrap_or("0");
            let page: usize = page.parse().unwrap();
            let mut listed = json!({"tools": [tool(&format!("tool-{page}"))]});
            if page + 1 < server.pages {
                listed["nextCursor"] = json!((page + 1).to_string());
            }
            listed
        }
        "tools/call" => {
            let said = format!("{} was called", request["params"]["name"]);
            let result = json!({"content": [{"type": "text", "text": said}]});
            let message = json!({"jsonrpc": "2.0", "id": id, "result": result});
            let kind = [(header::CONTENT_TYPE, "text/event-stream")];
            return (kind, format!("event: message\ndata: {message}\n\n")).into_response();
        }
        other => panic!("{other}"),
    };
    let message = json!({"jsonrpc": "2.0", "id": id, "result": result});
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, message.to_string()).into_response()
}

async fn start(server: Server) -> SocketAddr {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new()
        .route("/mcp", post(respond))
        .with_state(server);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

async fn asked(address: SocketAddr, bearer: &str, tool: &str) -> Result<String, ModelError> {
    let text = format!(
        "version = 1\n[server.there]\nurl = 'http://{address}/mcp'\nbearer_env = '{bearer}'\ntimeout_seconds = 5\ntools = ['{tool}']\n"
    );
    let outfitter = Outfitter::new(McpSettings::parse("mcp.toml", &text).unwrap());
    let tools = outfitter.admit("r", &[format!("there/{tool}")]).unwrap();
    let calls = vec![("there__tool-1", "{}")];
    let model = outfitter.equip(Arc::new(Scripted::new(calls)), tools, &unredacted());
    let answer = model.ask(&Ask::new("", "hello"), &silent).await?;
    Ok(answer.text)
}

#[tokio::test]
async fn a_tool_at_an_address_is_found_on_a_later_page_and_called_with_the_token() {
    let server = Server {
        pages: 3,
        ..Server::default()
    };
    let address = start(server.clone()).await;
    let heard = asked(address, VARIABLE, "tool-1").await.unwrap();
    assert_eq!(heard, "\"tool-1\" was called");
    let tokens = server.tokens.lock().unwrap();
    assert!(!tokens.is_empty());
    let wanted = format!("Bearer {}", std::env::var(VARIABLE).unwrap());
    assert!(tokens.iter().all(|token| *token == wanted), "{tokens:?}");
}

#[tokio::test]
async fn an_address_that_lacks_the_tool_a_token_or_an_answer_fails_the_role() {
    let why = |asked: Result<String, ModelError>| asked.unwrap_err().to_string();
    // A list without an end is not read for ever.
    let address = start(Server {
        pages: usize::MAX,
        ..Server::default()
    })
    .await;
    let lacking = why(asked(address, VARIABLE, "tool-100").await);
    assert!(
        lacking.contains("it has no tool `tool-100`; it has tool-0, tool-1"),
        "{lacking}"
    );
    let unset = why(asked(address, "NO_SUCH_VARIABLE_IS_SET", "tool-1").await);
    assert!(
        unset.contains("`there`")
            && unset.contains("NO_SUCH_VARIABLE_IS_SET, which it needs, is not set"),
        "{unset}"
    );
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = nobody.local_addr().unwrap();
    drop(nobody);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let gone = why(asked(gone, VARIABLE, "tool-1").await);
    assert!(
        gone.contains("the tools of the server `there` cannot be used"),
        "{gone}"
    );
}
