//! The Model Context Protocol: the platform's tools over standard input and output.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::process::ended;
use crate::support::{Installation, PATIENCE};

/// A client of `codex-orchestrator mcp`: every line that it reads must be a message of the protocol.
pub struct Talk {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    next: u64,
    /// What came that answers nothing.
    notices: Vec<Value>,
}

impl Talk {
    pub fn begin(server: &Installation, env: &[(&str, &str)]) -> Self {
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
    pub fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        let result = &answer["result"];
        assert!(result.is_object(), "{tool}: {answer}");
        result.clone()
    }

    /// What a tool answers when it does well.
    pub fn done(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], false, "{tool}: {result}");
        result["structuredContent"].clone()
    }

    pub fn tools(&mut self) -> Vec<Value> {
        let listed = self.ask("tools/list", json!({}));
        listed["result"]["tools"]
            .as_array()
            .cloned()
            .expect("a list")
    }

    /// Closes its input; it must end by itself in time, and its output with it.
    pub async fn end(mut self) {
        self.input = None;
        let status = ended(&mut self.child, PATIENCE).await;
        assert!(status.success(), "it ended with {status}");
        let mut rest = Vec::new();
        self.output.read_to_end(&mut rest).expect("it can be read");
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn id(thing: &Value) -> i64 {
    thing["id"]
        .as_i64()
        .unwrap_or_else(|| panic!("no id: {thing}"))
}

pub fn names(tools: &[Value]) -> Vec<&str> {
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
    talk.end().await;
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
    talk.end().await;
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
    talk.end().await;
    assert!(begun.elapsed().as_secs() < 30);
}
