//! Workspaces from a repository: the commit that is meant, told and approved.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Installation, UNCONFINED, answer};

/// A repository that people push to.
pub struct Origin(PathBuf);

impl Origin {
    pub fn beside(installation: &Installation) -> Self {
        let origin = Self(installation.folder.path().join("origin"));
        fs::create_dir(&origin.0).unwrap();
        origin.git(&["init", "--quiet", "--initial-branch=main"]);
        origin
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn url(&self) -> String {
        format!("file://{}", self.0.display())
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .current_dir(&self.0)
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The commit in which `file` says `content`.
    pub fn commit(&self, file: &str, content: &str) -> String {
        fs::write(self.0.join(file), content).unwrap();
        self.git(&["add", "-A"]);
        self.git(&["commit", "--quiet", "-m", file]);
        self.git(&["rev-parse", "HEAD"])
    }
}

async fn project_on(up: &Installation, origin: &Origin) -> i64 {
    let new = json!({"name": "on a repository", "repository": {"url": origin.url()}});
    up.post("/projects", new).await["id"].as_i64().unwrap()
}

async fn item_on(up: &Installation, project: i64, reference: &str, steps: &[&str]) -> i64 {
    let new = json!({"project_id": project, "title": "work", "ref": reference});
    let item = up.post("/work-items", new).await["id"].as_i64().unwrap();
    let yaml = json!({"steps": steps}).to_string();
    up.post(
        &format!("/work-items/{item}/tool-recipe"),
        json!({"yaml": yaml}),
    )
    .await;
    item
}

#[tokio::test]
async fn a_run_works_on_the_commit_of_its_projects_repository_and_says_which() {
    let up = Installation::up();
    let origin = Origin::beside(&up);
    let first = origin.commit("greeting", "hello one\n");
    origin.git(&["branch", "old"]);
    let second = origin.commit("greeting", "hello two\n");
    let project = project_on(&up, &origin).await;

    let newest = up
        .item_with(project, "newest", &["cat greeting; echo on $ORCH_COMMIT"])
        .await;
    up.enqueue(newest).await;
    let run = up.wait_run(newest, "succeeded").await;
    assert_eq!(
        (&run["commit"], &run["repository"]),
        (&json!(second), &json!(origin.url()))
    );
    let lines = up.log_lines(run["id"].as_i64().unwrap()).await;
    assert!(lines.contains(&"hello two".to_owned()), "{lines:?}");
    assert!(lines.contains(&format!("on {second}")), "{lines:?}");

    let old = item_on(&up, project, "old", &["cat greeting; git log --format=%H"]).await;
    up.enqueue(old).await;
    let run = up.wait_run(old, "succeeded").await;
    assert_eq!(run["commit"], json!(first));
    let shown = up.cli(&["run", "show", &run["id"].to_string()]);
    assert!(shown.contains(&first), "{shown}");
    let audit = up.get("/audit?kind=run.commit_resolved&limit=10").await;
    let commits: Vec<&Value> = audit
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["data"]["commit"])
        .collect();
    assert_eq!(commits, [&json!(second), &json!(first)]);
}

#[tokio::test]
async fn a_data_folder_named_from_the_current_folder_serves_repositories_too() {
    let up = Installation::with("up", &[("ORCH_DATA_DIR", "./data")]);
    let origin = Origin::beside(&up);
    origin.commit("greeting", "hello\n");
    let project = project_on(&up, &origin).await;
    let item = up.item_with(project, "read", &["cat greeting"]).await;
    up.enqueue(item).await;
    up.wait_run(item, "succeeded").await;
}

#[tokio::test]
async fn a_branch_that_is_not_there_and_a_ref_without_a_repository_are_named() {
    let up = Installation::up();
    let origin = Origin::beside(&up);
    origin.commit("a", "1");
    let project = project_on(&up, &origin).await;
    for (project, part) in [
        (project, "`nowhere` is no branch or tag of file:///"),
        (up.project().await, "has no repository: set one"),
    ] {
        let item = item_on(&up, project, "nowhere", &["true"]).await;
        let policy = json!({"max_retries": 0});
        up.post(&format!("/work-items/{item}/policy"), policy).await;
        up.enqueue(item).await;
        let run = up.wait_run(item, "failed").await;
        let reason = run["reason"].as_str().unwrap();
        assert!(reason.contains(part), "{reason}");
    }
}

#[tokio::test]
async fn a_branch_that_moves_after_an_approval_changes_nothing() {
    let up = Installation::up();
    let origin = Origin::beside(&up);
    let approved = origin.commit("greeting", "approved\n");
    let project = project_on(&up, &origin).await;
    let item = item_on(&up, project, "main", &["cat greeting"]).await;
    let path = format!("/work-items/{item}");
    let before = up.get(&path).await["digest"].clone();
    let approval = up.post(&format!("{path}/approvals"), json!({})).await;
    let pinned = up.get(&path).await;
    assert_eq!(pinned["pinned_commit"], json!(approved));
    assert_eq!(approval["digest"], pinned["digest"]);
    assert_ne!(pinned["digest"], before, "the commit is part of the digest");

    origin.commit("greeting", "slipped in\n");
    let id = &approval["id"];
    up.post(&format!("/work-items/approvals/{id}/approve"), json!({}))
        .await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "succeeded").await;
    assert_eq!(run["commit"], json!(approved));
    let lines = up.log_lines(run["id"].as_i64().unwrap()).await;
    assert!(lines.contains(&"approved".to_owned()), "{lines:?}");

    // Another ref takes another approval.
    let change = up
        .request(Method::PATCH, &path)
        .json(&json!({"ref": "other"}));
    let (status, changed) = answer(change).await;
    assert!(status.is_success(), "{changed}");
    assert_eq!(changed["pinned_commit"], Value::Null);
    let (status, problem) = up.try_post(&format!("{path}/approvals"), json!({})).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (409, &json!("commit_unresolved"))
    );
}

#[tokio::test]
async fn addresses_that_carry_credentials_or_commands_are_refused() {
    let server = Installation::serve();
    for (url, part) in [
        (
            "https://me:hush@git.example/a",
            "must not carry credentials",
        ),
        ("ext::sh -c id", "spaces"),
        ("http://git.example/a", "loopback"),
    ] {
        let new = json!({"name": "p", "repository": {"url": url}});
        let (status, problem) = server.try_post("/projects", new).await;
        let text = problem.to_string();
        assert_eq!(status.as_u16(), 422, "{text}");
        assert!(text.contains(part) && !text.contains("hush"), "{text}");
    }
    let project = server.project().await;
    server.cli(&[
        "project",
        "set",
        &project.to_string(),
        "--repository",
        "https://git.example/a",
        "--ref",
        "main",
    ]);
    let shown = server.get(&format!("/projects/{project}")).await;
    assert_eq!(
        shown["repository"],
        json!({"url": "https://git.example/a", "ref": "main"})
    );
    server.cli(&["project", "set", &project.to_string(), "--no-repository"]);
    assert_eq!(
        server.get(&format!("/projects/{project}")).await["repository"],
        Value::Null
    );
}

#[tokio::test]
async fn steps_in_a_sandbox_read_the_history_and_cannot_change_the_mirror() {
    let up = Installation::with("up", &[("AGENT_SANDBOX", "bubblewrap")]);
    let origin = Origin::beside(&up);
    let commit = origin.commit("a", "1");
    let project = project_on(&up, &origin).await;
    let attack = "m=$(cat .git/objects/info/alternates); \
        git -c safe.directory='*' log --format='at %H'; \
        for f in $(find $m -type f); do chmod u+w $f; echo x >> $f; done; \
        rm -rf $m/* $m/../refs; touch $m/here; echo tried";
    let item = up.item_with(project, "attacks", &[attack]).await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "succeeded").await;
    let lines = up.log_lines(run["id"].as_i64().unwrap()).await;
    assert!(lines.contains(&format!("at {commit}")), "{lines:?}");
    assert!(lines.contains(&"tried".to_owned()), "{lines:?}");
    // The mirror alone has it now.
    fs::remove_dir_all(origin.path().join(".git")).unwrap();
    let again = item_on(&up, project, &commit, &["cat a"]).await;
    up.enqueue(again).await;
    up.wait_run(again, "succeeded").await;
}

#[tokio::test]
async fn a_run_goes_on_from_the_workspace_after_its_last_step_and_not_from_a_half_changed_one() {
    let mut up = Installation::with("up", &[UNCONFINED]);
    let out = up.folder.path().join("out");
    let half = format!(
        "echo half >> f; touch {0}.half; while [ ! -e {0}.go ]; do sleep 0.05; done; cp f {0}",
        out.display()
    );
    let item = up
        .item_with(
            up.project().await,
            "three",
            &["echo one > f", &half, "true"],
        )
        .await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "running").await;
    while !out.with_extension("half").exists() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    // What the server has not heard of is done again.
    let steps = format!("/work-items/runs/{}/steps", run["id"]);
    up.wait_for(&steps, "the first step", |steps| {
        steps[0]["status"] == "succeeded"
    })
    .await;
    up.kill();
    fs::write(out.with_extension("go"), "").unwrap();
    up.start();
    let done = up.wait_run(item, "succeeded").await;
    assert_eq!(done["id"], run["id"]);
    assert_eq!(fs::read_to_string(&out).unwrap(), "one\nhalf\n");
    let lines = up.log_lines(run["id"].as_i64().unwrap()).await;
    let said = lines
        .iter()
        .any(|line| line == "the workspace is as it was after step 1");
    assert!(said, "{lines:?}");
    let steps = up
        .get(&format!("/work-items/runs/{}/steps", run["id"]))
        .await;
    assert_eq!(steps[0]["detail"]["snapshot"]["entries"], 2, "{steps}");
}

/// Fails with a file of so many MiB in its workspace.
async fn fail_with(up: &Installation, project: i64, mib: usize) -> Value {
    let step = format!("head -c {mib}M /dev/zero > large; echo hush > ~/token; exit 3");
    let item = up.item_with(project, "fails", &[&step]).await;
    let policy = json!({"max_retries": 0});
    up.post(&format!("/work-items/{item}/policy"), policy).await;
    up.enqueue(item).await;
    up.wait_run(item, "failed").await
}

#[tokio::test]
async fn a_workspace_stays_after_a_failure_and_the_oldest_goes_when_the_cap_is_reached() {
    let up = Installation::with("up", &[("AGENT_DISK_CAP", "16M")]);
    let project = up.project().await;
    let kept = || -> Vec<Value> {
        serde_json::from_str(&up.cli(&["agent", "workspaces", "--json"])).unwrap()
    };
    let first = fail_with(&up, project, 12).await;
    let lines = up.log_lines(first["id"].as_i64().unwrap()).await;
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("the workspace stays on this agent until")),
        "{lines:?}"
    );
    let begun = std::time::Instant::now();
    while kept().is_empty() {
        assert!(begun.elapsed() < crate::support::PATIENCE);
    }
    let workspace = PathBuf::from(kept()[0]["workspace"].as_str().unwrap());
    assert_eq!(kept()[0]["run_id"], first["id"]);
    assert!(workspace.join("large").exists());
    let is_private = || !workspace.with_file_name("home").exists();
    while !is_private() {
        assert!(begun.elapsed() < crate::support::PATIENCE);
    }
    let second = fail_with(&up, project, 12).await;
    let third = up.item_with(project, "fits", &["true"]).await;
    up.enqueue(third).await;
    up.wait_run(third, "succeeded").await;
    assert!(!workspace.exists());
    let left = kept();
    assert!(
        left.iter().all(|one| one["run_id"] == second["id"]),
        "{left:?}"
    );

    let none = Installation::with("up", &[("AGENT_KEEP_FAILED", "0")]);
    let project = none.project().await;
    let run = fail_with(&none, project, 1).await;
    let folder = none
        .data_dir()
        .join(format!("agent/runs/run-{}", run["id"]));
    while folder.exists() {
        assert!(begun.elapsed() < crate::support::PATIENCE);
    }
}

/// A small disk.
struct Disk(PathBuf);

impl Disk {
    fn new(at: PathBuf, size: &str) -> Self {
        fs::create_dir_all(&at).unwrap();
        let options = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "orch-test"])
            .arg(&at)
            .status();
        assert!(
            mounted.unwrap().success(),
            "this test mounts a small disk, which takes root"
        );
        Self(at)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_named_and_leaves_nothing_behind() {
    let top = tempfile::tempdir().unwrap();
    let disk = Disk::new(top.path().join("state"), "6m");
    let state = disk.0.display().to_string();
    let env = [
        ("AGENT_STATE_DIR", state.as_str()),
        ("AGENT_MIN_FREE_BYTES", "0"),
    ];
    let up = Installation::with("up", &env);
    let origin = Origin::beside(&up);
    let small = origin.commit("a", "1");
    let noise: Vec<u8> = (0..9_u32 << 20)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    fs::write(origin.path().join("large"), noise).unwrap();
    origin.commit("b", "2");
    let project = project_on(&up, &origin).await;
    let large = up.item_with(project, "does not fit", &["true"]).await;
    up.post(
        &format!("/work-items/{large}/policy"),
        json!({"max_retries": 0}),
    )
    .await;
    up.enqueue(large).await;
    let run = up.wait_run(large, "failed").await;
    let reason = run["reason"].as_str().unwrap();
    assert!(
        reason.contains("no space is left on the agent's disk"),
        "{reason}"
    );
    let runs = disk.0.join("runs");
    let left = fs::read_dir(&runs).map_or(0, Iterator::count);
    assert_eq!(left, 0, "folders of runs that could not begin");
    // The disk is usable again.
    fs::write(disk.0.join("probe"), vec![1; 4 << 20]).unwrap();
    fs::remove_file(disk.0.join("probe")).unwrap();
    let plain = up
        .item_with(up.project().await, "fits", &["echo fits"])
        .await;
    up.enqueue(plain).await;
    up.wait_run(plain, "succeeded").await;
    assert!(!small.is_empty());
}

#[tokio::test]
async fn a_step_that_fills_the_disk_is_ended_before_it_is_full_and_leaves_it_free() {
    let top = tempfile::tempdir().unwrap();
    let disk = Disk::new(top.path().join("state"), "200m");
    let state = disk.0.display().to_string();
    let up = Installation::with("up", &[("AGENT_STATE_DIR", &state)]);
    let project = up.project().await;
    let fill = "dd if=/dev/zero of=f bs=1M count=400; echo after";
    let item = up.item_with(project, "fills the disk", &[fill]).await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "failed").await;
    let reason = run["reason"].as_str().unwrap();
    assert!(reason.contains("AGENT_MIN_FREE_BYTES"), "{reason}");
    // Nothing of it stays, and the next run has room.
    let next = up.item_with(project, "goes on", &["echo fine"]).await;
    up.enqueue(next).await;
    up.wait_run(next, "succeeded").await;
    assert!(
        !disk
            .0
            .join("runs")
            .join(format!("run-{}", run["id"]))
            .exists()
    );
}

/// Whether a process has this among its arguments.
fn is_running(argument: &str) -> bool {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let mut lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.any(|line| {
        line.split(|byte| *byte == 0)
            .any(|part| part == argument.as_bytes())
    })
}

#[tokio::test]
async fn nothing_is_left_of_an_agent_that_was_killed_in_a_sandboxed_step() {
    let mut up = Installation::with("up", &[("AGENT_SANDBOX", "bubblewrap")]);
    let marker = format!("98{}", up.pid());
    let step = format!("echo begun; setsid sleep {marker} & sleep {marker}");
    let item = up.item_with(up.project().await, "hangs", &[&step]).await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "running").await;
    let begun = std::time::Instant::now();
    while !is_running(&marker) {
        assert!(begun.elapsed() < crate::support::PATIENCE, "{}", up.log());
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    up.kill();
    up.start();
    let cancel = format!("/work-items/runs/{}/cancel", run["id"]);
    up.post(&cancel, json!(null)).await;
    let begun = std::time::Instant::now();
    while is_running(&marker) {
        assert!(begun.elapsed() < crate::support::PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let here = up.folder.path().display().to_string();
    assert!(!mounts.contains(&here), "a mount is left in {here}");
    let sandbox = up.data_dir().join("agent/sandbox");
    let names: Vec<String> = fs::read_dir(&sandbox)
        .map(|entries| {
            entries
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect()
        })
        .unwrap_or_default();
    assert!(names.iter().all(|name| name == "etc"), "{names:?}");
}
