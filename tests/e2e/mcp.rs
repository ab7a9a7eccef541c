//! The Model Context Protocol: the platform's tools over standard input and output and over HTTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Instant;

use orch_api::proto::StartTaskRequest;
use orch_api::proto::agents_client::AgentsClient;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::codex::scripted_model::{KEY_VARIABLE, Reply, ScriptedModel, codex_bin, scratch_folder};
use crate::support::{Installation, answer};

const API_TOKEN: &str = "token-0123456789-abcdef";
const AGENTS: &str = "secret-0123456789-abcdef";
const ACCEPT: &str = "application/json, text/event-stream";

/// A client of `codex-orchestrator mcp`: every line that it reads must be a message of the protocol.
struct Talk {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    next: u64,
    /// What came that answers nothing.
    notices: Vec<Value>,
}

impl Talk {
    fn begin(server: &Installation, env: &[(&str, &str)]) -> Self {
        let mut child = server
            .command(&["mcp"])
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut talk = Self {
            child,
            input,
            output,
            next: 0,
            notices: Vec::new(),
        };
        let about = talk.ask(
            "initialize",
            json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}),
        );
        assert_eq!(
            about["result"]["serverInfo"]["name"], "codex-orchestrator",
            "{about}"
        );
        talk.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string());
        talk
    }

    fn send(&mut self, line: &str) {
        let input = self.input.as_mut().expect("it is open");
        writeln!(input, "{line}")
            .and_then(|()| input.flush())
            .expect("it reads");
    }

    /// The answer to a request.
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(
            &json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string(),
        );
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("it can be read");
            assert!(read > 0, "it ended while {method} was asked");
            let message: Value =
                serde_json::from_str(&line).unwrap_or_else(|_| panic!("no message: {line}"));
            assert_eq!(message["jsonrpc"], "2.0", "{line}");
            match message["id"] == id {
                true => return message,
                false => self.notices.push(message),
            }
        }
    }

    /// What a tool answers, also where that is an error.
    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        let result = &answer["result"];
        assert!(result.is_object(), "{tool}: {answer}");
        result.clone()
    }

    /// What a tool answers when it does well.
    fn done(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], false, "{tool}: {result}");
        result["structuredContent"].clone()
    }

    fn tools(&mut self) -> Vec<Value> {
        let listed = self.ask("tools/list", json!({}));
        listed["result"]["tools"]
            .as_array()
            .cloned()
            .expect("a list")
    }

    /// Closes its input; it must end by itself, and its output with it.
    fn end(mut self) {
        self.input = None;
        let mut rest = Vec::new();
        self.output.read_to_end(&mut rest).expect("it can be read");
        let status = self.child.wait().expect("it can be waited for");
        assert!(status.success(), "it ended with {status}");
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn id(thing: &Value) -> i64 {
    thing["id"]
        .as_i64()
        .unwrap_or_else(|| panic!("no id: {thing}"))
}

fn names(tools: &[Value]) -> Vec<&str> {
    tools
        .iter()
        .filter_map(|tool| tool["name"].as_str())
        .collect()
}

#[tokio::test]
async fn an_agent_creates_work_queues_it_and_reads_why_it_waits() {
    let server = Installation::serve();
    let mut talk = Talk::begin(&server, &[]);
    let tools = talk.tools();
    for tool in &tools {
        assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
    }
    assert!(
        names(&tools).contains(&"await_approval"),
        "{:?}",
        names(&tools)
    );

    let project = id(&talk.done("create_project", json!({"name": "shop"}))["project"]);
    let vision = "Users must be able to pay by card. The shop must answer within 200 ms.";
    talk.done(
        "submit_vision",
        json!({"project_id": project, "content": vision}),
    );
    let proposed = talk.done("propose_requirements", json!({"project_id": project}));
    assert_eq!(proposed["requirements"]["status"], "proposed");
    let new = json!({"project_id": project, "title": "Deploy the shop", "kind": "infra", "description": "as agreed"});
    let item = talk.done("create_work_item", new)["work_item"].clone();
    assert_eq!(
        (&item["kind"], &item["state"]),
        (&json!("infra"), &json!("Proposed"))
    );
    let item = id(&item);
    let new = json!({"project_id": project, "title": "once", "idempotency_key": "once-1"});
    let once = talk.done("create_work_item", new.clone());
    assert_eq!(talk.done("create_work_item", new.clone()), once);
    let mut other = new.clone();
    other["title"] = json!("another");
    let refused = talk.call("create_work_item", other);
    assert!(
        refused.to_string().contains("used for another request"),
        "{refused}"
    );
    let wrong = talk.call(
        "create_work_item",
        json!({"project_id": project, "title": "x", "idempotency_key": "a b"}),
    );
    assert!(wrong.to_string().contains("visible ASCII"), "{wrong}");
    talk.done(
        "set_recipe",
        json!({"work_item_id": item, "yaml": "steps: [id]"}),
    );
    let entry = talk.done("enqueue_work_item", json!({"work_item_id": item}))["entry"].clone();
    assert_eq!(entry["work_item_id"], item);
    talk.done(
        "request_approval",
        json!({"work_item_id": item, "reason": "it deploys"}),
    );
    let queue = talk.done("read_queue", json!({"project_id": project}));
    assert_eq!(
        queue["entries"][0]["why_not_running"][0]["code"], "approval_pending",
        "{queue}"
    );
    let pending = talk.done("list_pending", json!({}));
    assert_eq!(pending["approvals"][0]["work_item_id"], item);

    let waiting = json!({"name": "await_approval", "arguments": {"work_item_id": item, "wait_seconds": 1}, "_meta": {"progressToken": "p1"}});
    let waited = talk.ask("tools/call", waiting)["result"]["structuredContent"].clone();
    assert_eq!(
        (&waited["decided"], &waited["approved"]),
        (&json!(false), &json!(false))
    );
    let progress = talk
        .notices
        .iter()
        .find(|notice| notice["method"] == "notifications/progress");
    assert_eq!(
        progress.expect("a sign of life")["params"]["progressToken"],
        "p1"
    );
    let approval = id(&server.get(&format!("/work-items/{item}/approvals")).await[0]);
    server
        .post(
            &format!("/work-items/approvals/{approval}/approve"),
            json!({}),
        )
        .await;
    let waited = talk.done("await_approval", json!({"approval_id": approval}));
    assert_eq!(
        (&waited["decided"], &waited["approved"]),
        (&json!(true), &json!(true))
    );

    let context = talk.done("read_context", json!({"work_item_id": item}));
    assert_eq!(context["project"]["name"], "shop");
    assert_eq!(context["vision"]["content"], vision);
    assert!(
        context["requirements"]["items"]
            .to_string()
            .contains("pay by card"),
        "{context}"
    );
    let listed = talk.done("list_work_items", json!({"project_id": project}));
    let titles: Vec<&Value> = listed["work_items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["title"])
        .collect();
    assert_eq!(titles, ["once", "Deploy the shop"]);
    let resource = format!("orch://projects/{project}/requirements");
    let read = talk.ask("resources/read", json!({"uri": resource}));
    assert!(
        read["result"]["contents"][0]["text"]
            .to_string()
            .contains("pay by card"),
        "{read}"
    );
    let listed = talk.ask("resources/list", json!({}));
    assert!(listed.to_string().contains(&resource), "{listed}");
    talk.end();
}

#[tokio::test]
async fn a_run_asks_is_answered_and_its_log_is_read_within_bounds() {
    let server = Installation::serve();
    let project = server.project().await;
    let item = server.item(project, "talks").await;
    let run = id(&server
        .post(&format!("/work-items/{item}/start"), json!({}))
        .await);
    let long = "0123456789".repeat(800);
    let lines: Vec<&str> = vec![&long; 100];
    server
        .post(
            &format!("/work-items/runs/{run}/logs"),
            json!({"lines": lines}),
        )
        .await;
    let mut talk = Talk::begin(&server, &[]);
    let log = talk.call("read_log", json!({"run_id": run, "tail": 1000}));
    assert!(log.to_string().len() < 200_000, "{}", log.to_string().len());
    assert!(log["structuredContent"]["left_out"].as_u64().unwrap() > 0);
    let step = talk.done(
        "step_complete",
        json!({"run_id": run, "name": "build", "exit_code": 0, "detail": {"tests": 3}}),
    );
    assert_eq!(
        (&step["step"]["name"], &step["step"]["status"]),
        (&json!("build"), &json!("succeeded"))
    );
    let fields = json!([{"key": "REGION", "type": "choice", "options": ["eu", "us"], "secret": false}, {"key": "TOKEN"}]);
    let asked = talk.done(
        "request_info",
        json!({"run_id": run, "prompt": "Where to?", "fields": fields}),
    );
    let asked = id(&asked["info_request"]);
    let waited = talk.done(
        "await_answer",
        json!({"info_request_id": asked, "wait_seconds": 0}),
    );
    assert_eq!(waited["answered"], false);
    let values = json!({"values": {"REGION": "eu", "TOKEN": "hush-hush-hush"}});
    server
        .post(
            &format!("/work-items/runs/info-requests/{asked}/respond"),
            values,
        )
        .await;
    let waited = talk.done("await_answer", json!({"info_request_id": asked}));
    assert_eq!(waited["answered"], true);
    assert!(!waited.to_string().contains("hush-hush"), "{waited}");
    let read = talk.done("read_run", json!({"run_id": run}));
    assert_eq!(read["steps"][0]["detail"]["tests"], 3);
    assert!(!read.to_string().contains("hush-hush"), "{read}");
    talk.end();
}

#[tokio::test]
async fn hostile_input_is_refused_and_the_talk_goes_on() {
    let server = Installation::serve();
    let project = server.project().await;
    let mut talk = Talk::begin(&server, &[]);
    for junk in ["{", "no json", "[]", "{\"jsonrpc\":\"2.0\"}", "\u{0}\u{1}"] {
        talk.send(junk);
    }
    assert!(!talk.tools().is_empty());
    let codes: Vec<i64> = talk
        .notices
        .drain(..)
        .filter_map(|notice| notice["error"]["code"].as_i64())
        .collect();
    assert_eq!(codes, [-32700, -32700, -32600, -32600, -32700]);
    let unknown = talk.ask(
        "tools/call",
        json!({"name": "approve_work_item", "arguments": {"id": 1}}),
    );
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    let method = talk.ask("no/such", json!({}));
    assert_eq!(method["error"]["code"], -32601, "{method}");
    for (arguments, named) in [
        (json!({"project_id": "one", "title": "x"}), "i64"),
        (
            json!({"project_id": project, "title": "x", "state": "Done"}),
            "state",
        ),
        (
            json!({"project_id": project, "title": "x", "kind": "wish"}),
            "wish",
        ),
        (json!({"project_id": project, "title": ""}), "title"),
        (json!({"project_id": 4711, "title": "x"}), "4711"),
    ] {
        let refused = talk.call("create_work_item", arguments);
        assert_eq!(refused["isError"], true, "{refused}");
        assert!(
            refused["structuredContent"]["error"]
                .to_string()
                .contains(named),
            "{named}: {refused}"
        );
    }
    let large = talk.call(
        "submit_vision",
        json!({"project_id": project, "content": "x".repeat(10 << 20)}),
    );
    assert_eq!(large["isError"], true);
    assert!(large.to_string().contains("at most 1048576"), "{large}");
    // Whatever tool it is, an argument that it does not know is named.
    for tool in talk.tools() {
        let name = tool["name"].as_str().unwrap();
        let refused = talk.call(name, json!({"of_no_tool": 1}));
        let said = refused["structuredContent"]["error"]["message"].to_string();
        assert!(said.contains("of_no_tool"), "{name}: {refused}");
        let takes_key = tool["inputSchema"]["properties"]["idempotency_key"].is_object();
        assert_eq!(
            takes_key,
            tool["annotations"]["readOnlyHint"] == false,
            "{tool}"
        );
    }
    let no_fields = talk.call("request_info", json!({"run_id": 1, "prompt": "?"}));
    assert!(no_fields.to_string().contains("fields"), "{no_fields}");
    assert!(
        server
            .get("/work-items")
            .await
            .as_array()
            .unwrap()
            .is_empty()
    );
    talk.end();
}

#[tokio::test]
async fn a_client_that_goes_away_while_it_waits_leaves_no_process() {
    let server = Installation::serve();
    let item = server.item(server.project().await, "waits").await;
    server
        .post(&format!("/work-items/{item}/approvals"), json!({}))
        .await;
    let mut talk = Talk::begin(&server, &[]);
    let call =
        json!({"name": "await_approval", "arguments": {"work_item_id": item, "wait_seconds": 55}});
    talk.send(
        &json!({"jsonrpc": "2.0", "id": "w", "method": "tools/call", "params": call}).to_string(),
    );
    // Cancelled calls are not answered; the next one is.
    talk.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "w"}}).to_string());
    assert!(!talk.tools().is_empty());
    talk.send(
        &json!({"jsonrpc": "2.0", "id": "v", "method": "tools/call", "params": call}).to_string(),
    );
    talk.tools();
    let begun = Instant::now();
    talk.end();
    assert!(begun.elapsed().as_secs() < 30);
}

async fn post(server: &Installation, token: Option<&str>, message: Value) -> (StatusCode, Value) {
    let request = server
        .request(Method::POST, "/mcp")
        .header("accept", ACCEPT)
        .json(&message);
    answer(match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    })
    .await
}

fn calling(tool: &str, arguments: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

async fn called(server: &Installation, token: &str, tool: &str, arguments: Value) -> Value {
    let (status, body) = post(server, Some(token), calling(tool, arguments)).await;
    assert_eq!(status, StatusCode::OK, "{tool}: {body}");
    body["result"].clone()
}

fn guarded() -> Installation {
    let env = [("ORCH_API_TOKEN", API_TOKEN), ("AGENT_SECRET_KEY", AGENTS)];
    Installation::with("serve", &env)
}

#[tokio::test]
async fn over_http_each_request_stands_for_itself_behind_the_same_checks_as_all_else() {
    let server = guarded();
    let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params":
        {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}});
    let (status, body) = post(&server, None, hello.clone()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{body}");
    let (status, body) = post(&server, Some("wrong"), hello.clone()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{body}");
    let (status, body) = post(&server, Some(API_TOKEN), hello).await;
    assert_eq!(
        (status, &body["result"]["serverInfo"]["name"]),
        (StatusCode::OK, &json!("codex-orchestrator"))
    );
    let made = called(
        &server,
        API_TOKEN,
        "create_project",
        json!({"name": "shop"}),
    )
    .await;
    let project = id(&made["structuredContent"]["project"]);
    let new = json!({"project_id": project, "title": "over http"});
    let made = called(&server, API_TOKEN, "create_work_item", new).await;
    let item = id(&made["structuredContent"]["work_item"]);
    let shown = answer(
        server
            .request(Method::GET, &format!("/work-items/{item}"))
            .bearer_auth(API_TOKEN),
    )
    .await;
    assert_eq!(shown.1["title"], "over http");

    let listing = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let asked = || {
        server
            .request(Method::POST, "/mcp")
            .header("accept", ACCEPT)
            .bearer_auth(API_TOKEN)
    };
    let foreign = asked()
        .header("origin", "https://evil.example")
        .json(&listing);
    assert_eq!(answer(foreign).await.0, StatusCode::FORBIDDEN);
    let rebound = asked().header("host", "evil.example").json(&listing);
    assert_eq!(answer(rebound).await.0, StatusCode::FORBIDDEN);
    let large = asked().json(&calling(
        "submit_vision",
        json!({"project_id": project, "content": "x".repeat(10 << 20)}),
    ));
    assert_eq!(answer(large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    for (junk, code) in [("{", -32700), ("", -32700), ("[]", -32600)] {
        let junk = asked()
            .header("content-type", "application/json")
            .body(junk);
        let (status, said) = answer(junk).await;
        assert_eq!(
            (status, &said["error"]["code"], &said["id"]),
            (StatusCode::BAD_REQUEST, &json!(code), &Value::Null),
            "{said}"
        );
    }
    let as_text = asked().header("content-type", "text/plain").body("{}");
    assert_eq!(answer(as_text).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for method in [Method::GET, Method::DELETE] {
        let (status, _) = answer(
            server
                .request(method, "/mcp")
                .header("accept", ACCEPT)
                .bearer_auth(API_TOKEN),
        )
        .await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn what_the_server_asks_itself_is_not_counted_against_anybody() {
    let server = Installation::with("serve", &[("ORCH_RATE_LIMIT_PER_MIN", "5")]);
    for _ in 0..3 {
        let (status, body) = post(&server, None, calling("read_queue", json!({}))).await;
        assert_eq!(
            (status, &body["result"]["isError"]),
            (StatusCode::OK, &json!(false)),
            "{body}"
        );
    }
    // Of five, three are used.
    let (status, _) = answer(
        server
            .request(Method::GET, "/projects")
            .header("x-orch-inside", "guessed"),
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    answer(server.request(Method::GET, "/projects")).await;
    let (status, _) = answer(
        server
            .request(Method::GET, "/projects")
            .header("x-orch-inside", "guessed"),
    )
    .await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_runs_token_reaches_its_own_run_alone_over_both_ways() {
    let server = guarded();
    let made = called(&server, API_TOKEN, "create_project", json!({"name": "p"})).await;
    let project = id(&made["structuredContent"]["project"]);
    let mut held = Vec::new();
    for title in ["mine", "other"] {
        let made = called(
            &server,
            API_TOKEN,
            "create_work_item",
            json!({"project_id": project, "title": title}),
        )
        .await;
        let item = id(&made["structuredContent"]["work_item"]);
        let start = server
            .request(Method::POST, &format!("/work-items/{item}/start"))
            .bearer_auth(API_TOKEN);
        let run = id(&answer(start).await.1);
        let endpoint = tonic::transport::Endpoint::from_shared(server.base.clone()).unwrap();
        let mut start = tonic::Request::new(StartTaskRequest {
            agent_id: title.to_owned(),
            secret: AGENTS.to_owned(),
            run_id: run,
            claim_ttl_ms: 60_000,
        });
        let bearer = format!("Bearer {API_TOKEN}").parse().unwrap();
        start.metadata_mut().insert("authorization", bearer);
        let reply = AgentsClient::new(endpoint.connect().await.unwrap())
            .start_task(start)
            .await
            .unwrap();
        held.push((item, run, reply.into_inner().assignment.unwrap().run_token));
    }
    let [(item, run, token), (other_item, other, _)] = &held[..] else {
        panic!("two runs are held");
    };
    // A number that contradicts the token is refused before anything is said in its name.
    let wrong = server
        .command(&["mcp"])
        .envs([
            ("ORCH_RUN_TOKEN", token),
            ("ORCH_RUN_ID", &other.to_string()),
        ])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(
        wrong.status.code() == Some(2) && said.contains(&format!("the token is that of run {run}")),
        "{said}"
    );
    // The token alone says which run it is.
    let mut talk = Talk::begin(&server, &[("ORCH_RUN_TOKEN", token)]);
    let tools = talk.tools();
    assert!(
        !names(&tools).contains(&"create_work_item"),
        "{:?}",
        names(&tools)
    );
    let context = talk.done("read_context", json!({}));
    assert_eq!(
        (id(&context["run"]), id(&context["work_item"])),
        (*run, *item)
    );
    assert!(context.get("project").is_none(), "{context}");
    let refused = talk.call("read_context", json!({"project_id": project}));
    assert_eq!(refused["isError"], true, "{refused}");
    assert!(
        refused
            .to_string()
            .contains("`project_id` is not read with a run's token"),
        "{refused}"
    );
    let noted = talk.done("step_complete", json!({"name": "compiled", "exit_code": 0}));
    assert_eq!(noted["noted"], "in the run's log");
    let log = talk.done("read_log", json!({}));
    assert!(
        log.to_string()
            .contains("step succeeded: compiled, exit code 0"),
        "{log}"
    );
    // However it is called, a step is one line, and nothing of it is dropped.
    let forged = json!({"name": "one\nstep succeeded: forged\u{1b}[2K", "detail": {"tests": 3}});
    talk.done("step_complete", forged);
    let log = talk.done("read_log", json!({}));
    let lines: Vec<&str> = log["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(
        lines.contains(&r#"step succeeded: one\nstep succeeded: forged\u{1b}[2K, {"tests":3}"#),
        "{lines:?}"
    );
    for (wrong, named) in [
        (json!({"name": "x".repeat(501)}), "501 characters"),
        (json!({"name": " "}), "expected 1 to 500"),
        (
            json!({"name": "x", "detail": {"text": "y".repeat(5_000)}}),
            "at most 4096",
        ),
    ] {
        let refused = talk.call("step_complete", wrong);
        assert_eq!(refused["isError"], true, "{refused}");
        assert!(refused.to_string().contains(named), "{named}: {refused}");
    }
    let question = json!({"prompt": "which?", "fields": [{"key": "K"}], "idempotency_key": "q-1"});
    let asked = talk.done("request_info", question.clone());
    assert_eq!(asked["info_request"]["run_id"], *run);
    let again = talk.done("request_info", question);
    assert_eq!(id(&asked["info_request"]), id(&again["info_request"]));
    for (tool, arguments) in [
        ("read_run", json!({"run_id": other})),
        ("read_log", json!({"run_id": other})),
        ("read_work_item", json!({"work_item_id": other_item})),
        ("read_context", json!({"run_id": other})),
        ("step_complete", json!({"run_id": other, "name": "forged"})),
        (
            "request_info",
            json!({"run_id": other, "prompt": "?", "fields": [{"key": "K"}]}),
        ),
    ] {
        let by_stdio = talk.call(tool, arguments.clone());
        let by_http = called(&server, token, tool, arguments).await;
        for refused in [by_stdio, by_http] {
            assert_eq!(refused["isError"], true, "{tool}: {refused}");
            let problem = &refused["structuredContent"]["error"]["problem"];
            assert_eq!(
                (&problem["status"], &problem["code"]),
                (&json!(403), &json!("run_token")),
                "{tool}: {refused}"
            );
        }
    }
    for tool in [
        "create_work_item",
        "request_approval",
        "await_approval",
        "enqueue_work_item",
    ] {
        let (_, body) = post(
            &server,
            Some(token),
            calling(tool, json!({"work_item_id": item})),
        )
        .await;
        assert_eq!(body["error"]["code"], -32602, "{tool}: {body}");
    }
    let seen = called(&server, token, "read_context", json!({})).await;
    assert_eq!(id(&seen["structuredContent"]["run"]), *run);
    let path = format!("/work-items/runs/{run}/complete");
    let complete = server.request(Method::POST, &path).bearer_auth(API_TOKEN);
    let complete = complete.json(&json!({"success": true, "epoch": 1}));
    let (status, body) = answer(complete).await;
    assert!(status.is_success(), "{body}");
    let (status, _) = post(&server, Some(token), calling("read_context", json!({}))).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_real_codex_reads_its_context_and_waits_for_an_approval_over_http() {
    let server = guarded();
    let made = called(
        &server,
        API_TOKEN,
        "create_project",
        json!({"name": "shop"}),
    )
    .await;
    let project = id(&made["structuredContent"]["project"]);
    let new = json!({"project_id": project, "title": "Deploy the shop"});
    let made = called(&server, API_TOKEN, "create_work_item", new).await;
    let item = id(&made["structuredContent"]["work_item"]);
    let asked = json!({"work_item_id": item});
    let made = called(&server, API_TOKEN, "request_approval", asked).await;
    let approval = id(&made["structuredContent"]["approval"]);

    let arguments = json!({"work_item_id": item});
    let model = ScriptedModel::start(vec![
        Reply::Call("orchestrator", "read_context", arguments.clone()),
        Reply::Call("orchestrator", "await_approval", arguments),
        Reply::say("done"),
    ])
    .await;
    let folder = tempfile::TempDir::new_in(scratch_folder()).unwrap();
    let bin = codex_bin();
    model.configure_codex(&bin, folder.path());
    let config = folder.path().join("config.toml");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(&format!(
        "\n[mcp_servers.orchestrator]\nurl = \"{}/mcp\"\nbearer_token_env_var = \"ORCH_API_TOKEN\"\nrequired = true\ndefault_tools_approval_mode = \"approve\"\n",
        server.base
    ));
    std::fs::write(&config, text).unwrap();
    let codex = tokio::process::Command::new(bin)
        .args([
            "exec",
            "--json",
            "--skip-git-repo-check",
            "--sandbox",
            "read-only",
            "go on",
        ])
        .env("CODEX_HOME", folder.path())
        .env(KEY_VARIABLE, "sk-scripted")
        .env("ORCH_API_TOKEN", API_TOKEN)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    // With the second request it has its context, and goes on to wait for a person.
    let ended = codex.wait_with_output();
    let decide = async {
        model.asked(2).await;
        let path = format!("/work-items/approvals/{approval}/approve");
        let approve = server.request(Method::POST, &path).bearer_auth(API_TOKEN);
        answer(approve.json(&json!({}))).await
    };
    let (ended, decided) = tokio::join!(ended, decide);
    assert_eq!(decided.0, StatusCode::OK, "{}", decided.1);
    let ended = ended.unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    let requests = model.requests();
    let context = requests[1].body["input"].to_string();
    assert!(context.contains("Deploy the shop"), "{said}\n{context}");
    let decision = requests[2].body["input"].to_string();
    assert!(decision.contains("decided_by"), "{said}\n{decision}");
    assert!(said.contains(r#""approved":true,"decided":true"#), "{said}");
}
