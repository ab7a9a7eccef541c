//! Runs' tokens: what they open, what they never open, and that they end with the run's hold at
//! every server.

use orch_api::proto::agents_client::AgentsClient;
use orch_api::proto::{Assignment, StartTaskRequest};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Installation, answer};

pub const API_TOKEN: &str = "token-0123456789-abcdef";
const AGENTS: &str = "secret-0123456789-abcdef";

/// Starts a run of an item and takes it for an agent that presented the secret.
pub async fn taken(server: &Installation, item: i64, agent: &str, ttl_ms: u64) -> Assignment {
    let path = format!("/work-items/{item}/start");
    let run = answer(server.request(Method::POST, &path).bearer_auth(API_TOKEN))
        .await
        .1;
    take(server, run["id"].as_i64().expect("a run"), agent, ttl_ms).await
}

async fn take(server: &Installation, run_id: i64, agent: &str, claim_ttl_ms: u64) -> Assignment {
    let endpoint =
        tonic::transport::Endpoint::from_shared(server.base.clone()).expect("an address");
    let channel = endpoint.connect().await.expect("it connects");
    let mut start = tonic::Request::new(StartTaskRequest {
        agent_id: agent.to_owned(),
        secret: AGENTS.to_owned(),
        run_id,
        claim_ttl_ms,
    });
    let bearer = format!("Bearer {API_TOKEN}").parse().expect("a value");
    start.metadata_mut().insert("authorization", bearer);
    let reply = AgentsClient::new(channel)
        .start_task(start)
        .await
        .expect("a reply");
    reply.into_inner().assignment.expect("a run")
}

/// A server that knows users and agents by these secrets.
pub fn serve(env: &[(&str, &str)]) -> Installation {
    let common = [("ORCH_API_TOKEN", API_TOKEN), ("AGENT_SECRET_KEY", AGENTS)];
    Installation::with("serve", &[&common, env].concat())
}

async fn call(
    server: &Installation,
    token: &str,
    (method, path, body): (Method, &str, Value),
) -> (StatusCode, Value) {
    let request = server.request(method.clone(), path).bearer_auth(token);
    answer(if method == Method::GET {
        request
    } else {
        request.json(&body)
    })
    .await
}

/// A project and a work item of it.
pub async fn project_and_item(server: &Installation) -> (i64, i64) {
    let project = call(
        server,
        API_TOKEN,
        (Method::POST, "/projects", json!({"name": "p"})),
    )
    .await
    .1;
    let project = project["id"].as_i64().expect("an id");
    let new = json!({"project_id": project, "title": "talks"});
    let item = call(server, API_TOKEN, (Method::POST, "/work-items", new))
        .await
        .1;
    (project, item["id"].as_i64().expect("an id"))
}

#[tokio::test]
async fn a_runs_token_opens_the_runs_own_part_of_a_few_routes_and_nothing_else() {
    let server = serve(&[]);
    let (project, item) = project_and_item(&server).await;
    let new = json!({"project_id": project, "title": "another"});
    let other_item = call(&server, API_TOKEN, (Method::POST, "/work-items", new))
        .await
        .1["id"]
        .as_i64()
        .expect("an id");
    let mine = taken(&server, item, "mine", 60_000).await;
    let other = taken(&server, other_item, "other", 60_000).await;
    let (run, other) = (mine.run_id, other.run_id);
    let token = mine.run_token.as_str();
    assert!(token.starts_with("orchrun_"), "{token}");

    let own = format!("/work-items/runs/{run}");
    for (request, field) in [
        ((Method::GET, own.clone(), json!(null)), "id"),
        (
            (Method::GET, format!("/work-items/{item}"), json!(null)),
            "title",
        ),
        (
            (
                Method::POST,
                format!("{own}/logs"),
                json!({"line": "from the run"}),
            ),
            "appended",
        ),
        ((Method::GET, format!("{own}/logs"), json!(null)), "lines"),
        (
            (
                Method::POST,
                format!("{own}/artifacts"),
                json!({"name": "a", "content_base64": "YQ=="}),
            ),
            "sha256",
        ),
        ((Method::GET, format!("{own}/artifacts"), json!(null)), ""),
        (
            (
                Method::POST,
                format!("{own}/info-requests"),
                json!({"prompt": "which?", "required_keys": ["K"]}),
            ),
            "id",
        ),
    ] {
        let (method, path, body) = request;
        let (status, body) = call(&server, token, (method, &path, body)).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        assert!(
            field.is_empty() || body.get(field).is_some() || body.is_string(),
            "{path}: {body}"
        );
    }
    let audit = call(
        &server,
        API_TOKEN,
        (Method::GET, "/audit?limit=1000", json!(null)),
    )
    .await
    .1;
    let asked = audit
        .as_array()
        .expect("a list")
        .iter()
        .find(|entry| entry["kind"] == "info_request.asked");
    assert_eq!(asked.expect("an entry")["actor"], format!("run:{run}"));

    for (method, path, body) in [
        (
            Method::GET,
            format!("/work-items/runs/{other}"),
            json!(null),
        ),
        (
            Method::POST,
            format!("/work-items/runs/{other}/logs"),
            json!({"line": "x"}),
        ),
        (
            Method::POST,
            format!("/work-items/runs/{other}/info-requests"),
            json!({"prompt": "?", "required_keys": ["K"]}),
        ),
        (
            Method::GET,
            format!("/work-items/{other_item}"),
            json!(null),
        ),
        (
            Method::PATCH,
            format!("/work-items/{item}"),
            json!({"title": "mine"}),
        ),
        (Method::GET, "/projects".to_owned(), json!(null)),
        (
            Method::PUT,
            format!("/projects/{project}/budget"),
            json!({"hard_cap_microusd": 1}),
        ),
        (
            Method::GET,
            format!("/projects/{project}/costs"),
            json!(null),
        ),
        (Method::GET, "/models".to_owned(), json!(null)),
        (
            Method::PUT,
            "/models/prices/m".to_owned(),
            json!({"input": 0, "output": 0}),
        ),
        (Method::POST, "/models/m/test".to_owned(), json!(null)),
        (Method::GET, "/work-items".to_owned(), json!(null)),
        (
            Method::POST,
            "/work-items".to_owned(),
            json!({"project_id": project, "title": "more"}),
        ),
        (
            Method::POST,
            format!("/work-items/{item}/start"),
            json!(null),
        ),
        (
            Method::POST,
            format!("/work-items/{item}/cancel"),
            json!(null),
        ),
        (
            Method::POST,
            format!("/work-items/{item}/tool-recipe"),
            json!({"yaml": "steps: [id]"}),
        ),
        (Method::POST, format!("{own}/cancel"), json!(null)),
        (
            Method::POST,
            format!("{own}/claim"),
            json!({"agent_id": "me"}),
        ),
        (
            Method::POST,
            format!("{own}/heartbeat"),
            json!({"agent_id": "me"}),
        ),
        (
            Method::POST,
            format!("{own}/complete"),
            json!({"success": true}),
        ),
        (
            Method::POST,
            "/work-items/runs/info-requests/1/respond".to_owned(),
            json!({"values": {"K": "v"}}),
        ),
        (Method::GET, "/work-items/approvals".to_owned(), json!(null)),
        (
            Method::POST,
            "/work-items/approvals/1/approve".to_owned(),
            json!(null),
        ),
        (
            Method::POST,
            format!("/runs/{run}/approve"),
            json!({"approve": true}),
        ),
        (
            Method::PUT,
            format!("/projects/{project}/roles/code"),
            json!({"content": "x"}),
        ),
        (
            Method::GET,
            format!("/projects/{project}/roles"),
            json!(null),
        ),
        (
            Method::POST,
            format!("/projects/{project}/roles/code/memory"),
            json!({"content": "x"}),
        ),
        (
            Method::POST,
            "/work-items/runs/info-requests/1000001000001/respond".to_owned(),
            json!({"values": {"answer": "x"}}),
        ),
        (
            Method::POST,
            format!("/projects/{project}/requirements/propose"),
            json!({"by": "model"}),
        ),
        (
            Method::POST,
            format!("/projects/{project}/requirements/approve"),
            json!(null),
        ),
        (
            Method::POST,
            format!("/projects/{project}/requirements/1/approve"),
            json!(null),
        ),
        (
            Method::POST,
            format!("/projects/{project}/requirements/1/edits"),
            json!({"edits": [{"op": "remove", "id": "R-1"}]}),
        ),
        (
            Method::POST,
            format!("/projects/{project}/requirements/1/comments"),
            json!({"content": "x"}),
        ),
        (
            Method::POST,
            format!("/projects/{project}/import"),
            json!({}),
        ),
        (
            Method::GET,
            format!("/projects/{project}/imports"),
            json!(null),
        ),
        (
            Method::POST,
            format!("/projects/{project}/tasks/plan"),
            json!(null),
        ),
        (
            Method::GET,
            format!("/projects/{project}/plans"),
            json!(null),
        ),
        (
            Method::GET,
            format!("/projects/{project}/plans/1"),
            json!(null),
        ),
        (
            Method::GET,
            format!("/projects/{project}/plans/1/graph"),
            json!(null),
        ),
        (
            Method::GET,
            format!("/projects/{project}/plans/1/diff"),
            json!(null),
        ),
        (
            Method::GET,
            format!("/projects/{project}/plans/impact"),
            json!(null),
        ),
        (
            Method::POST,
            format!("/projects/{project}/plans/1/edits"),
            json!({"edits": [{"op": "remove_task", "id": "T-1"}]}),
        ),
        (
            Method::POST,
            format!("/projects/{project}/plans/1/approve"),
            json!(null),
        ),
        (
            Method::POST,
            format!("/projects/{project}/plans/approve"),
            json!(null),
        ),
        (
            Method::POST,
            format!("/projects/{project}/plans/replan"),
            json!({"reason": "x"}),
        ),
        (
            Method::GET,
            format!("/projects/{project}/secrets"),
            json!(null),
        ),
        (
            Method::PUT,
            format!("/projects/{project}/secrets/A"),
            json!({"value": "v"}),
        ),
        (Method::POST, "/secrets/reseal".to_owned(), json!(null)),
        (Method::POST, "/scheduler/tick".to_owned(), json!(null)),
        (
            Method::POST,
            "/scheduler/enqueue".to_owned(),
            json!({"work_item_id": item}),
        ),
        (Method::GET, "/audit".to_owned(), json!(null)),
        (Method::GET, "/agents".to_owned(), json!(null)),
        (
            Method::POST,
            "/orch.agent.v1.Agents/GetSecrets".to_owned(),
            json!(null),
        ),
        (Method::GET, "/no/such/path".to_owned(), json!(null)),
    ] {
        let (status, body) = call(&server, token, (method, &path, body)).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}: {body}");
        assert_eq!(body["code"], "run_token", "{path}: {body}");
    }
    let forged = token.replacen(&format!("_{run}_"), &format!("_{other}_"), 1);
    let (status, _) = call(&server, &forged, (Method::GET, &own, json!(null))).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(!server.log().contains(token), "the token is in the log");
}

#[tokio::test]
async fn a_runs_token_ends_with_the_run_and_with_a_new_epoch_at_once() {
    let server = serve(&[]);
    let (_, item) = project_and_item(&server).await;
    let first = taken(&server, item, "first", 1_000).await;
    let own = format!("/work-items/runs/{}", first.run_id);
    let read = async |token: &str| {
        call(&server, token, (Method::GET, &own, json!(null)))
            .await
            .0
    };
    assert_eq!(read(&first.run_token).await, StatusCode::OK);
    // Its hold of a second runs out, and the next agent's begins.
    let begun = std::time::Instant::now();
    while read(&first.run_token).await == StatusCode::OK {
        assert!(begun.elapsed() < crate::support::PATIENCE, "it never ended");
    }
    let second = take(&server, first.run_id, "second", 60_000).await;
    assert_eq!((first.epoch, second.epoch), (1, 2));
    assert_eq!(read(&first.run_token).await, StatusCode::UNAUTHORIZED);
    assert_eq!(read(&second.run_token).await, StatusCode::OK);
    let done = (
        Method::POST,
        format!("{own}/complete"),
        json!({"success": true, "epoch": 2}),
    );
    let (status, body) = call(&server, API_TOKEN, (done.0, &done.1, done.2)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(read(&second.run_token).await, StatusCode::UNAUTHORIZED);
    let line = json!({"line": "after the end", "epoch": 2});
    let late = call(
        &server,
        &second.run_token,
        (Method::POST, &format!("{own}/logs"), line),
    )
    .await;
    assert_eq!(late.0, StatusCode::UNAUTHORIZED);
    assert_eq!(read(API_TOKEN).await, StatusCode::OK);
}

#[tokio::test]
async fn where_everybody_is_the_user_a_runs_token_is_still_a_runs() {
    let server = Installation::with("serve", &[("AGENT_SECRET_KEY", AGENTS)]);
    let (project, item) = project_and_item(&server).await;
    let taken = taken(&server, item, "one", 60_000).await;
    let path = format!("/projects/{project}");
    let (status, _) = call(&server, &taken.run_token, (Method::GET, &path, json!(null))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_comes_with_a_runs_token_is_redacted_before_it_is_stored() {
    const VALUE: &str = "S3cr3tVaLue-Quux+7/9=xyz";
    let server = serve(&[]);
    let (project, item) = project_and_item(&server).await;
    let secret = format!("/projects/{project}/secrets/DB_PASSWORD");
    let set = (Method::PUT, secret.as_str(), json!({"value": VALUE}));
    assert_eq!(call(&server, API_TOKEN, set).await.0, StatusCode::OK);
    let yaml = "steps: [{run: 'true', secrets: [DB_PASSWORD]}]";
    let recipe = format!("/work-items/{item}/tool-recipe");
    let stored = (Method::POST, recipe.as_str(), json!({"yaml": yaml}));
    assert_eq!(call(&server, API_TOKEN, stored).await.0, StatusCode::OK);
    let mine = taken(&server, item, "mine", 60_000).await;
    let token = mine.run_token.as_str();
    let own = format!("/work-items/runs/{}", mine.run_id);

    let hex: String = VALUE.bytes().map(|byte| format!("{byte:02x}")).collect();
    let paths = ["logs", "artifacts", "info-requests"].map(|part| format!("{own}/{part}"));
    let [logs, artifacts, questions] = paths.each_ref().map(String::as_str);
    let encoded = base64(&format!("value: {VALUE}"));
    for (path, body) in [
        (
            logs,
            json!({"line": format!("plain {VALUE}, token {token}")}),
        ),
        (logs, json!({"lines": ["first", format!("hex {hex}")]})),
        (
            artifacts,
            json!({"name": format!("a-{hex}"), "content_base64": encoded}),
        ),
        (
            questions,
            json!({"prompt": format!("is it {VALUE}?"), "required_keys": ["KEY"]}),
        ),
    ] {
        let (status, said) = call(&server, token, (Method::POST, path, body)).await;
        assert_eq!(status, StatusCode::OK, "{path}: {said}");
    }
    let shown = call(&server, API_TOKEN, (Method::GET, logs, json!(null)))
        .await
        .1;
    let kept = call(&server, API_TOKEN, (Method::GET, artifacts, json!(null)))
        .await
        .1;
    let asked = call(&server, API_TOKEN, (Method::GET, questions, json!(null)))
        .await
        .1;
    let raw = format!("/work-items/runs/artifacts/{}/raw", kept[0]["id"]);
    let content = call(&server, API_TOKEN, (Method::GET, raw.as_str(), json!(null)))
        .await
        .1;
    let all = format!("{shown} {kept} {asked} {content}");
    for hidden in [VALUE, token, hex.as_str()] {
        assert!(!all.contains(hidden), "{hidden} is in {all}");
    }
    assert!(
        shown.to_string().contains("plain ***, token ***"),
        "{shown}"
    );
    assert_eq!(content, json!("value: ***"));
    // The server's own user is not run by anybody's code: what it writes is kept as it is.
    let line = (Method::POST, logs, json!({"line": "by hand"}));
    assert_eq!(call(&server, API_TOKEN, line).await.0, StatusCode::OK);
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
