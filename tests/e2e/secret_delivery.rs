//! `GetSecrets`: answered to the holder of a run, under its epoch, with the server's secret, for names
//! that the run's approved steps have; and what a moved row or a missing key come to.

use orch_api::proto::agents_client::AgentsClient;
use orch_api::proto::{GetSecretsReply, GetSecretsRequest, StartTaskRequest};
use reqwest::Method;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::postgres::Postgres;
use crate::support::{Installation, answer, sqlite};

const AGENTS: &str = "secret-0123456789-abcdef";

async fn client(server: &Installation) -> AgentsClient<tonic::transport::Channel> {
    let endpoint =
        tonic::transport::Endpoint::from_shared(server.base.clone()).expect("an address");
    AgentsClient::new(endpoint.connect().await.expect("it connects"))
}

/// A run that `holder` holds, whose step names `NAMED` and `ABSENT`; `OTHER` has a value as well.
async fn held(server: &Installation) -> i64 {
    let project = server.project().await;
    for name in ["NAMED", "OTHER"] {
        put_secret(server, project, name, "a-value-of-it").await;
    }
    let item = server.item(project, "uses secrets").await;
    let recipe = "steps:\n  - run: 'true'\n    secrets: [NAMED, {name: ABSENT, file: F}]\n";
    let path = format!("/work-items/{item}/tool-recipe");
    server.post(&path, json!({ "yaml": recipe })).await;
    let run = server
        .post(&format!("/work-items/{item}/start"), json!(null))
        .await;
    let run_id = run["id"].as_i64().expect("a run");
    let start = StartTaskRequest {
        agent_id: "holder".to_owned(),
        run_id,
        claim_ttl_ms: 60_000,
        secret: AGENTS.to_owned(),
    };
    client(server)
        .await
        .start_task(start)
        .await
        .expect("it is taken");
    run_id
}

/// Gives a project's secret a value.
pub async fn put_secret(server: &Installation, project: i64, name: &str, value: &str) -> Value {
    let path = format!("/projects/{project}/secrets/{name}");
    let request = server.request(Method::PUT, &path);
    let (status, body) = answer(request.json(&json!({ "value": value }))).await;
    assert!(status.is_success(), "{body}");
    body
}

fn wish(run_id: i64, names: &[&str]) -> GetSecretsRequest {
    GetSecretsRequest {
        agent_id: "holder".to_owned(),
        run_id,
        epoch: 1,
        secret: AGENTS.to_owned(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        probe: false,
    }
}

async fn ask(server: &Installation, wish: GetSecretsRequest) -> Result<GetSecretsReply, Status> {
    let reply = client(server).await.get_secrets(wish).await;
    reply.map(tonic::Response::into_inner)
}

async fn deliveries(server: &Installation) -> usize {
    let audit = server.get("/audit?limit=1000").await;
    let entries = audit.as_array().expect("a list").iter();
    entries
        .filter(|entry| entry["kind"] == "secret.delivered")
        .count()
}

#[tokio::test]
async fn values_go_to_the_holder_of_the_run_for_the_names_that_its_steps_have() {
    let server = Installation::with("serve", &[("AGENT_SECRET_KEY", AGENTS)]);
    let run = held(&server).await;
    let refused = [
        (
            GetSecretsRequest {
                agent_id: "another".to_owned(),
                ..wish(run, &["NAMED"])
            },
            "held_by_another",
        ),
        (
            GetSecretsRequest {
                epoch: 2,
                ..wish(run, &["NAMED"])
            },
            "stale_epoch",
        ),
        (
            GetSecretsRequest {
                epoch: 0,
                ..wish(run, &["NAMED"])
            },
            "stale_epoch",
        ),
        (
            GetSecretsRequest {
                secret: "wrong".to_owned(),
                ..wish(run, &["NAMED"])
            },
            "secret_required",
        ),
        (
            GetSecretsRequest {
                secret: String::new(),
                probe: true,
                ..wish(run, &["NAMED"])
            },
            "secret_required",
        ),
        (wish(run, &["NAMED", "OTHER"]), "secret_not_named"),
        (
            GetSecretsRequest {
                probe: true,
                ..wish(run, &["OTHER"])
            },
            "secret_not_named",
        ),
        (wish(run, &["lower"]), "no secret's name"),
        (wish(run + 1, &["NAMED"]), "there is no run"),
    ];
    for (wish, expected) in refused {
        let status = ask(&server, wish).await.expect_err(expected);
        assert!(status.message().contains(expected), "{expected}: {status}");
        assert!(
            !format!("{status:?}").contains("a-value-of-it"),
            "{status:?}"
        );
    }
    let probed = GetSecretsRequest {
        probe: true,
        ..wish(run, &["NAMED", "ABSENT"])
    };
    let probed = ask(&server, probed).await.expect("a reply");
    assert_eq!(
        (probed.values.len(), probed.missing),
        (0, vec!["ABSENT".to_owned()])
    );
    assert_eq!(deliveries(&server).await, 0);
    let given = ask(&server, wish(run, &["NAMED", "ABSENT"]))
        .await
        .expect("a reply");
    assert_eq!(given.missing, ["ABSENT"]);
    assert_eq!(given.values[0].value, b"a-value-of-it");
    assert_eq!(deliveries(&server).await, 1);
    // What is kept under another name does not open here.
    let other = "(SELECT sealed FROM secret WHERE name = 'OTHER')";
    sqlite(
        &server,
        &format!("UPDATE secret SET sealed = {other} WHERE name = 'NAMED'"),
    );
    let moved = ask(&server, wish(run, &["NAMED"]))
        .await
        .expect_err("it was moved");
    assert_eq!(moved.code(), Code::FailedPrecondition, "{moved}");
    assert!(
        moved.message().contains("NAMED cannot be opened"),
        "{moved}"
    );
    let end = format!("/work-items/runs/{run}/complete");
    server
        .post(&end, json!({"success": true, "epoch": 1}))
        .await;
    let late = ask(&server, wish(run, &["NAMED"]))
        .await
        .expect_err("it has ended");
    assert!(late.message().contains("run_finished"), "{late}");
}

#[tokio::test]
async fn sealing_anew_lets_the_old_key_go() {
    let (old, new) = (
        fernet::Fernet::generate_key(),
        fernet::Fernet::generate_key(),
    );
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("a path in UTF-8");
    let serve = |keys: &str| {
        let env = [
            ("ORCH_DATA_DIR", data),
            ("ORCH_SECRET_KEY", keys),
            ("AGENT_SECRET_KEY", AGENTS),
        ];
        Installation::with("serve", &env)
    };
    let mut server = serve(&old);
    let run = held(&server).await;
    server.stop();
    let mut server = serve(&format!("{new},{old}"));
    let resealed = server.post("/secrets/reseal", json!(null)).await;
    assert_eq!(
        resealed,
        json!({"secrets": 2, "answers": 0, "unreadable": 0})
    );
    server.stop();
    let server = serve(&new);
    let given = ask(&server, wish(run, &["NAMED"])).await.expect("a reply");
    assert_eq!(given.values[0].value, b"a-value-of-it");
}

#[tokio::test]
async fn on_postgres_secrets_need_a_key_that_all_servers_share() {
    let cluster = Postgres::start();
    let url = cluster.database("orch");
    let server = Installation::with("serve", &[("ORCH_DATABASE_URL", &url)]);
    let project = server.project().await;
    let path = format!("/projects/{project}/secrets/A");
    let request = server
        .request(Method::PUT, &path)
        .json(&json!({"value": "v"}));
    let (status, problem) = answer(request).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (409, &json!("no_secret_key")),
        "{problem}"
    );
    let listed = server.get(&format!("/projects/{project}/secrets")).await;
    assert_eq!(listed, json!([]), "nothing was stored");
}

#[tokio::test]
async fn servers_on_one_database_agree_on_secrets_and_on_runs_tokens() {
    let cluster = Postgres::start();
    let url = cluster.database("orch");
    let key = fernet::Fernet::generate_key();
    for key in [Some(key.as_str()), None] {
        let mut env = vec![
            ("ORCH_DATABASE_URL", url.as_str()),
            ("AGENT_SECRET_KEY", AGENTS),
        ];
        env.extend(key.map(|key| ("ORCH_SECRET_KEY", key)));
        let (left, right) = (
            Installation::with("serve", &env),
            Installation::with("serve", &env),
        );
        let item = left.item(left.project().await, "talks").await;
        let run = left
            .post(&format!("/work-items/{item}/start"), json!(null))
            .await;
        let run_id = run["id"].as_i64().expect("a run");
        let start = StartTaskRequest {
            agent_id: "holder".to_owned(),
            run_id,
            claim_ttl_ms: 60_000,
            secret: AGENTS.to_owned(),
        };
        let taken = client(&left)
            .await
            .start_task(start)
            .await
            .expect("it is taken");
        let token = taken.into_inner().assignment.expect("a run").run_token;
        let read = async |server: &Installation| {
            let request = server.request(Method::GET, &format!("/work-items/runs/{run_id}"));
            answer(request.bearer_auth(&token)).await.0.as_u16()
        };
        assert_eq!((read(&left).await, read(&right).await), (200, 200));
        let end = format!("/work-items/runs/{run_id}/complete");
        left.post(&end, json!({"success": true, "epoch": 1})).await;
        assert_eq!((read(&right).await, read(&left).await), (401, 401));
        if key.is_some() {
            let run = held(&left).await;
            let given = ask(&right, wish(run, &["NAMED"])).await.expect("a reply");
            assert_eq!(given.values[0].value, b"a-value-of-it");
        }
    }
}
