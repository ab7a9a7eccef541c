//! The gRPC contract, as an agent of somebody else's would use it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use futures::channel::mpsc::UnboundedSender;
use orch_api::proto::agent_message::Kind;
use orch_api::proto::agents_client::AgentsClient;
use orch_api::proto::{
    AgentBatch, AgentMessage, Artifact, Assignment, AwaitApprovalRequest, Completion,
    EmitArtifactRequest, Hello, LogLine, Logs, Pong, ReportProgressRequest, ServerMessage,
    StartTaskRequest, StepReport, Unsupported, server_message,
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

/// A stream of an agent that reads batches, with what it has been told so far.
struct Stream {
    up: UnboundedSender<AgentMessage>,
    down: tonic::Streaming<ServerMessage>,
    told: VecDeque<server_message::Kind>,
}

impl Stream {
    async fn open(server: &Installation, slots: u32) -> Self {
        let (up, messages) = futures::channel::mpsc::unbounded();
        let hello = Hello {
            agent_id: AGENT.to_owned(),
            slots,
            batches: true,
            ..Hello::default()
        };
        up.unbounded_send(said(0, Kind::Hello(hello))).unwrap();
        let down = client(server).await.connect(messages).await;
        let down = down.expect("a stream").into_inner();
        let told = VecDeque::new();
        Self { up, down, told }
    }

    async fn next(&mut self) -> server_message::Kind {
        loop {
            match self.told.pop_front() {
                Some(server_message::Kind::Ping(_)) => {}
                Some(kind) => return kind,
                None => {
                    let next = tokio::time::timeout(PATIENCE, self.down.message()).await;
                    let next = next.expect("in time").expect("no failure");
                    match next.expect("not the end").kind.expect("a known kind") {
                        server_message::Kind::Batch(batch) => {
                            let parts = batch.messages.into_iter();
                            self.told.extend(parts.filter_map(|part| part.kind));
                        }
                        kind => self.told.push_back(kind),
                    }
                }
            }
        }
    }

    async fn assignment(&mut self) -> Assignment {
        match self.next().await {
            server_message::Kind::Assignment(given) => *given,
            other => panic!("expected a run, got {other:?}"),
        }
    }
}

fn said(id: u64, kind: Kind) -> AgentMessage {
    let kind = Some(kind);
    AgentMessage { id, kind }
}

fn logs(run: &Assignment, epoch: u64, text: &str) -> Kind {
    let line = LogLine {
        stream: 1,
        message: text.to_owned(),
        ..LogLine::default()
    };
    Kind::Logs(Logs {
        run_id: run.run_id,
        epoch,
        lines: vec![line],
    })
}

fn completion(run: &Assignment, epoch: u64) -> Kind {
    Kind::Completion(Completion {
        run_id: run.run_id,
        epoch,
        success: true,
        exit_code: Some(0),
        ..Completion::default()
    })
}

#[tokio::test]
async fn one_message_carries_logs_and_completions_of_many_runs_and_each_is_taken_in_its_order() {
    let server = Installation::serve();
    let mut stream = Stream::open(&server, 8).await;
    match stream.next().await {
        server_message::Kind::Welcome(welcome) => assert!(welcome.batches),
        other => panic!("expected a welcome, got {other:?}"),
    }
    let project = server.project().await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        let item = server.item(project, "talks").await;
        server.enqueue(item).await;
        runs.push(stream.assignment().await);
    }
    let mut messages = Vec::new();
    for (place, run) in runs.iter().enumerate() {
        let id = 1 + 3 * place as u64;
        // The last one speaks under an epoch that is not its own.
        let epoch = run.epoch + u64::from(place == 2);
        messages.push(said(id, logs(run, epoch, "first")));
        messages.push(said(id + 1, logs(run, epoch, "second")));
        messages.push(said(id + 2, completion(run, epoch)));
    }
    let batch = Kind::Batch(AgentBatch { messages });
    stream.up.unbounded_send(said(0, batch)).unwrap();
    let mut answers = BTreeMap::new();
    while answers.len() < 9 {
        if let server_message::Kind::Ack(ack) = stream.next().await {
            answers.insert(ack.id, ack.refused);
        }
    }
    for (id, refused) in &answers {
        let expected = if *id > 6 { "stale_epoch" } else { "" };
        assert_eq!(refused, expected, "{answers:?}");
    }
    for (run, status) in runs.iter().zip(["succeeded", "succeeded", "running"]) {
        let path = format!("/work-items/runs/{}", run.run_id);
        assert_eq!(server.get(&path).await["status"], status);
        let page = server.get(&format!("{path}/logs?format=json")).await;
        let entries = page["entries"].as_array().unwrap();
        let said: Vec<&str> = entries
            .iter()
            .filter(|entry| entry["stream"] == "stdout")
            .filter_map(|entry| entry["message"].as_str())
            .collect();
        let expected: &[&str] = if status == "succeeded" {
            &["first", "second"]
        } else {
            &[]
        };
        assert_eq!(said, expected, "{page}");
    }
}

#[tokio::test]
async fn a_last_message_that_is_too_long_is_cut_its_usage_stays_and_the_log_says_so() {
    let server = Installation::serve();
    let mut stream = Stream::open(&server, 1).await;
    let item = server.item(server.project().await, "talks much").await;
    server.enqueue(item).await;
    let run = loop {
        match stream.next().await {
            server_message::Kind::Assignment(given) => break *given,
            server_message::Kind::Welcome(_) => {}
            other => panic!("expected a run, got {other:?}"),
        }
    };
    let done = Kind::Completion(Completion {
        run_id: run.run_id,
        epoch: run.epoch,
        success: true,
        exit_code: Some(0),
        summary: format!("x{}", "é".repeat(200 * 1024)),
        usage_json: r#"{"input_tokens": 7, "output_tokens": 3}"#.to_owned(),
        ..Completion::default()
    });
    stream.up.unbounded_send(said(1, done)).unwrap();
    match stream.next().await {
        server_message::Kind::Ack(ack) => assert_eq!(ack.refused, ""),
        other => panic!("expected an answer, got {other:?}"),
    }
    let path = format!("/work-items/runs/{}", run.run_id);
    assert_eq!(server.get(&path).await["status"], "succeeded");
    let summaries = server.get(&format!("{path}/summaries")).await;
    assert_eq!(summaries[0]["usage"]["input_tokens"], 7);
    let content = summaries[0]["content"].as_str().unwrap();
    assert_eq!(content.len(), 256 * 1024 - 1);
    let said = server.log_lines(run.run_id).await.join("\n");
    assert!(said.contains("the first 262143 of them are kept"), "{said}");
}

#[tokio::test]
async fn a_batch_beyond_the_bound_ends_the_stream() {
    let server = Installation::serve();
    let mut stream = Stream::open(&server, 1).await;
    let messages = vec![said(0, Kind::Pong(Pong::default())); 4097];
    let batch = Kind::Batch(AgentBatch { messages });
    stream.up.unbounded_send(said(0, batch)).unwrap();
    let ended = async { while let Ok(Some(_)) = stream.down.message().await {} };
    tokio::time::timeout(PATIENCE, ended)
        .await
        .expect("the end of the stream");
}
