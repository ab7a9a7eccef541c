//! The Model Context Protocol for runs: what one asks and is told, and how far its token reaches.

use std::process::Stdio;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::mcp::{Talk, id, names};
use crate::mcp_http::{called, calling, made, post};
use crate::run_tokens::{API_TOKEN, serve, taken};
use crate::support::{Installation, answer};

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
    talk.end().await;
}

#[tokio::test]
async fn a_runs_token_reaches_its_own_run_alone_over_both_ways() {
    let server = serve(&[]);
    let new = json!({"name": "p"});
    let project = made(&server, "create_project", new, "project").await;
    let mut held = Vec::new();
    for title in ["mine", "other"] {
        let new = json!({"project_id": project, "title": title});
        let item = made(&server, "create_work_item", new, "work_item").await;
        let taken = taken(&server, item, title, 60_000).await;
        held.push((item, taken.run_id, taken.run_token));
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
