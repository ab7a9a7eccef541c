//! A PostgreSQL that is missing, refuses, hangs, ends connections, or is named wrongly.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::postgres::Postgres;
use crate::support::{Installation, PATIENCE, answer, binary};

/// What is promised is 2 s; the machine may be busy.
const SOON: Duration = Duration::from_secs(6);

/// A server with a limit on requests, which starts work by itself.
fn server_on(cluster: &Postgres) -> Installation {
    let url = cluster.database("orch");
    let env = [
        ("ORCH_DATABASE_URL", url.as_str()),
        ("ORCH_RATE_LIMIT_PER_MIN", "100000"),
        ("ORCH_SCHEDULER_BACKGROUND_INTERVAL", "0.2"),
    ];
    Installation::with("serve", &env)
}

/// Health names the database, and every other route answers 503, within the time that is promised.
async fn check_away(server: &Installation, project: i64, why: &str) {
    let begun = Instant::now();
    // What was found a moment ago may still be told.
    let health = loop {
        let asked = Instant::now();
        let (status, health) = answer(server.request(Method::GET, "/observability/health")).await;
        assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
        if status == StatusCode::SERVICE_UNAVAILABLE {
            break health;
        }
        assert!(begun.elapsed() < SOON, "{health}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(health["faults"][0]["kind"], "database_unreachable");
    let what = health["faults"][0]["what"].as_str().unwrap();
    assert!(what.contains(why), "{what}");
    let item = json!({"project_id": project, "title": "later"});
    for (method, path, body) in [
        (Method::GET, "/projects", json!(null)),
        (Method::GET, "/scheduler/queue", json!(null)),
        (Method::GET, "/metrics", json!(null)),
        (Method::POST, "/work-items", item),
        (
            Method::POST,
            "/scheduler/enqueue",
            json!({"work_item_id": 1}),
        ),
        (Method::POST, "/scheduler/tick", json!(null)),
    ] {
        let request = server.request(method.clone(), path).json(&body);
        check_refused(request, &format!("{method} {path}")).await;
    }
    let request = server
        .request(Method::POST, "/projects")
        .header("idempotency-key", "once")
        .json(&json!({"name": "once"}));
    check_refused(request, "with a key").await;
}

async fn check_refused(request: reqwest::RequestBuilder, what: &str) {
    let begun = Instant::now();
    let response = request.timeout(PATIENCE).send().await.unwrap();
    assert!(begun.elapsed() < SOON, "{what}: {:?}", begun.elapsed());
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{what}");
    assert_eq!(response.headers()["retry-after"], "2", "{what}");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["type"], "/problems/unavailable", "{problem}");
    assert_eq!(problem["code"], "database_unreachable", "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("database"));
}

/// Everything goes on by itself, and a request whose key was used acts once.
async fn check_back(server: &Installation, project: i64) {
    server
        .wait_for("/observability/health", "health", |health| {
            health["status"] == "ok"
        })
        .await;
    let body = json!({"project_id": project, "title": "after"});
    let begun = Instant::now();
    let item = loop {
        let (status, item) = server.try_post("/work-items", body.clone()).await;
        if status.is_success() {
            break item["id"].as_i64().unwrap();
        }
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{item}");
        assert!(begun.elapsed() < PATIENCE, "{item}");
    };
    server.enqueue(item).await;
    // The background loop has come back, too.
    server.wait_run(item, "running").await;
    let create = || {
        server
            .request(Method::POST, "/projects")
            .header("idempotency-key", "once")
            .json(&json!({"name": "once"}))
    };
    let begun = Instant::now();
    while answer(create()).await.0 != StatusCode::CREATED {
        assert!(begun.elapsed() < PATIENCE, "the key stays taken");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let projects = server.get("/projects").await;
    let once = projects.as_array().unwrap().iter();
    assert_eq!(once.filter(|project| project["name"] == "once").count(), 1);
}

#[tokio::test]
async fn while_the_database_refuses_health_names_it_and_all_else_is_503_at_once() {
    let mut cluster = Postgres::start();
    let server = server_on(&cluster);
    let project = server.project().await;
    cluster.kill();
    check_away(&server, project, "refused").await;
    check_away(&server, project, "refused").await;
    cluster.up();
    check_back(&server, project).await;
}

#[tokio::test]
async fn while_the_database_hangs_health_names_it_and_all_else_is_503_at_once() {
    let cluster = Postgres::start();
    let server = server_on(&cluster);
    let project = server.project().await;
    cluster.freeze();
    check_away(&server, project, "within").await;
    check_away(&server, project, "within").await;
    cluster.thaw();
    check_back(&server, project).await;
}

#[tokio::test]
async fn a_server_ends_when_it_is_told_to_while_its_database_hangs() {
    let cluster = Postgres::start();
    let mut server = server_on(&cluster);
    server.project().await;
    cluster.freeze();
    server.stop();
    cluster.thaw();
}

#[tokio::test]
async fn connections_that_the_database_ends_under_load_cost_no_request_a_500() {
    let cluster = Postgres::start();
    let server = server_on(&cluster);
    let project = server.project().await;
    let sent = async {
        let mut sends = tokio::task::JoinSet::new();
        for lane in 0..8 {
            let (http, base) = (reqwest::Client::builder(), server.base.clone());
            let http = http.no_proxy().build().unwrap();
            sends.spawn(async move {
                let (mut made, mut unsure) = (0, 0);
                for n in 0..60 {
                    let key = format!("{lane}-{n}");
                    let body = json!({"project_id": project, "title": key});
                    loop {
                        let mut request = http.post(format!("{base}/work-items")).json(&body);
                        if n % 2 == 0 {
                            request = request.header("idempotency-key", &key);
                        }
                        let (status, answer) = answer(request).await;
                        match status {
                            StatusCode::CREATED => made += 1,
                            StatusCode::SERVICE_UNAVAILABLE if n % 2 == 0 => continue,
                            StatusCode::SERVICE_UNAVAILABLE => unsure += 1,
                            _ => panic!("{status} {answer}"),
                        }
                        break;
                    }
                }
                (made, unsure)
            });
        }
        let (mut made, mut unsure) = (0, 0);
        while let Some(lane) = sends.join_next().await {
            let lane = lane.unwrap();
            made += lane.0;
            unsure += lane.1;
        }
        (made, unsure)
    };
    let mut sent = std::pin::pin!(sent);
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = 'codex-orchestrator'";
    let (made, unsure) = loop {
        tokio::select! {
            sent = &mut sent => break sent,
            () = tokio::time::sleep(Duration::from_millis(40)) => assert!(cluster.query("orch", end)),
        }
    };
    let items = server.get("/work-items?limit=10000").await;
    let stored = items.as_array().unwrap().len();
    assert!(
        stored >= made && stored <= made + unsure,
        "{made} {unsure} {stored}"
    );
    let titles = items.as_array().unwrap().iter();
    let mut titles: Vec<&str> = titles.map(|item| item["title"].as_str().unwrap()).collect();
    titles.sort_unstable();
    titles.dedup();
    assert_eq!(titles.len(), stored, "something was done twice");
    assert!(!server.log().contains("request failed"), "{}", server.log());
}

/// Runs the program with these settings alone.
fn program(folder: &Path, args: &[&str], url: &str) -> Output {
    Command::new(binary())
        .args(args)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(std::env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file)))
        .env("HOME", folder)
        .env("ORCH_DATA_DIR", folder.join("data"))
        .env("ORCH_DATABASE_URL", url)
        .env("ORCH_PORT", "0")
        .env("NO_COLOR", "1")
        .current_dir(folder)
        .output()
        .unwrap()
}

/// It fails, says all this, not the password, and leaves nothing behind.
fn check_fails(args: &[&str], url: &str, says: &[&str]) {
    let folder = tempfile::TempDir::new().unwrap();
    let output = program(folder.path(), args, url);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{args:?} {told}");
    for said in says {
        assert!(told.contains(said), "{args:?} lacks {said:?}: {told}");
    }
    assert!(!told.contains("hunter2"), "{told}");
    assert!(!folder.path().join("data").exists(), "it left something");
}

#[test]
fn a_start_without_a_database_names_the_cause_and_leaves_nothing_behind() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    drop(socket);
    let place = format!("127.0.0.1:{port}");
    let url = format!("postgres://me:hunter2@{place}/orch");
    let cause = format!("no connection to PostgreSQL at {place}");
    let says = [cause.as_str(), "Connection refused", "start PostgreSQL"];
    let begun = Instant::now();
    check_fails(&["migrate"], &url, &says);
    check_fails(&["migrate", "--from", "sqlite:///a.db"], &url, &["a.db"]);
    check_fails(&["audit", "verify"], &url, &says);
    assert!(begun.elapsed() < PATIENCE);
    let says = [
        cause.as_str(),
        "trying again for 10 s",
        "Connection refused",
    ];
    check_fails(&["serve"], &url, &says);
}

#[test]
fn a_database_or_a_user_that_is_not_there_is_named_with_what_to_do() {
    let cluster = Postgres::start();
    let missing = cluster.url("nowhere");
    let says = [
        "has no database `nowhere`",
        "createdb -h 127.0.0.1",
        " nowhere`",
    ];
    for args in [["serve", "--port=0"], ["migrate", "--status"]] {
        check_fails(&args, &missing, &says);
    }
    let hba = "CREATE ROLE locked LOGIN PASSWORD 'other';
               DO $$ BEGIN EXECUTE format('COPY (SELECT * FROM (VALUES (%L), (%L)) v) TO PROGRAM %L',
                 'host all locked 127.0.0.1/32 scram-sha-256', 'host all all 127.0.0.1/32 trust',
                 'cat > ' || current_setting('hba_file')); END $$;
               SELECT pg_reload_conf()";
    assert!(cluster.query("postgres", hba));
    let url = cluster
        .url("postgres")
        .replace("postgres@", "locked:hunter2@");
    let says = [
        "does not let user `locked` in",
        "password authentication failed",
        "ALTER ROLE",
    ];
    check_fails(&["migrate", "--status"], &url, &says);
}

#[test]
fn a_url_that_would_be_misread_is_refused() {
    for (url, says) in [
        (
            "postgres://me:hunter2@db/orch?ssl=require",
            "no TLS to the database",
        ),
        (
            "postgres://me:hunter2@db/orch?sslmode=require",
            "no TLS to the database",
        ),
        (
            "postgres://me:hunter2@db/orch?foo=1",
            "`foo` is not known; accepted are host",
        ),
        (
            "postgres+foo://me:hunter2@db/orch",
            "+asyncpg, +pg8000, +psycopg",
        ),
        ("postgres://me:hunter2@x@db/orch", "write %40 for it"),
    ] {
        check_fails(&["serve"], url, &["ORCH_DATABASE_URL", says]);
        let from = ["migrate", "--to", url, "--from", "sqlite:///a.db"];
        check_fails(&from, "", &["--to cannot be used", says]);
        let folder = tempfile::TempDir::new().unwrap();
        let output = program(folder.path(), &["doctor"], url);
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(told.contains(says), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn a_socket_is_named_as_postgresql_names_it() {
    let cluster = Postgres::start();
    cluster.database("orch");
    let folder = tempfile::TempDir::new().unwrap();
    let output = program(folder.path(), &["migrate"], &cluster.socket_url("orch"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
}

#[test]
fn a_port_in_use_is_told_before_anything_is_made() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port().to_string();
    for command in ["serve", "up"] {
        let says = ["failed to listen", "free the address"];
        check_fails(&[command, "--port", &port], "", &says);
    }
}
