//! The command line as a client of the API: what it prints, how it ends, where settings come from.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::process::ended;
use crate::support::{Installation, PATIENCE, binary};

fn run(mut command: Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("its input is piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

/// Runs a command with `--json`: it succeeds, and prints one JSON document and nothing else.
fn json_from(server: &Installation, args: &[&str], input: &str) -> Value {
    let mut command = server.command(args);
    command.arg("--json");
    let output = run(command, input);
    let out = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{args:?}: {}\n{out}\n{errors}",
        output.status
    );
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{args:?}: {error} in {out:?}"))
}

fn code(server: &Installation, args: &[&str]) -> Option<i32> {
    server
        .command(args)
        .output()
        .expect("it runs")
        .status
        .code()
}

#[test]
fn every_command_prints_json_and_nothing_else() {
    let server = Installation::serve();
    let json = |args: &[&str]| json_from(&server, args, "");
    let length = |list: Value| list.as_array().map(Vec::len);

    assert_eq!(json(&["project", "create", "shop", "-d", "books"])["id"], 1);
    assert_eq!(json(&["project", "list"])[0]["name"], "shop");
    assert_eq!(json(&["project", "show", "1"])["description"], "books");
    assert_eq!(
        json(&["project", "quota", "1", "--max-runs-per-day", "50"])["max_runs_per_day"],
        50
    );
    assert_eq!(json(&["quota", "1"])["max_runs_per_day"], 50);
    assert_eq!(json(&["quota"])[0]["project_id"], 1);

    let create = ["work", "create", "--project", "1", "greet", "--recipe", "-"];
    assert_eq!(
        json_from(&server, &create, "steps: [echo hello]\n")["id"],
        1
    );
    json(&["work", "create", "--project", "1", "tofu:apply"]);
    json(&["work", "create", "--project", "1", "ask"]);
    assert_eq!(length(json(&["work", "list"])), Some(3));
    assert_eq!(json(&["work", "show", "1"])["work_item"]["title"], "greet");
    assert_eq!(
        json(&["work", "policy", "1", "--max-retries", "2"])["max_retries"],
        2
    );
    assert_eq!(json(&["work", "policy", "1"])["max_retries"], 2);
    assert_eq!(json(&["work", "recipe", "1"])["status"], "valid");
    let recipe = ["work", "recipe", "1", "-"];
    assert_eq!(
        json_from(&server, &recipe, "steps: [echo hi]\n")["work_item_id"],
        1
    );
    assert_eq!(json(&["work", "requeue", "1"])["work_item_id"], 1);

    assert_eq!(json(&["queue"])[0]["status"], "queued");
    assert_eq!(json(&["tick"]), json!({"processed": 1, "run_ids": [1]}));
    assert_eq!(json(&["run", "list"])[0]["status"], "running");
    assert_eq!(json(&["run", "show", "1"])["run"]["work_item_id"], 1);
    assert_eq!(json(&["logs", "1"])["seq"], 0);
    assert_eq!(
        json(&["logs", "1", "--grep", "STARTING"])["stream"],
        "system"
    );
    assert_eq!(json(&["run", "cancel", "1"])["status"], "cancelled");
    assert_eq!(json(&["run", "watch", "1"])["status"], "cancelled");

    for reason in ["no", "go live"] {
        json(&["work", "request-approval", "2", "--reason", reason]);
        let waiting = json(&["approve"]);
        assert_eq!(waiting[0]["reason"], reason, "{waiting}");
        let id = waiting[0]["id"].to_string();
        let (verb, decided) = match reason {
            "no" => ("deny", "denied"),
            _ => ("approve", "approved"),
        };
        assert_eq!(json(&[verb, &id])["status"], decided);
    }
    assert_eq!(json(&["work", "start", "3"])["id"], 2);
}

#[tokio::test]
async fn questions_agents_and_the_audit_chain_are_json_too() {
    let up = Installation::up();
    let json = |args: &[&str]| json_from(&up, args, "");
    let item = up.item(up.project().await, "something unheard of").await;
    up.enqueue(item).await;
    up.wait_run(item, "waiting").await;
    let open = json(&["answer"]);
    assert_eq!(open[0]["required_keys"], json!(["steps"]));
    let id = open[0]["id"].to_string();
    assert_eq!(json(&["answer", &id, "steps=true"])["status"], "resolved");
    assert_eq!(
        json(&["run", "watch", "1", "--exit-status"])["status"],
        "succeeded"
    );
    assert_eq!(json(&["agent", "list"]).as_array().map(Vec::len), Some(1));
    let newest = json(&["audit", "list", "--kind", "run.started"]);
    assert_eq!(newest[0]["kind"], "run.started", "{newest}");
    assert_eq!(json(&["audit", "verify"])["first_bad"], json!(null));
    let report = json(&["doctor"]);
    assert!(
        report["checks"].is_array() && report["settings"].is_array(),
        "{report}"
    );
}

#[tokio::test]
async fn watching_with_exit_status_ends_as_the_run_did() {
    let up = Installation::up();
    let project = up.project().await;
    for (steps, expected) in [("true", 0), ("exit 7", 10)] {
        let item = up.item_with(project, "try", &[steps]).await;
        up.enqueue(item).await;
        let started = |runs: &Value| runs[0].is_object();
        let runs = up
            .wait_for(&format!("/work-items/{item}/runs"), "a run", started)
            .await;
        let id = runs[0]["id"].to_string();
        assert_eq!(
            code(&up, &["run", "watch", &id, "--exit-status"]),
            Some(expected)
        );
        assert_eq!(
            code(&up, &["run", "watch", &id]),
            Some(0),
            "unless asked for"
        );
    }
}

#[test]
fn refusals_conflicts_and_a_missing_server_have_exit_codes_of_their_own() {
    let mut server = Installation::serve();
    assert_eq!(code(&server, &["project", "show", "7"]), Some(4));
    assert_eq!(code(&server, &["no-such-command"]), Some(2));
    json_from(&server, &["project", "create", "shop"], "");
    json_from(&server, &["work", "create", "--project", "1", "a"], "");
    json_from(&server, &["work", "start", "1"], "");
    assert_eq!(code(&server, &["enqueue", "1"]), Some(5));
    server.stop();
    let output = server
        .command(&["queue", "--json"])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(output.stdout, b"");
    let error: Value = serde_json::from_slice(&output.stderr).expect("an error in JSON");
    assert_eq!(error["exit_code"], 3, "{error}");
    assert!(error.to_string().contains(&server.base), "{error}");
}

#[tokio::test]
async fn following_a_log_ends_with_the_run_and_misses_nothing() {
    let server = Installation::serve();
    let item = server.item(server.project().await, "talk").await;
    let run = server
        .post(&format!("/work-items/{item}/start"), json!(null))
        .await;
    let path = format!("/work-items/runs/{}", run["id"]);
    let mut follower = server
        .command(&["logs", &run["id"].to_string(), "-f"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    for line in ["one", "two", "three"] {
        server
            .post(&format!("{path}/logs"), json!({"line": line}))
            .await;
        assert_eq!(follower.try_wait().expect("it can be asked"), None);
    }
    server
        .post(&format!("{path}/complete?success=true"), json!(null))
        .await;
    let status = ended(&mut follower, PATIENCE).await;
    assert!(status.success(), "it ends with the run: {status}");
    let output = follower.wait_with_output().expect("its output");
    let out = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(&lines[1..4], ["one", "two", "three"], "{out}");
    assert!(lines[0].starts_with("Starting run"), "{out}");
}

#[test]
fn completions_and_manual_come_without_a_server() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let print = |args: &[&str]| {
        let output = Command::new(binary())
            .args(args)
            .env_clear()
            .envs(std::env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file)))
            .current_dir(folder.path())
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{args:?}: {}", output.status);
        String::from_utf8(output.stdout).expect("text")
    };
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = print(&["completions", shell]);
        assert!(script.contains("request-approval"), "{shell}: {script}");
    }
    assert!(print(&["man"]).contains(".TH codex-orchestrator 1"));
}

#[test]
fn env_files_are_read_and_the_stronger_source_wins() {
    let mut server = Installation::serve();
    let folder = server.folder.path().to_owned();
    let write = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).expect("writing");
    };
    let report = |set: &[(&str, &str)]| {
        let mut command = server.command(&["doctor", "--json"]);
        for name in ["ORCH_URL", "ORCH_DATA_DIR", "ORCH_RATE_LIMIT_PER_MIN"] {
            command.env_remove(name);
        }
        command.envs(set.iter().copied());
        let output = command.output().expect("it runs");
        let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
        let settings = report["settings"].as_array().expect("settings").clone();
        move |name: &str| {
            let found = settings.iter().find(|one| one["variable"] == name);
            let found = found.unwrap_or_else(|| panic!("no {name} in {settings:?}"));
            (found["value"].clone(), found["source"].clone())
        }
    };
    write(
        ".env",
        "ORCH_RATE_LIMIT_PER_MIN=11\nORCH_MAX_RETRIES=3\nORCH_BACKOFF_BASE_SECONDS=7\n",
    );
    write(
        ".env.local",
        "ORCH_RATE_LIMIT_PER_MIN=22\nORCH_MAX_RETRIES=4\n",
    );
    let setting = report(&[("ORCH_RATE_LIMIT_PER_MIN", "33")]);
    assert_eq!(
        setting("ORCH_RATE_LIMIT_PER_MIN"),
        (json!("33"), json!("environment"))
    );
    assert_eq!(
        setting("ORCH_MAX_RETRIES"),
        (json!("4"), json!(".env.local"))
    );
    assert_eq!(
        setting("ORCH_BACKOFF_BASE_SECONDS"),
        (json!("7"), json!(".env"))
    );

    // A client finds its server by them, and the server its token.
    write(".env", &format!("ORCH_URL={}\n", server.base));
    write(".env.local", "");
    let output = server
        .command(&["project", "list", "--json"])
        .env_remove("ORCH_URL")
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    server.stop();
    write(".env", "ORCH_API_TOKEN=of-env\n");
    write(".env.local", "ORCH_API_TOKEN=of-env-local\n");
    server.start();
    let code = |token| {
        let mut command = server.command(&["project", "list"]);
        let ended = command.env("ORCH_API_TOKEN", token).status();
        ended.expect("it runs").code()
    };
    assert_eq!((code("of-env"), code("of-env-local")), (Some(4), Some(0)));
}
