//! What a change of approved requirements touches, down to what runs kept; and which tasks wait for more than
//! the plan's approval.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::plan_work::let_through;
use crate::plans::{approve_newest, approved_requirements, planned, tasks, text};
use crate::support::Installation;

/// What a run changed.
fn changes_of<'v>(impact: &'v Value, run: &Value) -> Vec<&'v Value> {
    let changes = impact["changes"].as_array().expect("changes").iter();
    changes.filter(|change| change["run_id"] == *run).collect()
}

fn of<'v>(tests: &'v [Value], kind: &str) -> Vec<&'v Value> {
    tests.iter().filter(|test| test["kind"] == kind).collect()
}

/// Rust is named, so that its tests show that a feature is built; what runs keep is what they changed and tested.
#[tokio::test]
async fn impact_names_runs_with_their_changes_and_tests() {
    let server = Installation::serve();
    let vision = "The tool must be written in Rust. Customers must pay by card.";
    let (project, old) = approved_requirements(&server, vision).await;
    let base = format!("/projects/{project}");
    server
        .post(&format!("{base}/tasks/plan"), json!({"by": "rules"}))
        .await;
    let plan = approve_newest(&server, project, "plans").await;
    let_through(&server).await;
    let ticked = server.post("/scheduler/tick", json!(null)).await;
    let run = &ticked["run_ids"][0];
    let path = format!("/work-items/runs/{run}");
    let claimed = server
        .post(&format!("{path}/claim"), json!({"agent_id": "worker"}))
        .await;
    let junit = r#"<testsuite tests="2" failures="1"><testcase name="pays"/><testcase name="refunds"><failure message="no"/></testcase></testsuite>"#;
    for (name, kind, content) in [
        ("change.patch", "patch", "--- a\n+++ b\n"),
        ("junit.xml", "report", junit),
    ] {
        let artifact = json!({"name": name, "kind": kind, "content_base64": STANDARD.encode(content), "epoch": claimed["epoch"]});
        server.post(&format!("{path}/artifacts"), artifact).await;
    }
    let result = json!({"success": true, "epoch": claimed["epoch"]});
    server.post(&format!("{path}/complete"), result).await;
    let item = server.get(&path).await["work_item_id"].clone();

    let items = old["items"].as_array().expect("items");
    let edits: Vec<Value> = items
        .iter()
        .filter(|item| item["kind"] != "risk" && item["kind"] != "open_question")
        .map(|item| json!({"op": "change", "id": item["id"], "text": format!("{} at once", text(&item["text"]))}))
        .collect();
    let edits_path = format!("{base}/requirements/{}/edits", old["id"]);
    server.post(&edits_path, json!({"edits": edits})).await;
    approve_newest(&server, project, "requirements").await;
    let impact = server.get(&format!("{base}/plans/impact")).await;
    let change = json!({
        "run_id": run, "work_item_id": item, "kind": "patch", "artifact_id": 1, "name": "change.patch",
        "repository": null, "commit": null, "message": "artifact 1 has its change",
    });
    assert_eq!(changes_of(&impact, run), [&change], "{impact:#}");
    let tests = impact["tests"].as_array().expect("tests");
    assert!(
        of(tests, "acceptance")
            .iter()
            .all(|test| test["command"] == "cargo test"),
        "{tests:#?}"
    );
    let commands: usize = tasks(&plan)
        .iter()
        .flat_map(|task| task["acceptance"].as_array().expect("criteria"))
        .filter(|criterion| criterion["command"].is_string())
        .count();
    assert_eq!(of(tests, "acceptance").len(), commands);
    let reports = of(tests, "report");
    let [report] = reports[..] else {
        panic!("one report: {tests:#?}");
    };
    assert_eq!(
        (
            &report["tests"],
            &report["failures"],
            &report["failed"],
            &report["run_id"]
        ),
        (&json!(2), &json!(1), &json!(["refunds"]), run)
    );
    let shown = server.cli(&["plan", "impact", &project.to_string()]);
    for said in ["change.patch", "$ cargo test", "2 tests, 1 failed: refunds"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }

    // A run that keeps nothing is named with what it worked on.
    let_through(&server).await;
    let ticked = server.post("/scheduler/tick", json!(null)).await;
    let next = &ticked["run_ids"][0];
    assert!(next.is_number(), "{ticked}");
    let impact = server.get(&format!("{base}/plans/impact")).await;
    let bare = changes_of(&impact, next);
    assert_eq!((bare.len(), &bare[0]["kind"]), (1, &json!("none")));
    assert!(
        text(&bare[0]["message"]).contains("kept no patch"),
        "{bare:?}"
    );
}

#[tokio::test]
async fn tasks_that_need_an_approval_of_their_own_are_named_before_and_after_the_plans() {
    let server = Installation::serve();
    let (project, plan) = planned(&server).await;
    let base = format!("/projects/{project}/plans");
    let serves = &tasks(&plan)[0]["requirements"];
    let edits = json!({"edits": [
        {"op": "add_task", "story": tasks(&plan)[0]["story"], "title": "Deploy to production", "kind": "infra",
         "role": "infra", "requirements": serves},
    ]});
    let edited = server
        .post(&format!("{base}/{}/edits", plan["id"]), edits)
        .await;
    let gated = |plan: &Value| -> Vec<String> {
        let tasks = tasks(plan).iter();
        let gated = tasks.filter(|task| task["needs_approval"] == true);
        gated.map(|task| text(&task["title"]).to_owned()).collect()
    };
    assert_eq!(gated(&edited), ["Deploy to production"]);
    let digest = text(&edited["digest"]);
    let project = project.to_string();
    let mut approve = server.command(&["plan", "approve", &project, "--digest", digest]);
    let output = approve.output().expect("the command runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("an approval of their own") && said.contains("work request-approval"),
        "{said}"
    );
    let shown = server.get(&format!("{base}/{}", edited["id"])).await;
    assert_eq!(gated(&shown), ["Deploy to production"]);
    let_through(&server).await;
    let shown = server.get(&format!("{base}/{}", edited["id"])).await;
    assert_eq!(gated(&shown), [""; 0]);
}
