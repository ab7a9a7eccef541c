//! Tools of a catalog, through the binary: from an entry to a program on a step's `PATH`.

use std::{fs, path::Path, process::Command};

use crate::support::Installation;

/// A catalog of one tool, `greet`, whose archive lies beside it.
struct Catalog {
    folder: tempfile::TempDir,
}

impl Catalog {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("greet-1.2.0/bin");
        fs::create_dir_all(&inside).unwrap();
        fs::write(
            inside.join("greet"),
            "#!/bin/sh\necho hello from greet 1.2.0\n",
        )
        .unwrap();
        run("chmod", &["755", "greet-1.2.0/bin/greet"], folder.path());
        run(
            "tar",
            &["czf", "greet.tar.gz", "greet-1.2.0"],
            folder.path(),
        );
        fs::remove_dir_all(folder.path().join("greet-1.2.0")).unwrap();
        fs::create_dir(folder.path().join("catalog")).unwrap();
        let catalog = Self { folder };
        let sha256 = catalog.sha256();
        catalog.write(&sha256);
        catalog
    }

    fn sha256(&self) -> String {
        let sum = run("sha256sum", &["greet.tar.gz"], self.folder.path());
        sum.split_whitespace().next().unwrap().to_owned()
    }

    fn path(&self) -> String {
        self.folder.path().join("catalog").display().to_string()
    }

    fn write(&self, sha256: &str) {
        let entry = format!(
            "name: greet\nversion: 1.2.0\nsource:\n  url: file://{}/greet.tar.gz\n  checksum: sha256:{sha256}\nstrip: 1\n",
            self.folder.path().display()
        );
        fs::write(self.folder.path().join("catalog/greet.yaml"), entry).unwrap();
    }
}

fn run(program: &str, args: &[&str], folder: &Path) -> String {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

async fn run_with_tool(up: &Installation, title: &str, version: &str, status: &str) -> Vec<String> {
    let item = up.item(up.project().await, title).await;
    let recipe =
        format!("tools:\n  - name: greet\n    version: {version}\nsteps:\n  - run: greet\n");
    up.post(
        &format!("/work-items/{item}/tool-recipe"),
        serde_json::json!({ "yaml": recipe }),
    )
    .await;
    up.enqueue(item).await;
    let run = up.wait_run(item, status).await;
    let mut lines = up.log_lines(run["id"].as_i64().unwrap()).await;
    lines.extend(run["reason"].as_str().map(str::to_owned));
    lines
}

fn has(lines: &[String], part: &str) -> bool {
    lines.iter().any(|line| line.contains(part))
}

#[tokio::test]
async fn a_tool_of_the_catalog_is_fetched_once_and_runs_in_the_sandbox() {
    let catalog = Catalog::new();
    let up = Installation::with(
        "up",
        &[
            ("AGENT_SANDBOX", "bubblewrap"),
            ("AGENT_TOOL_CATALOG", &catalog.path()),
            ("AGENT_TOOL_UNSIGNED", "allow"),
        ],
    );
    let lines = run_with_tool(&up, "first", "^1.1", "succeeded").await;
    assert!(
        has(&lines, "tool greet resolved to 1.2.0: sha256:"),
        "{lines:?}"
    );
    assert!(has(&lines, "UNSIGNED"), "{lines:?}");
    assert!(
        has(&lines, "fetched, checked and installed in"),
        "{lines:?}"
    );
    assert!(has(&lines, "hello from greet 1.2.0"), "{lines:?}");
    // The source is not needed any more.
    fs::remove_file(catalog.folder.path().join("greet.tar.gz")).unwrap();
    let lines = run_with_tool(&up, "second", "1.x", "succeeded").await;
    assert!(has(&lines, "taken from the cache in"), "{lines:?}");
    assert!(has(&lines, "hello from greet 1.2.0"), "{lines:?}");
    let metrics = up.get("/observability/metrics").await;
    assert_eq!(
        (&metrics["tool_cache_hits"], &metrics["tool_cache_misses"]),
        (&1.into(), &1.into())
    );
    let artifacts = up.get("/work-items/runs/1/artifacts").await;
    assert!(
        artifacts.to_string().contains("tools.lock.json"),
        "{artifacts}"
    );
}

#[tokio::test]
async fn what_cannot_be_trusted_is_not_installed_and_the_run_says_why() {
    let catalog = Catalog::new();
    let path = catalog.path();
    let settings = [
        ("AGENT_TOOL_CATALOG", path.as_str()),
        ("AGENT_TOOL_UNSIGNED", "allow"),
    ];
    let up = Installation::with("up", &settings);
    catalog.write(&"0".repeat(64));
    let lines = run_with_tool(&up, "wrong checksum", "1.2.0", "failed").await;
    assert!(has(&lines, "wrong checksum for"), "{lines:?}");
    assert!(has(&lines, "nothing was installed"), "{lines:?}");
    catalog.write("deadbeef");
    let lines = run_with_tool(&up, "half a checksum", "1.2.0", "failed").await;
    assert!(has(&lines, "has 8 of 64 digits"), "{lines:?}");
    catalog.write(&catalog.sha256());
    let lines = run_with_tool(&up, "no such version", "2.x", "failed").await;
    assert!(
        has(&lines, "greet has no version `2.x`; the nearest is 1.2.0"),
        "{lines:?}"
    );
    fs::remove_file(catalog.folder.path().join("greet.tar.gz")).unwrap();
    let lines = run_with_tool(&up, "vanished", "1.2.0", "failed").await;
    assert!(has(&lines, "the source has vanished"), "{lines:?}");
    let up = Installation::with("up", &[("AGENT_TOOL_CATALOG", &path)]);
    let lines = run_with_tool(&up, "unsigned", "1.2.0", "failed").await;
    assert!(has(&lines, "is not signed by a trusted key"), "{lines:?}");
}

/// A catalog whose entry is signed, and the settings that trust it.
fn sign(catalog: &Catalog) -> String {
    let key = catalog.folder.path().join("key");
    let key = key.to_str().unwrap();
    let program = crate::support::binary();
    run(program, &["tool", "keygen", key], catalog.folder.path());
    run(
        program,
        &["tool", "sign", "--key", key, "catalog/greet.yaml"],
        catalog.folder.path(),
    );
    format!("{key}.pub")
}

/// Settings under which a sandboxed step may ask for what this policy leaves to it.
fn answering<'s>(catalog: &'s str, key: &'s str, policy: &'s str) -> [(&'s str, &'s str); 4] {
    [
        ("AGENT_SANDBOX", "bubblewrap"),
        ("AGENT_TOOL_CATALOG", catalog),
        ("AGENT_TOOL_KEYS", key),
        ("ORCH_TOOL_REQUESTS", policy),
    ]
}

#[tokio::test]
async fn a_process_in_the_sandbox_is_given_the_tool_that_policy_allows_and_no_other() {
    let catalog = Catalog::new();
    let (path, key) = (catalog.path(), sign(&catalog));
    let settings = answering(&path, &key, "greet@^1");
    let up = Installation::with("up", &settings);
    let steps = [
        "! command -v greet",
        "codex-orchestrator tool request greet",
        "greet",
        "if codex-orchestrator tool request greet@2.x; then exit 1; fi",
        "if codex-orchestrator tool request nothing; then exit 1; fi",
    ];
    let item = up
        .item_with(up.project().await, "asks for a tool", &steps)
        .await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "succeeded").await;
    let lines = up.log_lines(run["id"].as_i64().unwrap()).await;
    assert!(
        has(&lines, "given on request: tool greet 1.2.0"),
        "{lines:?}"
    );
    assert!(has(&lines, "hello from greet 1.2.0"), "{lines:?}");
    assert!(
        has(&lines, "the request for nothing was denied"),
        "{lines:?}"
    );
    let granted = up.get("/audit?kind=tool.granted").await;
    assert!(granted.to_string().contains("greet"), "{granted}");
    let mut settings = settings;
    settings[3].1 = "other";
    let up = Installation::with("up", &settings);
    let steps = ["if codex-orchestrator tool request greet; then exit 1; fi"];
    let item = up
        .item_with(up.project().await, "asks for a tool", &steps)
        .await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "succeeded").await;
    let lines = up.log_lines(run["id"].as_i64().unwrap()).await;
    assert!(
        has(
            &lines,
            "the policy ORCH_TOOL_REQUESTS does not allow `greet`"
        ),
        "{lines:?}"
    );
    let denied = up.get("/audit?kind=tool.denied").await;
    assert!(denied.to_string().contains("greet"), "{denied}");
}

#[tokio::test]
async fn a_tool_whose_entry_was_changed_is_never_taken_from_the_path() {
    let catalog = Catalog::new();
    let (path, key) = (catalog.path(), sign(&catalog));
    let entry = catalog.folder.path().join("catalog/greet.yaml");
    let text = std::fs::read_to_string(&entry).unwrap();
    std::fs::write(&entry, format!("{text}# changed\n")).unwrap();
    let bin = catalog.folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let impostor = bin.join("greet");
    std::fs::write(&impostor, "#!/bin/sh\necho impostor\n").unwrap();
    std::fs::set_permissions(
        &impostor,
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let search = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let settings = [
        ("AGENT_TOOL_CATALOG", path.as_str()),
        ("AGENT_TOOL_KEYS", key.as_str()),
        ("PATH", search.as_str()),
    ];
    let up = Installation::with("up", &settings);
    let project = up.project().await;
    for (tool, said) in [
        (
            "{name: greet}",
            "the signature does not belong to this text",
        ),
        (
            "{name: other, checksum: \"sha256:0000000000000000000000000000000000000000000000000000000000000001\"}",
            "a program on the PATH is not checked",
        ),
    ] {
        let item = up.item(project, "wants a tool").await;
        let recipe = format!("tools: [{tool}]\nsteps: [greet]\n");
        let place = format!("/work-items/{item}/tool-recipe");
        up.post(&place, serde_json::json!({ "yaml": recipe })).await;
        up.enqueue(item).await;
        let run = up.wait_run(item, "failed").await;
        let reason = run["reason"].as_str().unwrap();
        assert!(reason.contains(said), "{reason}");
        let lines = up.log_lines(run["id"].as_i64().unwrap()).await;
        assert!(!has(&lines, "impostor"), "{lines:?}");
    }
}

#[tokio::test]
async fn a_tool_that_policy_leaves_to_a_person_is_given_when_they_allow_it_and_not_before() {
    let catalog = Catalog::new();
    let (path, key) = (catalog.path(), sign(&catalog));
    let settings = answering(&path, &key, "ask:greet");
    let up = Installation::with("up", &settings);
    let project = up.project().await;
    let requests = "/work-items/runs/info-requests?status=pending";
    for (answer, step, expected) in [
        (
            "allow",
            "codex-orchestrator tool request greet && greet",
            "hello from greet 1.2.0",
        ),
        (
            "refuse",
            "if codex-orchestrator tool request greet; then exit 1; fi",
            "a person refused it",
        ),
    ] {
        let item = up.item_with(project, answer, &[step]).await;
        up.enqueue(item).await;
        let asked = up
            .wait_for(requests, "a question", |asked| asked[0]["id"].is_i64())
            .await;
        let prompt = asked[0]["prompt"].as_str().unwrap();
        assert!(prompt.contains("asks for the tool greet 1.2.0"), "{prompt}");
        let id = asked[0]["id"].to_string();
        up.cli(&["answer", &id, &format!("tool_request={answer}")]);
        let run = up.wait_run(item, "succeeded").await;
        let lines = up.log_lines(run["id"].as_i64().unwrap()).await;
        assert!(
            has(
                &lines,
                "waits: the policy ORCH_TOOL_REQUESTS leaves it to a person"
            ),
            "{lines:?}"
        );
        assert!(has(&lines, expected), "{lines:?}");
    }
    for (kind, part) in [
        ("tool.asked", "info_request_id"),
        ("tool.granted", "info_request_id"),
        ("tool.denied", "a person refused it"),
    ] {
        let audit = up.get(&format!("/audit?kind={kind}")).await;
        assert!(audit.to_string().contains(part), "{kind}: {audit}");
    }
}
