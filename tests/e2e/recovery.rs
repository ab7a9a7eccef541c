//! What the server and its agents do when the disk is full, and after a crash between an act and its
//! kept answer.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Installation, PATIENCE, UNCONFINED, answer};

#[tokio::test]
async fn an_act_whose_answer_was_lost_is_not_done_twice_and_says_where_to_look() {
    let mut server = Installation::with(
        "serve",
        &[("ORCH_FAILPOINTS", "server.idempotency.acted=kill")],
    );
    let asked = [
        ("/projects", json!({"name": "once"}), "/projects"),
        (
            "/work-items",
            json!({"project_id": 1, "title": "once"}),
            "/work-items",
        ),
    ];
    for (path, body, listed) in asked {
        let send = |server: &Installation| {
            server
                .request(Method::POST, path)
                .header("idempotency-key", path)
                .timeout(PATIENCE)
                .json(&body)
        };
        send(&server).send().await.expect_err("the server ends");
        server.kill();
        server.start();
        let (status, problem) = answer(send(&server)).await;
        assert_eq!(status, StatusCode::CONFLICT, "{problem}");
        assert_eq!(problem["code"], "outcome_unknown", "{problem}");
        let entry = server
            .get(&format!(
                "/audit?cursor={}&limit=1",
                problem["audit_first"].as_i64().unwrap() - 1
            ))
            .await;
        assert_eq!(entry[0]["seq"], problem["audit_first"], "{entry}");
        let next = problem["next"].as_str().unwrap();
        let shown = server.get(next.strip_prefix("GET ").unwrap()).await;
        let shown = shown.as_array().unwrap();
        assert_eq!(shown.first().unwrap()["seq"], problem["audit_first"]);
        assert_eq!(shown.last().unwrap()["seq"], problem["audit_last"]);
        let all = server.get(listed).await;
        assert_eq!(all.as_array().unwrap().len(), 1, "{all}");
    }
}

#[tokio::test]
async fn requests_that_come_together_with_one_key_are_one_act_and_one_answer() {
    let server = Installation::serve();
    let send = || {
        let request = server.request(Method::POST, "/projects");
        let request = request.header("idempotency-key", "together");
        answer(request.json(&json!({"name": "one"})))
    };
    let answers = futures::future::join_all((0..20).map(|_| send())).await;
    for (status, body) in &answers {
        assert_eq!((*status, body), (StatusCode::CREATED, &answers[0].1));
    }
    assert_eq!(server.get("/projects").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_free() {
    let server = Installation::serve();
    let send = || {
        server
            .request(Method::POST, "/work-items")
            .header("idempotency-key", "later")
            .json(&json!({"project_id": 1, "title": "waits for its project"}))
    };
    assert_eq!(answer(send()).await.0, StatusCode::NOT_FOUND);
    server.project().await;
    let (status, first) = answer(send()).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(answer(send()).await.1, first);
}

#[tokio::test]
async fn new_work_that_does_not_fit_is_refused_and_fits_later() {
    let server = Installation::with("serve", &[("ORCH_FAILPOINTS", "store.group.saved=full@1")]);
    let body = json!({"project_id": server.project().await, "title": "fits later"});
    let response = server
        .request(Method::POST, "/work-items")
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::INSUFFICIENT_STORAGE);
    assert_eq!(response.headers()["retry-after"], "5");
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["code"], "no_space", "{problem}");
    server.post("/work-items", body).await;
}

#[tokio::test]
async fn a_log_that_a_full_disk_refused_is_sent_again() {
    let up = Installation::with("up", &[("ORCH_FAILPOINTS", "store.log.flush=full@1")]);
    let item = up
        .item_with(up.project().await, "talks", &["echo said once"])
        .await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "succeeded").await;
    assert_eq!(run["attempt"], 1, "{run}");
    let lines = up.log_lines(run["id"].as_i64().unwrap()).await;
    let said = lines
        .iter()
        .filter(|line| line.contains("said once") && !line.contains("echo"));
    assert_eq!(said.count(), 1, "{lines:#?}");
}

/// A small file system of its own, until this is dropped.
struct Mount(PathBuf);

impl Mount {
    /// `None` where this user may not mount.
    fn small(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=48m", "tmpfs"])
            .arg(at)
            .output();
        let is_mounted = mounted.is_ok_and(|output| output.status.success());
        is_mounted.then(|| Self(at.to_owned()))
    }

    /// Writes until less is free than the server keeps back from new work.
    fn fill_nearly(&self) -> PathBuf {
        let filler = self.0.join("nearly");
        let most = vec![0_u8; 40 << 20];
        std::fs::write(&filler, most).expect("most of it fits");
        filler
    }

    /// Writes until nothing more fits.
    fn fill(&self) -> PathBuf {
        let filler = self.0.join("filler");
        let mut file = std::fs::File::create(&filler).expect("a file");
        for size in [1 << 20, 4096, 1] {
            let part = vec![0_u8; size];
            while file.write_all(&part).is_ok() {}
        }
        filler
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_refuses_new_work_serves_reads_and_lets_running_work_go_on_when_there_is_space()
{
    let outside = tempfile::TempDir::new().unwrap();
    let Some(mount) = Mount::small(&outside.path().join("disk")) else {
        eprintln!("SKIPPED: a full disk needs the right to mount a tmpfs");
        return;
    };
    let data = mount.0.join("data").display().to_string();
    let state = outside.path().join("agent").display().to_string();
    let env = [
        ("ORCH_DATA_DIR", data.as_str()),
        ("AGENT_STATE_DIR", state.as_str()),
        UNCONFINED,
        ("ORCH_MIN_FREE_BYTES", "8388608"),
    ];
    let up = Installation::with("up", &env);
    let go = outside.path().join("go");
    let step = format!(
        "i=0; while [ ! -e {} ]; do i=$((i+1)); printf 'line %d %01000d\\n' $i 0; sleep 0.01; done; echo lines $i",
        go.display()
    );
    let project = up.project().await;
    let item = up.item_with(project, "writes", &[&step]).await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "running").await;
    let logs = format!(
        "/work-items/runs/{}/logs?format=json&q=line%205%20",
        run["id"]
    );
    up.wait_for(&logs, "a log", |page| page["lines"][0].is_string())
        .await;

    let nearly = mount.fill_nearly();
    let body = json!({"project_id": project, "title": "new"});
    let create = || up.request(Method::POST, "/work-items").json(&body);
    let health = up
        .wait_for("/observability/health", "the fault", |health| {
            health["faults"][0]["kind"] == "disk_full"
        })
        .await;
    assert_eq!(health["status"], "degraded");
    assert!(health["faults"][0]["since"].is_string(), "{health}");
    let (status, problem) = answer(create()).await;
    assert_eq!(status, StatusCode::INSUFFICIENT_STORAGE, "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains(&data),
        "{problem}"
    );
    up.get("/work-items").await;
    let filler = mount.fill();
    let begun = std::time::Instant::now();
    while !up.log().contains("a commit failed") {
        assert!(
            begun.elapsed() < PATIENCE,
            "nothing was refused: {}",
            up.log()
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }

    std::fs::remove_file(filler).unwrap();
    std::fs::remove_file(nearly).unwrap();
    std::fs::write(&go, "").unwrap();
    let done = up.wait_run(item, "succeeded").await;
    assert_eq!((&done["id"], &done["epoch"]), (&run["id"], &run["epoch"]));
    let lines = up.log_lines(run["id"].as_i64().unwrap()).await;
    let said: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.split("line ").nth(1))
        .collect();
    let numbers: Vec<u64> = said
        .iter()
        .filter_map(|said| said.split(' ').next()?.parse().ok())
        .collect();
    let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
    assert_eq!(numbers, expected, "every line once and in order");
    let last = format!("lines {}", numbers.len());
    assert!(
        lines.iter().any(|line| line.ends_with(&last)),
        "no `{last}`"
    );
    let (status, created) = answer(create()).await;
    assert_eq!(status, StatusCode::CREATED, "{created}");
    up.wait_for("/observability/health", "health", |health| {
        health["status"] == "ok"
    })
    .await;
}
