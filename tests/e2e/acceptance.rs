//! Work of an approved plan is done when its acceptance commands have passed, and not before.

use serde_json::{Value, json};

use crate::plans::{approve_newest, approve_requirements, tasks, text};
use crate::support::Installation;
use crate::workspaces::Origin;

const VISION: &str =
    "Users must be able to download their files. Users must be able to share a file.";

/// An approved plan of a project on a repository with a Makefile; with a first task `title` that is done
/// when there is a file. Answers project, version, the task's id and its item.
async fn approved(up: &Installation, title: &str) -> (i64, Value, String, i64) {
    let origin = Origin::beside(up);
    origin.commit(
        "Makefile",
        "build:\n\t@echo built\n\ntest:\n\t@echo tested\n",
    );
    let new = json!({"name": "files", "repository": {"url": origin.url()}});
    let project = up.post("/projects", new).await["id"].as_i64().unwrap();
    approve_requirements(up, project, VISION).await;
    let base = format!("/projects/{project}");
    let plan = up.post(&format!("{base}/tasks/plan"), json!({})).await;
    let serving = tasks(&plan)
        .iter()
        .find(|task| {
            task["requirements"]
                .as_array()
                .is_some_and(|all| !all.is_empty())
        })
        .expect("a task that serves something");
    let edits = json!({"reason": "a first step", "edits": [
        {"op": "add_task", "story": serving["story"], "title": title, "requirements": serving["requirements"],
         "acceptance": [{"text": "There is an export", "command": "test -s export.txt"},
                        {"text": "It is easy to use"}]}]});
    let path = format!("{base}/plans/{}/edits", plan["id"]);
    up.post(&path, edits).await;
    let approved = approve_newest(up, project, "plans").await;
    let task = tasks(&approved).iter().find(|task| task["title"] == title);
    let task = task.expect("the task that was added");
    let (id, item) = (text(&task["id"]).to_owned(), task["work_item_id"].as_i64());
    (project, approved, id, item.expect("an item"))
}

#[tokio::test]
async fn a_makefile_does_no_planned_work_and_a_persons_steps_are_checked() {
    let up = Installation::up();
    let (project, plan, _, item) = approved(&up, "Build: users can download their files").await;
    let run = up.wait_run(item, "waiting").await;
    let lines = up.log_lines(run["id"].as_i64().unwrap()).await.join("\n");
    assert!(
        !lines.contains("inferred") && !lines.contains("built"),
        "{lines}"
    );
    let path = format!("/work-items/runs/{}/info-requests", run["id"]);
    let asked = up.get(&path).await;
    let prompt = text(&asked[0]["prompt"]);
    assert!(prompt.contains("work of an approved plan"), "{prompt}");

    let respond = format!("/work-items/runs/info-requests/{}/respond", asked[0]["id"]);
    let steps = json!({"values": {"steps": "make build\necho data > export.txt"}});
    up.post(&respond, steps).await;
    let run = up.wait_run(item, "succeeded").await;
    let steps = up
        .get(&format!("/work-items/runs/{}/steps", run["id"]))
        .await;
    let last = steps.as_array().and_then(|steps| steps.last()).unwrap();
    assert_eq!(
        (&last["name"], &last["status"]),
        (
            &json!("acceptance: There is an export"),
            &json!("succeeded")
        ),
        "{steps:#}"
    );
    let lines = up.log_lines(run["id"].as_i64().unwrap()).await.join("\n");
    assert!(
        lines.contains("to be judged by a person: It is easy to use"),
        "{lines}"
    );
    // Nothing else of the plan is done by what the Makefile offers.
    let shown = format!("/projects/{project}/plans/{}", plan["id"]);
    assert_eq!(up.get(&shown).await["progress"]["done"], 1);
}

#[tokio::test]
async fn an_executors_work_is_checked_and_a_replan_knows_what_was_not_met() {
    let env = [
        ("AGENT_EXECUTOR", "command"),
        (
            "AGENT_COMMAND",
            "sh -c 'grep -q carelessly || echo data > export.txt'",
        ),
        ("ORCH_MAX_RETRIES", "0"),
    ];
    let up = Installation::with("up", &env);
    let (_, _, _, item) = approved(&up, "Build: export the files").await;
    let run = up.wait_run(item, "succeeded").await;
    assert_eq!(
        run["reason"],
        "sh succeeded, and so did its command of acceptance"
    );
    drop(up);

    let up = Installation::with("up", &env);
    let (project, _, task, item) = approved(&up, "Build: export the files carelessly").await;
    let run = up.wait_run(item, "failed").await;
    let reason = text(&run["reason"]).to_owned();
    assert_eq!(
        reason,
        "the work is not done: \"There is an export\" is not met: `test -s export.txt` exited with 1"
    );
    let path = format!("/projects/{project}/plans/replan");
    let again = json!({"reason": "it was careless", "failed": [task]});
    let plan = up.post(&path, again).await;
    let looks = tasks(&plan)
        .iter()
        .find(|task| task["kind"] == "spike" && text(&task["title"]).contains("carelessly"));
    let looks = looks.expect("a task that looks into it");
    assert!(text(&looks["description"]).contains(&reason), "{looks:#}");
}
