//! Plans say what is so: work that ends while a version is read, evidence of acceptance, what agents do not
//! have, faults of edits, and the way without a model. Some of it on both databases.

use std::process::{Child, Stdio};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::codex::scripted_model::{Reply, ScriptedModel};
use crate::models::budgets::{budget, put, set};
use crate::plans::{
    approve_newest, approve_requirements, approved_requirements, conflict, list, planned, tasks,
    text,
};
use crate::support::{Installation, answer, told};

const VISION: &str = "Customers must pay by card. Customers must reserve a bike.";

/// Ends what it holds.
struct Agent(Child);

impl Agent {
    fn of(server: &Installation, command: &str) -> Self {
        let agent = server
            .command(&["agent", "--url", &server.base])
            .env("AGENT_EXECUTOR", "command")
            .env("AGENT_COMMAND", command)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(agent.expect("it starts"))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Changes the text of a requirement, and approves that.
async fn reword(server: &Installation, project: i64, id: &str) {
    let base = format!("/projects/{project}/requirements");
    let versions = server.get(&base).await;
    let edits = json!({"edits": [{"op": "change", "id": id, "text": "Customers must pay by invoice and by cheque"}]});
    let path = format!("{base}/{}/edits", versions[0]["id"]);
    server.post(&path, edits).await;
    approve_newest(server, project, "requirements").await;
}

#[tokio::test]
async fn work_that_ends_while_another_text_is_read_does_not_count_for_it() {
    let server = Installation::serve();
    let (project, requirements) = approved_requirements(&server, VISION).await;
    let base = format!("/projects/{project}");
    let pay = requirements["items"].as_array().expect("items");
    let pay = pay.iter().find(|item| text(&item["text"]).contains("card"));
    let pay = text(&pay.expect("the item")["id"]).to_owned();
    server.post(&format!("{base}/tasks/plan"), json!({})).await;
    let first = approve_newest(&server, project, "plans").await;
    // Work goes on until a task on this requirement is under way.
    let (task, run) = loop {
        crate::plan_work::let_through(&server).await;
        let ticked = server.post("/scheduler/tick", json!(null)).await;
        let runs = ticked["run_ids"].as_array().expect("runs").clone();
        assert!(!runs.is_empty(), "nothing is left to run");
        let shown = server.get(&format!("{base}/plans/{}", first["id"])).await;
        let of_it = tasks(&shown).iter().find(|task| {
            runs.contains(&task["run_id"]) && list(&task["requirements"]).contains(&pay.as_str())
        });
        if let Some(task) = of_it {
            break (text(&task["id"]).to_owned(), task["run_id"].clone());
        }
        for run in runs {
            complete(&server, &run).await;
        }
    };
    reword(&server, project, &pay).await;
    let second = server.post(&format!("{base}/tasks/plan"), json!({})).await;
    complete(&server, &run).await;
    let approve = format!("{base}/plans/{}/approve", second["id"]);
    let (status, problem) = server.try_post(&approve, json!(null)).await;
    assert_eq!(
        (status, problem["code"].clone()),
        conflict("plan_work_ended"),
        "{problem}"
    );
    let detail = text(&problem["detail"]);
    assert!(
        detail.contains(&format!("{task} ({pay})")) && detail.contains("/tasks/plan"),
        "{detail}"
    );
    let id = project.to_string();
    let version = second["id"].to_string();
    let (code, _, err) = told(server.command(&["plan", "approve", &id, "--version", &version]));
    assert_eq!(code, 5, "{err}");
    assert!(
        err.contains("next: codex-orchestrator plan propose"),
        "{err}"
    );
    assert_eq!(
        server.get(&format!("{base}/plans/{}", first["id"])).await["status"],
        "approved"
    );

    let third = server.post(&format!("{base}/tasks/plan"), json!({})).await;
    let change = tasks(&third).iter().find(|one| {
        text(&one["title"]).starts_with("Change: ")
            && list(&one["depends_on"]).contains(&task.as_str())
    });
    let change = change.unwrap_or_else(|| panic!("no change of {task}: {third:#}"));
    assert!(list(&change["requirements"]).contains(&pay.as_str()));
    let approved = approve_newest(&server, project, "plans").await;
    assert_eq!(
        (&approved["id"], &approved["status"]),
        (&third["id"], &json!("approved"))
    );
}

async fn complete(server: &Installation, run: &Value) {
    let path = format!("/work-items/runs/{run}");
    let claimed = server
        .post(&format!("{path}/claim"), json!({"agent_id": "worker"}))
        .await;
    let result = json!({"success": true, "epoch": claimed["epoch"]});
    server.post(&format!("{path}/complete"), result).await;
}

/// An executor whose work is not accepted: what the acceptance wrote is kept, and told to who looks into it.
#[tokio::test]
async fn evidence_of_acceptance_is_kept_and_told_on_both_databases() {
    let env = [("ORCH_MAX_RETRIES", "0")];
    for server in [
        Installation::with("serve", &env),
        Installation::on_postgres("serve", &env),
    ] {
        let (project, _) = approved_requirements(&server, VISION).await;
        let base = format!("/projects/{project}");
        let plan = server.post(&format!("{base}/tasks/plan"), json!({})).await;
        let serving = tasks(&plan)
            .iter()
            .find(|task| !list(&task["requirements"]).is_empty());
        let serving = serving.expect("a task that serves something");
        let command = "echo 3 of 4 tests passed > report.txt; echo one test failed >&2; exit 3";
        let edits = json!({"edits": [
            {"op": "add_task", "story": serving["story"], "title": "Export the files", "requirements": serving["requirements"],
             "acceptance": [{"text": "All tests pass", "command": command}]}]});
        server
            .post(&format!("{base}/plans/{}/edits", plan["id"]), edits)
            .await;
        let approved = approve_newest(&server, project, "plans").await;
        let task = tasks(&approved)
            .iter()
            .find(|task| task["title"] == "Export the files");
        let task = task.expect("the task that was added");
        let item = task["work_item_id"].as_i64().expect("an item");
        let recipe = json!({"yaml": "artifacts: ['*.txt']\nsteps: ['true']\n"});
        server
            .post(&format!("/work-items/{item}/tool-recipe"), recipe)
            .await;
        let agent = Agent::of(&server, "sh -c 'cat > /dev/null; echo data > work.txt'");
        let run = server.wait_run(item, "failed").await;
        drop(agent);
        let path = format!("/work-items/runs/{}/artifacts", run["id"]);
        let kept = server.get(&path).await;
        let kept = kept.as_array().expect("artifacts").iter();
        let mut kept: Vec<&str> = kept.map(|one| text(&one["name"])).collect();
        kept.sort_unstable();
        assert_eq!(kept, ["report.txt", "work.txt"]);

        let again = json!({"reason": "a test fails", "failed": [task["id"]]});
        let replanned = server.post(&format!("{base}/plans/replan"), again).await;
        let spike = tasks(&replanned)
            .iter()
            .find(|one| one["kind"] == "spike" && text(&one["title"]).contains("Export the files"));
        let said = text(&spike.expect("a spike")["description"]);
        let step = "step 2 (acceptance: All tests pass) failed with exit code 3, its last line: one test failed";
        assert!(said.contains(step), "{said}");
        assert!(said.contains("the work is not done"), "{said}");
    }
}

#[tokio::test]
async fn what_a_run_used_is_charged_once_and_bounded_on_postgresql() {
    let server = Installation::on_postgres("serve", &[]);
    let project = server.project().await;
    set(&server, project, json!({"hard_cap_microusd": 1_000_000})).await;
    let price = json!({"input": 1_000_000, "output": 2_000_000});
    let (status, told) = put(&server, "/models/prices/own", price).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    let item = server.item(project, "Work").await;
    server.enqueue(item).await;
    let ticked = server.post("/scheduler/tick", json!(null)).await;
    let path = format!("/work-items/runs/{}", ticked["run_ids"][0]);
    let claimed = server
        .post(&format!("{path}/claim"), json!({"agent_id": "worker"}))
        .await;
    let summary = json!({"content": "did it", "usage": {"input_tokens": 100, "output_tokens": 10},
                         "model": "own", "epoch": claimed["epoch"]});
    for _ in 0..2 {
        let told = server
            .request(Method::POST, &format!("{path}/summaries"))
            .header("idempotency-key", "summary-1")
            .json(&summary);
        let (status, told) = answer(told).await;
        assert!(status.is_success(), "{told}");
    }
    assert_eq!(budget(&server, project).await["spent_microusd"], 120);
    let costs = server
        .get(&format!("/projects/{project}/costs?by=run"))
        .await;
    assert_eq!(costs["total"]["cost_microusd"], 120, "{costs}");
    assert_eq!(costs["lines"].as_array().map(Vec::len), Some(1), "{costs}");
}

#[tokio::test]
async fn what_no_agent_has_is_told_where_a_plan_is_read() {
    let server = Installation::up();
    let (project, plan) = planned(&server).await;
    let edits = json!({"edits": [
        {"op": "change_task", "id": tasks(&plan)[0]["id"], "tools": ["frobnicate", "sh", "bash"], "capabilities": ["gpu"]}]});
    let path = format!("/projects/{project}/plans/{}/edits", plan["id"]);
    let edited = server.post(&path, edits).await;
    let path = format!("/projects/{project}/plans/{}", edited["id"]);
    let names = |plan: &Value, name: &str| {
        let told = plan["not_offered"].to_string();
        told.contains(&format!("\\\"{name}\\\""))
    };
    let shown = server
        .wait_for(&path, "the agent's word", |plan| names(plan, "frobnicate"))
        .await;
    assert!(names(&shown, "gpu"), "{shown:#}");
    assert!(!names(&shown, "bash"), "{shown:#}");
    assert_eq!(shown["faults"], json!([]));
    let out = server.cli(&["plan", "show", &project.to_string()]);
    assert!(
        out.contains("not offered") && out.contains("frobnicate"),
        "{out}"
    );
    let approved = approve_newest(&server, project, "plans").await;
    assert!(names(&approved, "frobnicate"), "{approved:#}");
}

#[tokio::test]
async fn commands_tools_and_capabilities_stand_under_the_tasks_that_are_approved() {
    let server = Installation::serve();
    let (project, plan) = planned(&server).await;
    let edits = json!({"edits": [
        {"op": "change_task", "id": tasks(&plan)[0]["id"], "tools": ["jq"], "capabilities": ["gpu"],
         "acceptance": [{"text": "It is there", "command": "test -s x.txt"}]}]});
    let path = format!("/projects/{project}/plans/{}/edits", plan["id"]);
    server.post(&path, edits).await;
    let out = server.cli(&["plan", "show", &project.to_string()]);
    for expected in ["$ test -s x.txt", "tools: jq", "capabilities: gpu"] {
        assert!(out.contains(expected), "{expected} lacks in {out}");
    }
}

#[tokio::test]
async fn faults_of_edits_are_named_as_they_were_given() {
    let server = Installation::serve();
    let (project, _) = planned(&server).await;
    let project = project.to_string();
    let (code, _, err) = told(server.command(&[
        "plan",
        "edit",
        &project,
        "--remove",
        "T-998",
        "--depends",
        "T-2=T-999",
        "--set",
        "T-1.role=wizard",
    ]));
    assert_eq!(code, 4, "{err}");
    for flag in [
        "`--remove T-998`",
        "`--depends T-2=T-999`",
        "`--set T-1.role=wizard`",
    ] {
        assert!(err.contains(flag), "{flag} lacks in {err}");
    }
    assert!(!err.contains("edits["), "{err}");
}

#[tokio::test]
async fn what_never_ran_did_not_fail() {
    let server = Installation::serve();
    let (project, plan) = planned(&server).await;
    approve_newest(&server, project, "plans").await;
    let last = tasks(&plan).last().expect("a task");
    let path = format!("/projects/{project}/plans/replan");
    let body = json!({"reason": "x", "failed": [last["id"]]});
    let (status, problem) = server.try_post(&path, body).await;
    assert_eq!(
        (status, &problem["errors"][0]["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("failed[0]")),
        "{problem}"
    );
    assert!(text(&problem["detail"]).contains("never ran"), "{problem}");
    let id = project.to_string();
    let task = text(&last["id"]);
    let args = ["plan", "replan", &id, "--reason", "x", "--failed", task];
    let (code, _, err) = told(server.command(&args));
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("never ran"), "{err}");
}

// The scripted model answers while the command line waits.
#[tokio::test(flavor = "multi_thread")]
async fn where_a_model_fails_the_command_without_one_is_told() {
    let model = ScriptedModel::start(vec![
        Reply::say("no plan"),
        Reply::say("still none"),
        Reply::Status(401, None, "who are you".to_owned()),
    ])
    .await;
    let base = model.base_url();
    let server = Installation::with(
        "serve",
        &[
            ("OPENAI_API_KEY", "sk-truth-0123456789"),
            ("ORCH_OPENAI_BASE_URL", base.as_str()),
            ("ORCH_OPENAI_MODEL", "scripted-1"),
            ("ORCH_ORCHESTRATE_TIMEOUT", "20"),
        ],
    );
    let project = server.project().await;
    approve_requirements(&server, project, VISION).await;
    let id = project.to_string();
    let (code, _, err) = told(server.command(&["plan", "propose", &id]));
    assert_eq!(code, 1, "{err}");
    let way = format!("without a model: codex-orchestrator plan propose {id} --by rules");
    assert!(err.trim_end().ends_with(&way), "{err}");
    let (_, _, err) = told(server.command(&["requirements", "propose", &id]));
    let way = format!("without a model: codex-orchestrator requirements propose {id} --by rules");
    assert!(err.trim_end().ends_with(&way), "{err}");
    server.cli(&["plan", "propose", &id, "--by", "rules"]);
    let again = ["plan", "replan", &id, "--reason", "it's late"];
    let (_, _, err) = told(server.command(&again));
    let way = format!(
        r"without a model: codex-orchestrator plan replan {id} --reason 'it'\''s late' --by rules"
    );
    assert!(err.trim_end().ends_with(&way), "{err}");
}
