//! The API's own description: complete, and true of the running server.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::process::ended;
use crate::support::Installation;

/// Schemathesis takes 20 s on two cores; it must end on a machine that does much else, too.
const WITHIN: Duration = Duration::from_secs(180);

/// The ids are those of [`fill`]. Epochs and offsets are described as `int64`, and those from 2^63 to
/// 2^64 - 1 are read all the same: such an epoch is refused as stale where it counts, and nobody is
/// ever given one, so they are let pass.
const CONFIGURATION: &str = r#"
[parameters]
"path.id" = 1
"path.rid" = 1
"path.pid" = 1

[checks]
enabled = false
not_a_server_error.enabled = true
status_code_conformance.enabled = true
content_type_conformance.enabled = true
response_schema_conformance.enabled = true
negative_data_rejection.enabled = true
missing_required_header.enabled = true
unsupported_method.enabled = true
allow_header_conformance.enabled = true

[[operations]]
include-path-regex = '^/work-items/runs/(\{id\}/(artifacts|info-requests|logs|steps|summary|summaries)|steps/\{id\})$'
checks.negative_data_rejection.enabled = false
"#;

/// Schemathesis, as `make test` installs it: `SCHEMATHESIS_BIN`, else the one in the cache.
fn schemathesis() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let in_cache = || {
        let in_home = || Some(Path::new(&variable("HOME")?).join(".cache"));
        let cache = variable("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(in_home);
        let cache = cache.expect("HOME is set");
        cache.join("codex-orchestrator/schemathesis/bin/schemathesis")
    };
    let bin = variable("SCHEMATHESIS_BIN").map_or_else(in_cache, PathBuf::from);
    assert!(
        bin.is_file(),
        "schemathesis is missing at {}: `make test` installs it, or set SCHEMATHESIS_BIN",
        bin.display()
    );
    bin
}

/// One thing of each sort with the id 1, so that requests get further than 404.
async fn fill(server: &Installation) {
    let project = server.project().await;
    let text = json!({"content": "Customers must pay by card."});
    server
        .post(&format!("/projects/{project}/vision"), text)
        .await;
    server
        .post(
            &format!("/projects/{project}/requirements/propose"),
            json!(null),
        )
        .await;
    for path in ["requirements/1/approve", "tasks/plan"] {
        server
            .post(&format!("/projects/{project}/{path}"), json!(null))
            .await;
    }
    let item = server.item_with(project, "a", &["true"]).await;
    let waiting = server.item(project, "b").await;
    server
        .post(&format!("/work-items/{waiting}/approvals"), json!({}))
        .await;
    let run = server
        .post(&format!("/work-items/{item}/start"), json!(null))
        .await;
    for (part, body) in [
        ("logs", json!({"line": "a line"})),
        ("artifacts", json!({"name": "a", "content_base64": "YQ=="})),
        ("steps", json!({"name": "a", "status": "running"})),
        ("summary", json!({"content": "a word"})),
        (
            "info-requests",
            json!({"prompt": "?", "required_keys": ["KEY"]}),
        ),
    ] {
        server
            .post(&format!("/work-items/runs/{}/{part}", run["id"]), body)
            .await;
    }
    server.enqueue(waiting).await;
}

#[tokio::test]
async fn the_server_answers_as_its_description_says() {
    let bin = schemathesis();
    let server = Installation::serve();
    fill(&server).await;
    let config = server.folder.path().join("schemathesis.toml");
    std::fs::write(&config, CONFIGURATION).expect("writing the configuration");
    let report = server.folder.path().join("report");
    let output = File::create(&report).expect("a report");
    let mut running = Command::new(bin)
        .arg("--config-file")
        .arg(&config)
        .args(["run", &format!("{}/openapi.json", server.base)])
        .args(["--phases", "examples,coverage,fuzzing,stateful"])
        .args(["--max-examples", "10", "--seed", "1", "--no-color"])
        .args(["--generation-database", "none", "--continue-on-failure"])
        // They go on until the run is over.
        .args(["--exclude-path-regex", "/logs/(ws|stream)$"])
        .env("HOME", server.folder.path())
        .current_dir(server.folder.path())
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a second handle"))
        .stderr(output)
        .spawn()
        .expect("schemathesis starts");
    let begun = Instant::now();
    let status = ended(&mut running, WITHIN).await;
    let report = std::fs::read_to_string(&report).unwrap_or_default();
    let end = report.find("= FAILURES").unwrap_or(0);
    assert!(
        status.success(),
        "{status} after {:?}:\n{}",
        begun.elapsed(),
        &report[end..]
    );
    let tested = report.split("Tested: ").nth(1);
    let tested = tested.and_then(|rest| rest.split_whitespace().next()?.parse::<usize>().ok());
    assert!(tested >= Some(PROMISED.len()), "{tested:?}:\n{report}");
    assert_eq!(server.get("/observability/health").await["status"], "ok");
}

/// Method and path of what callers rely on.
const PROMISED: &[&str] = &[
    "delete /models/prices/{model}",
    "delete /projects/{id}/budget",
    "delete /projects/{id}/roles/{key}",
    "delete /projects/{id}/roles/{key}/memory/{note}",
    "get /agents",
    "get /api/agents",
    "get /api/orchestrate",
    "get /api/orchestrate/{request_id}",
    "get /api/orchestrate/{request_id}/calls",
    "get /api/sessions",
    "get /api/sessions/{session_id}",
    "get /audit",
    "get /logs",
    "get /metrics",
    "get /models",
    "get /models/prices",
    "get /observability/health",
    "get /observability/metrics",
    "get /observability/ping",
    "get /observability/traces",
    "get /observability/usage",
    "get /projects",
    "get /projects/{id}",
    "get /projects/{id}/budget",
    "get /projects/{id}/costs",
    "get /projects/{id}/imports",
    "get /projects/{id}/imports/{iid}",
    "get /projects/{id}/plans",
    "get /projects/{id}/plans/impact",
    "get /projects/{id}/plans/{pid}",
    "get /projects/{id}/plans/{pid}/diff",
    "get /projects/{id}/plans/{pid}/graph",
    "get /projects/{id}/quota",
    "get /projects/{id}/requirements",
    "get /projects/{id}/requirements/{rid}",
    "get /projects/{id}/requirements/{rid}/comments",
    "get /projects/{id}/requirements/{rid}/diff",
    "get /projects/{id}/roles",
    "get /projects/{id}/roles/{key}",
    "get /projects/{id}/roles/{key}/memory",
    "get /projects/{id}/vision",
    "get /projects/{id}/vision/attachments",
    "get /scheduler/queue",
    "get /work-items",
    "get /work-items/approvals",
    "get /work-items/runs",
    "get /work-items/runs/artifacts/{id}/raw",
    "get /work-items/runs/info-requests/{id}",
    "get /work-items/runs/self",
    "get /work-items/runs/{id}",
    "get /work-items/runs/{id}/artifacts",
    "get /work-items/runs/{id}/info-requests",
    "get /work-items/runs/{id}/logs",
    "get /work-items/runs/{id}/logs/stream",
    "get /work-items/runs/{id}/logs/ws",
    "get /work-items/runs/{id}/steps",
    "get /work-items/runs/{id}/summaries",
    "get /work-items/{id}",
    "get /work-items/{id}/policy",
    "get /work-items/{id}/runs",
    "get /work-items/{id}/tool-recipe",
    "patch /work-items/runs/steps/{id}",
    "post /api/orchestrate",
    "post /api/orchestrate/{request_id}/cancel",
    "post /models/{model}/test",
    "post /projects",
    "post /projects/{id}/import",
    "post /projects/{id}/plans/approve",
    "post /projects/{id}/plans/replan",
    "post /projects/{id}/plans/{pid}/approve",
    "post /projects/{id}/plans/{pid}/edits",
    "post /projects/{id}/quota",
    "post /projects/{id}/requirements/approve",
    "post /projects/{id}/requirements/propose",
    "post /projects/{id}/requirements/{rid}/approve",
    "post /projects/{id}/requirements/{rid}/comments",
    "post /projects/{id}/requirements/{rid}/edits",
    "post /projects/{id}/roles/{key}/memory",
    "post /projects/{id}/tasks/plan",
    "post /projects/{id}/vision",
    "post /runs/{id}/approve",
    "post /scheduler/enqueue",
    "post /scheduler/enqueue/batch",
    "post /scheduler/requeue/run/{id}",
    "post /scheduler/requeue/work-item",
    "post /scheduler/tick",
    "post /tasks/{id}/run",
    "post /work-items",
    "post /work-items/approvals/{id}/approve",
    "post /work-items/approvals/{id}/deny",
    "post /work-items/batch",
    "post /work-items/runs/info-requests/{id}/respond",
    "post /work-items/runs/{id}/artifacts",
    "post /work-items/runs/{id}/cancel",
    "post /work-items/runs/{id}/claim",
    "post /work-items/runs/{id}/complete",
    "post /work-items/runs/{id}/heartbeat",
    "post /work-items/runs/{id}/info-requests",
    "post /work-items/runs/{id}/logs",
    "post /work-items/runs/{id}/steer",
    "post /work-items/runs/{id}/steps",
    "post /work-items/runs/{id}/summary",
    "post /work-items/{id}/approvals",
    "post /work-items/{id}/policy",
    "post /work-items/{id}/start",
    "post /work-items/{id}/tool-recipe",
    "put /models/prices",
    "put /models/prices/{model}",
    "put /projects/{id}/budget",
    "put /projects/{id}/roles/{key}",
];

#[tokio::test]
async fn every_promised_path_is_described_and_shown_on_a_page() {
    let server = Installation::serve();
    let document = server.get("/openapi.json").await;
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3.1."),
        "{}",
        document["openapi"]
    );
    let is_described = |promised: &&str| {
        let (method, path) = promised.split_once(' ').expect("a method and a path");
        document["paths"][path][method].is_object()
    };
    let missing: Vec<_> = PROMISED.iter().filter(|one| !is_described(one)).collect();
    assert!(missing.is_empty(), "not described: {missing:?}");
    let page = server.get("/docs").await;
    let page = page.as_str().expect("a page");
    for path in ["/scheduler/enqueue", "/work-items/runs/{id}/claim"] {
        assert!(page.contains(path), "{path} is not on the page");
    }
}
