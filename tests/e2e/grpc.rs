//! The gRPC contract, as an agent of somebody else's would use it.

use std::time::Duration;

use orch_api::proto::agents_client::AgentsClient;
use orch_api::proto::{
    Artifact, AwaitApprovalRequest, EmitArtifactRequest, LogLine, ReportProgressRequest,
    StartTaskRequest, StepReport, Unsupported,
};
use reqwest::Method;
use serde_json::json;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use crate::support::{Installation, PATIENCE, answer};

const AGENT: &str = "an-agent-of-theirs";

async fn client(server: &Installation) -> AgentsClient<Channel> {
    let endpoint = Endpoint::from_shared(server.base.clone()).expect("an address");
    let channel = endpoint.timeout(PATIENCE).connect().await;
    AgentsClient::new(channel.expect("it connects"))
}

#[tokio::test]
async fn what_is_not_offered_yet_says_so_by_name() {
    let server = Installation::serve();
    let mut client = client(&server).await;
    let refused = [
        ("RequestTool", client.request_tool(Unsupported {}).await),
        ("OpenPR", client.open_pr(Unsupported {}).await),
        ("RunTests", client.run_tests(Unsupported {}).await),
        ("Deploy", client.deploy(Unsupported {}).await),
    ];
    for (name, reply) in refused {
        let status = reply.expect_err(name);
        assert_eq!(status.code(), Code::Unimplemented, "{status}");
        assert_eq!(
            status.message(),
            format!("{name} is not offered by this server yet")
        );
    }
}

#[tokio::test]
async fn an_agent_without_a_stream_takes_a_run_reports_and_completes_it() {
    let server = Installation::serve();
    let mut client = client(&server).await;
    let start = StartTaskRequest {
        agent_id: AGENT.to_owned(),
        ..StartTaskRequest::default()
    };
    let nothing = client.start_task(start.clone()).await.expect("a reply");
    assert_eq!(nothing.into_inner().assignment, None);

    let item = server
        .item_with(server.project().await, "greet", &["echo hello"])
        .await;
    server.enqueue(item).await;
    assert_eq!(
        server.post("/scheduler/tick", json!(null)).await["processed"],
        1
    );
    let taken = client
        .start_task(start)
        .await
        .expect("a reply")
        .into_inner();
    let given = taken.assignment.expect("the run");
    assert_eq!(
        (given.work_item_id, given.epoch, given.attempt),
        (item, 1, 1)
    );
    assert_eq!(given.title, "greet");
    assert!(given.recipe_yaml.contains("echo hello"), "{given:?}");
    let (run, epoch) = (given.run_id, given.epoch);
    let shown = server.get(&format!("/work-items/runs/{run}")).await;
    assert_eq!(
        (&shown["claimed_by"], &shown["trace_id"]),
        (&json!(AGENT), &json!(given.trace_id))
    );

    let line = LogLine {
        stream: 2,
        step: 1,
        message: "hello over gRPC".to_owned(),
        ..LogLine::default()
    };
    let step = StepReport {
        number: 1,
        name: "greet".to_owned(),
        command: "echo hello".to_owned(),
        status: "succeeded".to_owned(),
        exit_code: Some(0),
        ..StepReport::default()
    };
    let progress = ReportProgressRequest {
        agent_id: AGENT.to_owned(),
        run_id: run,
        epoch,
        lines: vec![line],
        step: Some(step),
    };
    let reply = client.report_progress(progress.clone()).await;
    assert!(reply.expect("a reply").into_inner().expires_in_ms > 0);
    let page = server
        .get(&format!("/work-items/runs/{run}/logs?format=json&q=gRPC"))
        .await;
    let entry = &page["entries"][0];
    assert_eq!(
        (&entry["stream"], &entry["step"], &entry["message"]),
        (&json!("stderr"), &json!(1), &json!("hello over gRPC"))
    );
    let steps = server.get(&format!("/work-items/runs/{run}/steps")).await;
    assert_eq!(
        (&steps[0]["command"], &steps[0]["status"]),
        (&json!("echo hello"), &json!("succeeded"))
    );
    let stale = ReportProgressRequest {
        epoch: epoch + 1,
        ..progress
    };
    let refused = client
        .report_progress(stale)
        .await
        .expect_err("not its epoch");
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");

    let artifact = Artifact {
        run_id: run,
        epoch,
        name: "greeting.bin".to_owned(),
        media_type: "application/x-greeting".to_owned(),
        content: vec![0, 255, b'\n'],
        ..Artifact::default()
    };
    let stored = client
        .emit_artifact(EmitArtifactRequest {
            artifact: Some(artifact),
        })
        .await
        .expect("a reply")
        .into_inner();
    let raw = format!("/work-items/runs/artifacts/{}/raw", stored.artifact_id);
    let raw = server.request(Method::GET, &raw).send().await.unwrap();
    assert_eq!(raw.bytes().await.unwrap().as_ref(), [0, 255, b'\n']);
    let listed = server
        .get(&format!("/work-items/runs/{run}/artifacts"))
        .await;
    assert_eq!(listed[0]["sha256"], json!(stored.sha256));

    let done = format!("/work-items/runs/{run}/complete?success=true&epoch={epoch}");
    assert_eq!(server.post(&done, json!(null)).await["status"], "succeeded");
}

#[tokio::test]
async fn a_decision_on_planned_steps_reaches_the_agent_that_waits_for_it() {
    let server = Installation::serve();
    let mut client = client(&server).await;
    let item = server.item(server.project().await, "deploy:prod").await;
    // A gated item without a recipe: the first approval covers planning.
    let path = format!("/work-items/{item}/approvals");
    let planning = server.post(&path, json!({"reason": "plan it"})).await;
    let approve = |id: &serde_json::Value| format!("/work-items/approvals/{id}/approve");
    server.post(&approve(&planning["id"]), json!(null)).await;
    let run = server
        .post(&format!("/work-items/{item}/start"), json!(null))
        .await;
    let start = StartTaskRequest {
        agent_id: AGENT.to_owned(),
        run_id: run["id"].as_i64().unwrap(),
        claim_ttl_ms: 60_000,
        ..StartTaskRequest::default()
    };
    let taken = client
        .start_task(start)
        .await
        .expect("a reply")
        .into_inner();
    let given = taken.assignment.expect("the run");
    assert!(given.plan_needs_approval);

    let waiting = AwaitApprovalRequest {
        run_id: given.run_id,
        epoch: given.epoch,
        steps_json: r#"["echo ship it"]"#.to_owned(),
    };
    let mut other = client.clone();
    let call = tokio::spawn(async move { other.await_approval(waiting).await });
    let pending = server
        .wait_for(
            "/work-items/approvals?status=pending",
            "the question",
            |all| all[0].is_object(),
        )
        .await;
    assert_eq!(pending[0]["run_id"], run["id"]);
    server.wait_run(item, "waiting").await;
    server.post(&approve(&pending[0]["id"]), json!(null)).await;
    let reply = tokio::time::timeout(PATIENCE, call).await.expect("in time");
    let reply = reply.expect("no panic").expect("a reply").into_inner();
    assert_eq!(
        (reply.status.as_str(), Some(reply.approval_id)),
        ("approved", pending[0]["id"].as_i64())
    );
    server.wait_run(item, "running").await;
}

#[tokio::test]
async fn agents_over_grpc_are_not_rate_limited_and_rest_is() {
    let server = Installation::with("serve", &[("ORCH_RATE_LIMIT_PER_MIN", "5")]);
    let mut client = client(&server).await;
    for _ in 0..20 {
        let start = StartTaskRequest {
            agent_id: AGENT.to_owned(),
            ..StartTaskRequest::default()
        };
        client.start_task(start).await.expect("no limit");
    }
    let get = || {
        server
            .request(Method::GET, "/projects")
            .timeout(PATIENCE)
            .send()
    };
    for remaining in (0..5).rev() {
        let response = get().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(
            response.headers()["x-ratelimit-remaining"],
            remaining.to_string()
        );
    }
    let refused = get().await.unwrap();
    assert_eq!(refused.status(), 429);
    let header = |name: &str| refused.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("x-ratelimit-remaining"), "0");
    assert_eq!(header("content-type"), "application/problem+json");
    let wait = Duration::from_secs(header("retry-after").parse().expect("seconds"));
    assert!(
        wait > Duration::ZERO && wait <= Duration::from_secs(60),
        "{wait:?}"
    );
    let problem: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(problem["status"], 429);
    assert!(
        problem["detail"].as_str().unwrap().contains("try again in"),
        "{problem}"
    );

    // Saying gRPC does not make a request one.
    let disguised = server
        .request(Method::GET, "/projects")
        .header("content-type", "application/grpc");
    assert_eq!(answer(disguised).await.0, 429);
    let start = StartTaskRequest {
        agent_id: AGENT.to_owned(),
        ..StartTaskRequest::default()
    };
    client.start_task(start).await.expect("still no limit");
}
