//! Workspaces from a repository: the commit that is meant, told and approved.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Installation, answer};

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
