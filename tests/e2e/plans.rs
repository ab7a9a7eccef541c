//! From approved requirements to a plan that is edited, checked and approved, over HTTP and by the command
//! line.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Installation, answer, told};

const VISION: &str = "We want a web shop for used bikes. Customers must pay by card. Customers can reserve a bike. \
                      The shop must send a receipt by mail. Pages must load within 2 seconds. Use PostgreSQL.";

/// A project whose requirements are approved.
pub async fn approved_requirements(server: &Installation, vision: &str) -> (i64, Value) {
    let project = server.project().await;
    (project, approve_requirements(server, project, vision).await)
}

/// Gives a project requirements by rules, and approves them.
pub async fn approve_requirements(server: &Installation, project: i64, vision: &str) -> Value {
    let base = format!("/projects/{project}");
    let content = json!({"content": vision});
    server.post(&format!("{base}/vision"), content).await;
    let path = format!("{base}/requirements/propose");
    server.post(&path, json!({"by": "rules"})).await;
    approve_newest(server, project, "requirements").await
}

/// Approves the newest version of `what` (`requirements`, `plans`) by its digest.
pub async fn approve_newest(server: &Installation, project: i64, what: &str) -> Value {
    let base = format!("/projects/{project}/{what}");
    let versions = server.get(&base).await;
    let versions = versions.as_array().expect("versions");
    let newest = versions.iter().max_by_key(|version| version["id"].as_i64());
    let digest = &newest.expect("a version")["digest"];
    server
        .post(&format!("{base}/approve"), json!({"digest": digest}))
        .await
}

pub async fn planned(server: &Installation) -> (i64, Value) {
    let (project, _) = approved_requirements(server, VISION).await;
    let path = format!("/projects/{project}/tasks/plan");
    (project, server.post(&path, json!({})).await)
}

pub fn tasks(plan: &Value) -> &Vec<Value> {
    plan["tasks"].as_array().expect("tasks")
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

pub fn list(value: &Value) -> Vec<&str> {
    let all = value
        .as_array()
        .unwrap_or_else(|| panic!("no list: {value}"));
    all.iter().map(text).collect()
}

pub fn conflict(code: &str) -> (StatusCode, Value) {
    (StatusCode::CONFLICT, json!(code))
}

pub async fn refused(server: &Installation, path: &str, body: Value) -> (StatusCode, Value) {
    let (status, problem) = server.try_post(path, body).await;
    (status, problem["code"].clone())
}

#[tokio::test]
async fn a_plan_needs_approved_requirements_and_says_what_to_do() {
    let server = Installation::serve();
    let project = server.project().await;
    let base = format!("/projects/{project}");
    let propose = format!("{base}/tasks/plan");
    let (status, problem) = server.try_post(&propose, json!(null)).await;
    assert_eq!(
        (status, problem["code"].clone()),
        conflict("requirements_not_approved")
    );
    assert!(
        text(&problem["detail"]).contains("/requirements/propose"),
        "{problem}"
    );
    server
        .post(&format!("{base}/vision"), json!({"content": VISION}))
        .await;
    let path = format!("{base}/requirements/propose");
    let proposed = server.post(&path, json!(null)).await;
    let (_, problem) = server.try_post(&propose, json!(null)).await;
    let approve = format!("/requirements/{}/approve", proposed["id"]);
    assert!(text(&problem["detail"]).contains(&approve), "{problem}");

    assert_eq!(server.get(&format!("{base}/plans")).await, json!([]));
    for path in ["plans/approve", "plans/replan"] {
        let body = match path {
            "plans/replan" => json!({"reason": "x"}),
            _ => json!({"digest": "0".repeat(64)}),
        };
        let code = refused(&server, &format!("{base}/{path}"), body).await;
        assert_eq!(code.0, StatusCode::CONFLICT, "{path}");
    }
    let (status, _) = answer(server.request(Method::GET, &format!("{base}/plans/1"))).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, _) = server
        .try_post("/projects/99/tasks/plan", json!(null))
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn faulty_edits_and_hostile_titles_do_no_harm() {
    let server = Installation::serve();
    let (project, plan) = planned(&server).await;
    let base = format!("/projects/{project}/plans");
    let path = format!("{base}/{}/edits", plan["id"]);
    let id = tasks(&plan)[0]["id"].clone();
    for (edit, field) in [
        (
            json!({"op": "change_task", "id": "T-999", "title": "x"}),
            "id",
        ),
        (json!({"op": "change_task", "title": "x"}), "id"),
        (json!({"op": "add_task", "title": "x"}), "story"),
        (
            json!({"op": "add_task", "title": "x", "story": "S-999"}),
            "story",
        ),
        (
            json!({"op": "change_task", "id": id, "kind": "wish"}),
            "kind",
        ),
        (
            json!({"op": "change_task", "id": id, "role": "poet"}),
            "role",
        ),
        (json!({"op": "add_dependency", "task": id}), "on"),
        (json!({"op": "add_dependency", "task": id, "on": id}), "on"),
        (
            json!({"op": "change_task", "id": id, "title": " "}),
            "title",
        ),
        (
            json!({"op": "change_task", "id": id, "title": "a\u{1b}[31m"}),
            "title",
        ),
        (
            json!({"op": "set_estimate", "id": id, "low_minutes": 9}),
            "likely_minutes",
        ),
    ] {
        let (status, problem) = server.try_post(&path, json!({"edits": [edit]})).await;
        assert_eq!(
            status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{edit} {problem:#}"
        );
        assert_eq!(
            problem["errors"][0]["field"],
            format!("edits[0].{field}"),
            "{problem:#}"
        );
    }
    let (status, _) = server.try_post(&path, json!({"edits": []})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, problem) = server
        .try_post(
            &format!("/projects/{project}/tasks/plan"),
            json!({"by": "magic"}),
        )
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");

    let hostile = "\"]; click T-1 \"javascript:alert(1)\" <script>alert(1)</script> --> end";
    let edits = json!({"edits": [{"op": "change_task", "id": id, "title": hostile}]});
    let edited = server.post(&path, edits).await;
    for format in ["text", "mermaid", "dot"] {
        let path = format!("{base}/{}/graph?format={format}", edited["id"]);
        let drawn = server.get(&path).await;
        let drawn = text(&drawn);
        assert!(format != "mermaid" || !drawn.contains("<script"), "{drawn}");
        assert!(format != "dot" || !drawn.contains(" \"]; click"), "{drawn}");
    }
    let graph = server.get(&format!("{base}/{}/graph", edited["id"])).await;
    assert_eq!(
        graph["nodes"].as_array().map(Vec::len),
        Some(tasks(&plan).len())
    );
    let path = format!("{base}/{}/graph?format=png", edited["id"]);
    let (status, _) = answer(server.request(Method::GET, &path)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let approved = approve_newest(&server, project, "plans").await;
    let items = server.get("/work-items").await;
    assert!(
        items
            .as_array()
            .expect("items")
            .iter()
            .all(|item| !text(&item["title"]).contains(char::is_control)),
        "{approved:#}"
    );
}

#[tokio::test]
async fn a_plan_that_is_not_sound_is_shown_with_its_faults_and_not_approved() {
    let server = Installation::serve();
    let (project, plan) = planned(&server).await;
    let base = format!("/projects/{project}/plans");
    let removals: Vec<Value> = tasks(&plan)
        .iter()
        .map(|task| json!({"op": "remove_task", "id": task["id"]}))
        .collect();
    let path = format!("{base}/{}/edits", plan["id"]);
    let edited = server.post(&path, json!({"edits": removals})).await;
    let faults = edited["faults"].as_array().expect("faults");
    assert!(
        faults.iter().any(|fault| fault["blocking"] == true),
        "{edited:#}"
    );
    let (status, problem) = server
        .try_post(
            &format!("{base}/approve"),
            json!({"digest": edited["digest"]}),
        )
        .await;
    assert_eq!(
        (status, problem["code"].clone()),
        conflict("plan_not_sound")
    );
    assert!(text(&problem["detail"]).contains("R-"), "{problem}");
    assert_eq!(server.get("/work-items").await, json!([]));
}

#[tokio::test]
async fn the_command_line_leads_from_requirements_to_work() {
    let server = Installation::serve();
    let project = server.project().await.to_string();
    let (code, _, err) = told(server.command(&["plan", "show", &project]));
    assert_eq!(code, 4, "{err}");
    assert!(
        err.contains("next: codex-orchestrator plan propose"),
        "{err}"
    );
    let (code, _, err) = told(server.command(&["plan", "propose", &project]));
    assert_eq!(code, 5, "{err}");
    assert!(err.contains("requirements"), "{err}");
    for (args, next) in [
        (["plan", "impact", &project].as_slice(), "plan propose"),
        (
            &["plan", "replan", &project, "--reason", "x"],
            "requirements show",
        ),
    ] {
        let (code, _, err) = told(server.command(args));
        assert_eq!(code, 5, "{err}");
        assert!(
            err.contains(&format!("next: codex-orchestrator {next} {project}")),
            "{err}"
        );
    }

    let vision = server.folder.path().join("vision.txt");
    std::fs::write(&vision, VISION).expect("writing a file");
    let vision = vision.to_str().expect("a path in UTF-8");
    server.cli(&["vision", "submit", &project, vision]);
    server.cli(&["requirements", "propose", &project]);
    // Nobody is there to be asked, and the newest version is not approved unread.
    let (code, _, err) = told(server.command(&["requirements", "approve", &project]));
    assert_eq!(code, 2, "{err}");
    assert!(
        err.contains("--version") && err.contains("--digest"),
        "{err}"
    );
    let shown = server.cli(&["requirements", "show", &project, "--json"]);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    let digest = text(&shown["digest"]);
    server.cli(&["requirements", "approve", &project, "--digest", digest]);
    let out = server.cli(&["plan", "propose", &project]);
    for expected in ["T-1", "S-1", "E-1", "critical path", "digest"] {
        assert!(out.contains(expected), "{expected} lacks in {out}");
    }
    let (code, _, err) = told(server.command(&["plan", "diff", &project]));
    assert_eq!(code, 5, "{err}");
    assert!(err.contains("next: codex-orchestrator plan list"), "{err}");
    let edited = server.cli(&[
        "plan",
        "edit",
        &project,
        "--set",
        "T-1.title=Begin here",
        "--reason",
        "a talk",
    ]);
    assert!(edited.contains("Begin here"), "{edited}");
    let diff = server.cli(&["plan", "diff", &project]);
    assert!(diff.contains("→ Begin here"), "{diff}");
    let drawn = server.cli(&["plan", "graph", &project, "--format", "dot"]);
    assert!(drawn.contains("digraph"), "{drawn}");
    let graph = server.cli(&["plan", "graph", &project, "--json"]);
    let graph: Value = serde_json::from_str(&graph).expect("JSON");
    assert!(graph["nodes"].is_array());

    let (code, _, err) = told(server.command(&["plan", "approve", &project]));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("--digest"), "{err}");
    let zeros = "0".repeat(64);
    let wrong = server.command(&["plan", "approve", &project, "--digest", &zeros]);
    let (code, _, err) = told(wrong);
    assert_eq!(code, 5, "{err}");
    let shown = server.cli(&["plan", "show", &project, "--json"]);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    let digest = text(&shown["digest"]);
    let approved = server.cli(&["plan", "approve", &project, "--digest", digest, "--json"]);
    let approved: Value = serde_json::from_str(&approved).expect("JSON");
    assert_eq!(approved["status"], "approved");
    let task = server.cli(&["plan", "show", &project, "--task", "T-1"]);
    assert!(task.contains("Begin here"), "{task}");
    let impact = server.cli(&["plan", "impact", &project]);
    assert!(impact.contains("requirements"), "{impact}");
    server.cli(&["plan", "replan", &project, "--reason", "the first day"]);
    let history = server.cli(&["plan", "list", &project]);
    assert!(history.contains("the first day"), "{history}");
    let (code, _, err) = told(server.command(&["plan", "edit", &project]));
    assert_eq!(code, 2, "{err}");
}

/// What is approved is what was read: the newest version is not, where nobody says which that is.
#[tokio::test]
async fn an_approval_names_a_version_or_the_digest_that_was_read() {
    let server = Installation::serve();
    let project = server.project().await;
    let base = format!("/projects/{project}");
    server
        .post(&format!("{base}/vision"), json!({"content": VISION}))
        .await;
    let unread = |what: &'static str| {
        let path = format!("{base}/{what}/approve");
        let server = &server;
        async move {
            for body in [json!(null), json!({})] {
                let (status, problem) = server.try_post(&path, body).await;
                assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
                assert_eq!(problem["errors"][0]["field"], "digest", "{problem}");
                assert!(text(&problem["detail"]).contains("If-Match"), "{problem}");
            }
            let any = server.request(Method::POST, &path).header("if-match", "*");
            assert_eq!(answer(any).await.0, StatusCode::UNPROCESSABLE_ENTITY);
            path
        }
    };
    let requirements = server
        .post(&format!("{base}/requirements/propose"), json!(null))
        .await;
    let path = unread("requirements").await;
    let tag = format!("\"{}\"", text(&requirements["digest"]));
    let read = server.request(Method::POST, &path).header("if-match", &tag);
    let (status, approved) = answer(read).await;
    assert_eq!(
        (status, &approved["status"]),
        (StatusCode::OK, &json!("approved"))
    );

    let plan = server
        .post(&format!("{base}/tasks/plan"), json!(null))
        .await;
    let path = unread("plans").await;
    let zeros = json!({"digest": "0".repeat(64)});
    assert_eq!(
        refused(&server, &path, zeros).await,
        conflict("digest_changed")
    );
    let approved = server.post(&path, json!({"digest": plan["digest"]})).await;
    assert_eq!(
        (&approved["id"], &approved["status"]),
        (&plan["id"], &json!("approved"))
    );
}

/// Errors of `plan edit` and `plan show` say what is there; criteria are set by flags.
#[tokio::test]
async fn the_command_line_sets_criteria_and_refuses_what_is_not_there_or_out_of_order() {
    let server = Installation::serve();
    let (project, plan) = planned(&server).await;
    let project = project.to_string();
    let edit = |args: &[&str]| told(server.command(&[&["plan", "edit", &project], args].concat()));
    for args in [["--set", "T-333.likely=1"], ["--accept", "T-333=It holds"]] {
        let (code, _, err) = edit(&args);
        assert_eq!(code, 4, "{err}");
        assert!(err.contains("has no task T-333"), "{err}");
    }
    let (code, _, err) = told(server.command(&["plan", "show", &project, "--task", "T-333"]));
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("has no task T-333"), "{err}");
    let high = &tasks(&plan)[2]["estimate"]["high_minutes"];
    let high = high.as_i64().expect("minutes") + 1;
    let (code, _, err) = edit(&["--set", &format!("T-3.low={high}")]);
    assert_eq!(code, 2, "{err}");
    let expected = format!("T-3 would be estimated at low {high}, likely ");
    assert!(
        err.contains(&expected) && err.contains("expected low <= likely <= high"),
        "{err}"
    );

    let set = edit(&[
        "--accept",
        "T-1,T-2=It is written down :: test -s plan.md",
        "--json",
    ]);
    assert_eq!(set.0, 0, "{}", set.2);
    let set: Value = serde_json::from_str(&set.1).expect("JSON");
    for task in &tasks(&set)[..2] {
        let criteria = task["acceptance"].as_array().expect("criteria");
        let added = json!({"text": "It is written down", "command": "test -s plan.md"});
        assert!(criteria.len() > 1 && criteria.contains(&added), "{task:#}");
    }
}

/// Where a project has no repository each run begins in an empty folder, and whoever approves is told.
#[tokio::test]
async fn a_plan_of_a_project_without_a_repository_says_so_until_one_is_set() {
    let server = Installation::serve();
    let (project, plan) = planned(&server).await;
    assert_eq!(plan["without_repository"], true);
    let id = project.to_string();
    let (code, _, err) = told(server.command(&["plan", "show", &id]));
    assert_eq!(code, 0, "{err}");
    let next = format!("project set {id} --repository URL");
    assert!(
        err.contains("each run begins in an empty folder") && err.contains(&next),
        "{err}"
    );
    let version = plan["id"].to_string();
    let (code, _, err) = told(server.command(&["plan", "approve", &id, "--version", &version]));
    assert_eq!(code, 0, "{err}");
    assert!(err.contains(&next), "{err}");
    server.cli(&[
        "project",
        "set",
        &id,
        "--repository",
        "https://example.org/shop.git",
    ]);
    let (_, _, err) = told(server.command(&["plan", "show", &id]));
    assert!(!err.contains("--repository"), "{err}");
    let shown = server
        .get(&format!("/projects/{project}/plans/{version}"))
        .await;
    assert_eq!(shown["without_repository"], false);
}

/// Each project's questions are listed by themselves, and those of its newest version alone.
#[tokio::test]
async fn open_questions_are_listed_by_project_and_of_the_newest_version() {
    let server = Installation::serve();
    let vague = "The shop should be fast. Users must log in.";
    let first = server.project().await;
    let second = server.project().await;
    for project in [first, second] {
        let base = format!("/projects/{project}");
        server
            .post(&format!("{base}/vision"), json!({"content": vague}))
            .await;
        for _ in 0..2 {
            let path = format!("{base}/requirements/propose");
            server.post(&path, json!({"by": "rules"})).await;
        }
    }
    let all = server
        .get("/work-items/runs/info-requests?status=pending")
        .await;
    let all = all.as_array().expect("questions");
    let path = "/work-items/runs/info-requests?status=pending&project_id=";
    let mut count = 0;
    for project in [first, second] {
        let listed = server.get(&format!("{path}{project}")).await;
        let listed = listed.as_array().expect("questions").clone();
        assert!(!listed.is_empty());
        assert!(
            listed
                .iter()
                .all(|question| question["project_id"] == project),
            "{listed:#?}"
        );
        count += listed.len();
        let out = server.cli(&["answer", "--project", &project.to_string(), "--json"]);
        for question in &listed {
            assert!(out.contains(&question["id"].to_string()), "{out}");
        }
        assert_eq!(out.matches("\"prompt\"").count(), listed.len(), "{out}");
    }
    assert_eq!(count, all.len());
    let (code, _, err) = told(server.command(&["answer", "--project", "99"]));
    assert_eq!(code, 4, "{err}");
}

/// What an attached archive is tested with is what tasks are accepted by, and its code is gone on with.
#[tokio::test]
async fn a_plan_on_an_attached_archive_is_accepted_by_its_commands() {
    let server = Installation::serve();
    let project = server.project().await;
    let folder = server.folder.path().join("code");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("Makefile"), "test:\n\tpython3 -m pytest\n").expect("a file");
    std::fs::write(folder.join("app.py"), "import flask\n").expect("a file");
    let archive = server.folder.path().join("code.tar.gz");
    let made = std::process::Command::new("tar")
        .arg("-czf")
        .arg(&archive)
        .arg("-C")
        .arg(&folder)
        .arg(".")
        .status();
    assert!(made.expect("tar").success());
    let vision = server.folder.path().join("vision.txt");
    std::fs::write(&vision, "Written in Python. Customers must pay by card.").expect("a file");
    let (project, vision) = (project.to_string(), vision.to_str().expect("UTF-8"));
    let archive = archive.to_str().expect("UTF-8");
    server.cli(&["vision", "submit", &project, vision, "--attach", archive]);
    server.cli(&["requirements", "propose", &project]);
    let id: i64 = project.parse().expect("an id");
    approve_newest(&server, id, "requirements").await;
    let path = format!("/projects/{project}/tasks/plan");
    let plan = server.post(&path, json!({"by": "rules"})).await;
    let titles: Vec<&str> = tasks(&plan)
        .iter()
        .map(|task| text(&task["title"]))
        .collect();
    assert!(titles[0].contains("go on with what is there"), "{titles:?}");
    assert_eq!(
        titles[1],
        "Check that the existing project builds and its tests pass"
    );
    for task in tasks(&plan) {
        for criterion in task["acceptance"].as_array().expect("criteria") {
            let command = &criterion["command"];
            assert!(command.is_null() || command == "make test", "{task:#}");
        }
    }
}
