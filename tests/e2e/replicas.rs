//! PostgreSQL, and several servers on one: any of them takes any request.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::postgres::Postgres;
use crate::process::wait_until;
use crate::support::{Installation, PATIENCE, UNCONFINED, answer};

/// Two servers on one database, with the settings that they have to share.
fn pair(env: &[(&str, &str)]) -> (Postgres, Installation, Installation) {
    let cluster = Postgres::start();
    let url = cluster.database("orch");
    let mut env = env.to_vec();
    env.push(("ORCH_DATABASE_URL", &url));
    env.push((
        "ORCH_SECRET_KEY",
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    ));
    let left = Installation::with("serve", &env);
    let right = Installation::with("serve", &env);
    (cluster, left, right)
}

#[tokio::test]
async fn an_agent_works_through_a_queue_on_postgres() {
    let mut up = Installation::on_postgres("up", &[]);
    let project = up.project().await;
    let first = up
        .item_with(project, "first", &["echo one", "echo two"])
        .await;
    let second = up.item_with(project, "second", &["echo three"]).await;
    up.enqueue(first).await;
    let body = json!({"work_item_id": second, "depends_on": [first]});
    up.post("/scheduler/enqueue", body).await;
    let run = up.wait_run(second, "succeeded").await;
    assert!(
        up.log_lines(run["id"].as_i64().unwrap())
            .await
            .contains(&"three".to_owned())
    );
    assert_eq!(
        up.get("/observability/health").await["database"],
        "postgresql"
    );
    let artifact = json!({"name": "a.bin", "media_type": "application/octet-stream", "kind": "file", "content_base64": "AAH/", "epoch": run["epoch"]});
    let path = format!("/work-items/runs/{}/artifacts", run["id"]);
    let stored = up.post(&path, artifact).await;
    up.kill();
    up.start();
    let raw = format!("/work-items/runs/artifacts/{}/raw", stored["id"]);
    let bytes = up
        .request(Method::GET, &raw)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert_eq!(&bytes[..], [0, 1, 255]);
    let audit = up.get("/audit?limit=10000").await;
    assert!(audit.as_array().unwrap().len() > 10, "{audit}");
}

#[tokio::test]
async fn what_one_server_takes_the_other_shows_and_works_on() {
    let (_cluster, left, right) = pair(&[]);
    let project = left.project().await;
    let item = right
        .item_with(project, "made on the right", &["true"])
        .await;
    left.enqueue(item).await;
    let ticked = right.post("/scheduler/tick", json!(null)).await;
    assert_eq!(ticked["processed"], 1);
    let run = left.runs(item).await[0]["id"].as_i64().unwrap();
    let claim = json!({"agent_id": "a", "ttl_seconds": 60});
    let claimed = left
        .post(&format!("/work-items/runs/{run}/claim"), claim.clone())
        .await;
    assert_eq!(claimed["epoch"], 1);
    let other = json!({"agent_id": "b", "ttl_seconds": 60});
    let (status, refused) = right
        .try_post(&format!("/work-items/runs/{run}/claim"), other)
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    // A reader on the left sees what is written on the right, as it is written.
    let stream = left
        .request(Method::GET, &format!("/work-items/runs/{run}/logs/stream"))
        .send()
        .await
        .unwrap();
    let body = json!({"lines": ["from the right"], "epoch": 1});
    right
        .post(&format!("/work-items/runs/{run}/logs"), body)
        .await;
    right
        .post(
            &format!("/work-items/runs/{run}/complete?success=true&epoch=1"),
            json!(null),
        )
        .await;
    let begun = Instant::now();
    let text = tokio::time::timeout(PATIENCE, stream.text())
        .await
        .unwrap()
        .unwrap();
    assert!(text.contains("from the right"), "{text}");
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "not woken: {:?}",
        begun.elapsed()
    );
    assert_eq!(left.runs(item).await[0]["status"], "succeeded");
}

#[tokio::test]
async fn every_server_shows_the_agents_of_all_that_live() {
    let (_cluster, mut left, right) = pair(&[]);
    let start = || {
        left.command(&["agent", "--url", &left.base])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let shown = async |connected: bool| {
        right
            .wait_for("/agents", "the agent", |agents| {
                agents[0]["connected"] == connected
            })
            .await;
        right
            .wait_for("/observability/health", "the count", |health| {
                health["connected_agents"] == u8::from(connected)
            })
            .await;
    };
    let mut agent = start();
    shown(true).await;
    agent.kill().unwrap();
    agent.wait().unwrap();
    shown(false).await;
    let mut agent = start();
    shown(true).await;
    // What a server that died left in the database counts for nothing.
    left.kill();
    shown(false).await;
    agent.kill().unwrap();
    agent.wait().unwrap();
}

#[tokio::test]
async fn an_agent_whose_server_dies_goes_on_at_another_port_and_keeps_its_run() {
    let (_cluster, left, right) = pair(&[]);
    // The agent knows one address; behind it stands whichever server lives.
    let proxy = Proxy::start(&left.base).await;
    let known = proxy.base.clone();
    let other = right.base.clone();
    loses_its_server_and_keeps_its_run(left, &right, &known, || proxy.point_at(&other)).await;
}

#[tokio::test]
async fn an_agent_that_knows_two_servers_goes_on_at_the_other_and_keeps_its_run() {
    let (_cluster, left, right) = pair(&[]);
    let both = format!("{},{}", left.base, right.base);
    loses_its_server_and_keeps_its_run(left, &right, &both, || {}).await;
}

/// An agent that knows these addresses works on a run when the first server is killed.
async fn loses_its_server_and_keeps_its_run(
    mut left: Installation,
    right: &Installation,
    known: &str,
    then: impl FnOnce(),
) {
    let project = right.project().await;
    let go = left.folder.path().join("go");
    let wait = format!("while [ ! -e {} ]; do sleep 0.05; done", go.display());
    let item = right
        .item_with(project, "waits", &[&wait, "echo done"])
        .await;
    let mut agent = left
        .command(&["agent"])
        .env(UNCONFINED.0, UNCONFINED.1)
        .env("ORCH_URL", known)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    right.enqueue(item).await;
    let run = right.wait_run(item, "running").await;
    let held = format!("/work-items/runs/{}", run["id"]);
    right
        .wait_for(&held, "a holder", |run| !run["claimed_by"].is_null())
        .await;
    let before = right.get(&held).await;
    let connected = left.get("/observability/health").await;
    assert_eq!(connected["connected_agents"], 1, "the first is tried first");
    left.kill();
    then();
    right
        .wait_for("/observability/health", "the agent", |health| {
            health["connected_agents"] == 1
        })
        .await;
    std::fs::write(&go, "").unwrap();
    let done = right.wait_run(item, "succeeded").await;
    assert_eq!(done["id"], before["id"]);
    assert_eq!(done["epoch"], before["epoch"], "the same hold went on");
    agent.kill().unwrap();
    agent.wait().unwrap();
}

#[tokio::test]
async fn a_cancel_at_one_server_ends_the_work_of_an_agent_at_the_other() {
    let (_cluster, left, right) = pair(&[]);
    let project = left.project().await;
    let alive = left.folder.path().join("alive");
    let step = format!(
        "while true; do date +%N > {}; sleep 0.05; done",
        alive.display()
    );
    let item = left.item_with(project, "endless", &[&step]).await;
    let mut agent = left
        .command(&["agent"])
        .env(UNCONFINED.0, UNCONFINED.1)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    left.enqueue(item).await;
    let run = left.wait_run(item, "running").await;
    wait_until("the step runs", || alive.exists()).await;
    right.cli(&["run", "cancel", &run["id"].to_string()]);
    let mut last = String::new();
    wait_until("the step ended", || {
        let now = std::fs::read_to_string(&alive).unwrap_or_default();
        let still = now == last;
        last = now;
        std::thread::sleep(Duration::from_millis(400));
        still
    })
    .await;
    agent.kill().unwrap();
    agent.wait().unwrap();
}

#[tokio::test]
async fn limits_and_idempotency_keys_hold_over_both_servers() {
    let (_cluster, left, right) = pair(&[("ORCH_RATE_LIMIT_PER_MIN", "20")]);
    let create = |server: &Installation| {
        server
            .request(Method::POST, "/projects")
            .header("idempotency-key", "once")
            .json(&json!({"name": "one"}))
    };
    let (status, first) = answer(create(&left)).await;
    assert_eq!(status, StatusCode::CREATED);
    let (_, second) = answer(create(&right)).await;
    assert_eq!(first, second, "it acted once");
    let mut accepted = 2;
    let mut refused = 0;
    for n in 0..30 {
        let server = if n % 2 == 0 { &left } else { &right };
        match answer(server.request(Method::GET, "/projects")).await.0 {
            StatusCode::OK => accepted += 1,
            StatusCode::TOO_MANY_REQUESTS => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!((accepted, refused), (20, 12));
}

#[tokio::test]
async fn a_restart_of_one_server_after_the_other_loses_nothing_under_load() {
    let (_cluster, mut left, mut right) = pair(&[]);
    let project = left.project().await;
    let bases = [left.base.clone(), right.base.clone()];
    let load = tokio::spawn(async move {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut made = Vec::new();
        for n in 0..200 {
            let body = json!({"project_id": project, "title": format!("item {n}")});
            let mut tries = 0;
            loop {
                let at = format!("{}/work-items", bases[(n + tries) % 2]);
                let key = format!("item-{n}");
                let sent = http
                    .post(at)
                    .header("idempotency-key", key)
                    .json(&body)
                    .send()
                    .await;
                if let Ok(sent) = sent
                    && sent.status() == StatusCode::CREATED
                {
                    let item: Value = sent.json().await.unwrap();
                    made.push(item["id"].as_i64().unwrap());
                    break;
                }
                tries += 1;
                assert!(tries < 600, "nobody takes item {n}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        made
    });
    left.stop();
    left.start();
    right.stop();
    right.start();
    let made = load.await.unwrap();
    let mut distinct = made.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 200);
    let listed = left.get("/work-items?limit=1000").await;
    assert_eq!(listed.as_array().unwrap().len(), 200, "each was made once");
}

#[tokio::test]
async fn a_database_that_goes_away_and_comes_back_is_said_and_survived() {
    let (mut cluster, left, _right) = pair(&[]);
    let project = left.project().await;
    cluster.kill();
    let (status, _) = left
        .try_post(
            "/work-items",
            json!({"project_id": project, "title": "lost"}),
        )
        .await;
    assert!(status.is_server_error(), "{status}");
    let (status, health) = answer(left.request(Method::GET, "/observability/health")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{health}");
    cluster.up();
    left.wait_for("/observability/health", "it is well again", |health| {
        health["status"] == "ok"
    })
    .await;
    left.item(project, "kept").await;
}

/// An address behind which one server or another stands.
struct Proxy {
    base: String,
    target: std::sync::Arc<std::sync::Mutex<String>>,
}

impl Proxy {
    async fn start(base: &str) -> Self {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = std::sync::Arc::new(std::sync::Mutex::new(address(base)));
        let here = format!("http://{}", socket.local_addr().unwrap());
        let to = std::sync::Arc::clone(&target);
        tokio::spawn(async move {
            while let Ok((mut from, _)) = socket.accept().await {
                let to = to.lock().unwrap().clone();
                tokio::spawn(async move {
                    if let Ok(mut to) = tokio::net::TcpStream::connect(to).await {
                        let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                    }
                });
            }
        });
        Self { base: here, target }
    }

    fn point_at(&self, base: &str) {
        *self.target.lock().unwrap() = address(base);
    }
}

fn address(base: &str) -> String {
    base.trim_start_matches("http://").to_owned()
}
