//! Steps in their sandbox, through the binary: what they reach, what they are refused, and that
//! nothing of them outlives the agent.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use crate::support::Installation;

const DEADLINE: Duration = Duration::from_secs(60);

fn up() -> Installation {
    Installation::with("up", &[("AGENT_SANDBOX", "bubblewrap")])
}

async fn run_recipe(up: &Installation, title: &str, recipe: &str, status: &str) -> Vec<String> {
    let item = up.item(up.project().await, title).await;
    up.post(
        &format!("/work-items/{item}/tool-recipe"),
        serde_json::json!({ "yaml": recipe }),
    )
    .await;
    up.enqueue(item).await;
    let run = up.wait_run(item, status).await;
    up.log_lines(run["id"].as_i64().unwrap()).await
}

fn has(lines: &[String], part: &str) -> bool {
    lines.iter().any(|line| line.contains(part))
}

#[tokio::test]
async fn steps_run_as_nobody_in_a_view_of_their_own_and_cannot_reach_the_server() {
    let up = up();
    let outside = up.folder.path().join("outside");
    let port = up.base.rsplit(':').next().unwrap();
    let recipe = format!(
        "steps:
  - run: test \"$(id -u)\" != 0 && echo made > made && cat made
  - run: if echo x > {0}; then exit 1; fi
  - run: if cat {1}/data/orchestrator.db; then exit 1; fi
  - run: |
      /usr/bin/python3 -c 'import socket
      try: socket.create_connection((\"127.0.0.1\",{port}),2)
      except OSError: print(\"no way to the server\")'
",
        outside.display(),
        up.folder.path().display()
    );
    let lines = run_recipe(&up, "stays inside", &recipe, "succeeded").await;
    assert!(
        has(&lines, "steps run in the sandbox `bubblewrap`"),
        "{lines:?}"
    );
    assert!(has(&lines, "no way to the server"), "{lines:?}");
    assert!(!outside.exists());
}

#[tokio::test]
async fn sandboxed_steps_end_with_an_agent_that_is_killed() {
    let mut up = up();
    let mark = format!("9876.{}", up.pid());
    let item = up
        .item_with(
            up.project().await,
            "hangs",
            &[&format!("(setsid sleep {mark} &); sleep {mark}")],
        )
        .await;
    up.enqueue(item).await;
    let sleeping = || {
        let commands = fs::read_dir("/proc").unwrap().flatten();
        let commands = commands.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
        let wanted = format!("sleep\0{mark}\0").into_bytes();
        commands.filter(|command| *command == wanted).count()
    };
    let wait = |count: usize| {
        let begun = Instant::now();
        while sleeping() != count {
            assert!(begun.elapsed() < DEADLINE, "{} are left", sleeping());
            thread::sleep(Duration::from_millis(5));
        }
    };
    wait(2);
    up.kill();
    wait(0);
}

#[tokio::test]
async fn a_recipe_reaches_the_hosts_that_it_lists_and_the_log_names_what_was_refused() {
    reaches_what_it_lists("bubblewrap").await;
}

#[tokio::test]
async fn under_landlock_too_and_what_passes_the_proxy_by_is_named() {
    reaches_what_it_lists("landlock").await;
}

async fn reaches_what_it_lists(sandbox: &str) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut client in server.incoming().flatten() {
            let _ = client.read(&mut [0; 1024]);
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nserved";
            let _ = client.write_all(answer.as_bytes());
        }
    });
    let folder = tempfile::tempdir().unwrap();
    // The unprivileged user of a step has to get to it.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path(), open).unwrap();
    let state = folder.path().to_str().unwrap();
    let up = Installation::with(
        "up",
        &[("AGENT_SANDBOX", sandbox), ("AGENT_STATE_DIR", state)],
    );
    let recipe = format!(
        "permissions:
  network: ['127.0.0.1:{port}']
steps:
  - run: curl -sS http://127.0.0.1:{port}/ | grep served
  - run: if curl -sSf {0}/observability/health; then exit 1; fi
  - run: if curl -sSf --noproxy '*' {0}/observability/health; then exit 1; fi
",
        up.base
    );
    let lines = run_recipe(&up, "fetches", &recipe, "succeeded").await;
    let own = up.base.trim_start_matches("http://");
    let refused = format!("the way to {own} is closed: it is this machine; list");
    assert!(has(&lines, "served"), "{lines:?}");
    assert!(has(&lines, &refused), "{lines:?}");
    let passed_by = format!("the way to {own} is closed: it was connected to directly");
    assert_eq!(has(&lines, &passed_by), sandbox == "landlock", "{lines:?}");
    let audit = up.get("/audit?kind=egress.refused").await;
    let entry = &audit[0];
    assert!(
        entry["actor"].as_str().unwrap().starts_with("agent:"),
        "{audit}"
    );
    let data = &entry["data"];
    let at = format!("{}:{}", data["host"].as_str().unwrap(), data["port"]);
    assert_eq!(
        (at.as_str(), &data["step"]),
        (own, &serde_json::json!(2)),
        "{audit}"
    );
}

#[tokio::test]
async fn a_step_does_not_reach_its_own_server_though_its_recipe_lists_it() {
    let folder = tempfile::tempdir().unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path(), open).unwrap();
    let state = folder.path().to_str().unwrap();
    let up = Installation::with(
        "up",
        &[("AGENT_SANDBOX", "bubblewrap"), ("AGENT_STATE_DIR", state)],
    );
    let own = up.base.trim_start_matches("http://");
    let port = own.rsplit(':').next().unwrap();
    let recipe = format!(
        "permissions:
  network: ['{own}', 'localhost:{port}']
steps:
  - run: if curl -sSf {0}/observability/health; then exit 1; fi
  - run: if curl -sSf http://localhost:{port}/observability/health; then exit 1; fi
",
        up.base
    );
    let lines = run_recipe(&up, "visits", &recipe, "succeeded").await;
    for host in [own.to_owned(), format!("localhost:{port}")] {
        let refused =
            format!("the way to {host} is closed: it is the server that the run works for");
        assert!(has(&lines, &refused), "{lines:?}");
    }
    let audit = up.get("/audit?kind=egress.refused").await;
    assert_eq!(audit.as_array().map(Vec::len), Some(2), "{audit}");
}

#[tokio::test]
async fn a_right_that_policy_denies_fails_the_run_with_the_policys_name() {
    let up = Installation::with(
        "up",
        &[
            ("AGENT_SANDBOX", "auto"),
            ("AGENT_ALLOWED_HOSTS", "*.example.com"),
        ],
    );
    let recipe = "permissions:\n  network: [pypi.org]\nsteps:\n  - run: echo hello\n";
    let lines = run_recipe(&up, "asks too much", recipe, "failed").await;
    assert!(!has(&lines, "stdout"), "{lines:?}");
    let runs = up.get("/work-items/runs").await;
    let reason = runs[0]["reason"].as_str().unwrap_or_default();
    assert!(
        reason.contains("the host `pypi.org`, which is denied by the agent's AGENT_ALLOWED_HOSTS"),
        "{runs}"
    );
}

#[test]
fn bounds_without_a_sandbox_are_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(crate::support::binary())
        .args(["agent", "--url", "http://127.0.0.1:1"])
        .env("AGENT_STATE_DIR", folder.path())
        .env("AGENT_LIMIT_MEMORY", "1G")
        .env("AGENT_SANDBOX", "process")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("AGENT_LIMIT_MEMORY needs a sandbox"),
        "{said}"
    );
}

#[test]
fn the_doctor_tells_what_each_sandbox_gives_here() {
    let server = Installation::serve();
    let said = server.cli(&["doctor"]);
    for part in ["sandbox bubblewrap", "sandbox landlock", "sandbox process"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(said.contains("a namespace of its own"), "{said}");
}
