//! From an approved plan to work that is done, and to later versions of it: what is done stays, and the
//! queue follows what is approved.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::plans::{approve_newest, conflict, list, planned, refused, tasks, text};
use crate::support::{Installation, answer};

fn number(value: &Value) -> i64 {
    value
        .as_i64()
        .unwrap_or_else(|| panic!("no number: {value}"))
}

/// The first task that another one waits for, and one that waits for it.
fn an_edge(plan: &Value) -> (String, String) {
    for task in tasks(plan) {
        if let Some(on) = list(&task["depends_on"]).first() {
            return ((*on).to_owned(), text(&task["id"]).to_owned());
        }
    }
    panic!("nothing waits for anything: {plan:#}");
}

async fn audited(server: &Installation, kind: &str) -> Vec<Value> {
    let entries = server.get("/audit?limit=1000").await;
    let entries = entries.as_array().expect("entries");
    entries
        .iter()
        .filter(|entry| entry["kind"] == kind)
        .cloned()
        .collect()
}

/// Approves what waits for an approval.
pub async fn let_through(server: &Installation) {
    let queue = server.get("/scheduler/queue?status=queued").await;
    for entry in queue.as_array().expect("entries") {
        let why = entry["why_not_running"].as_array().expect("reasons");
        if why.iter().any(|one| one["code"] == "approval_required") {
            let path = format!("/work-items/{}/approvals", entry["work_item_id"]);
            let asked = server.post(&path, json!({})).await;
            let path = format!("/work-items/approvals/{}/approve", asked["id"]);
            server.post(&path, json!({})).await;
        }
    }
}

/// Starts what may start, and works on it as an agent does; answers the items in order.
async fn work_round(server: &Installation, success: bool) -> Vec<i64> {
    let_through(server).await;
    let ticked = server.post("/scheduler/tick", json!(null)).await;
    let mut done = Vec::new();
    for run in ticked["run_ids"].as_array().expect("runs") {
        let path = format!("/work-items/runs/{run}");
        let claim = json!({"agent_id": "worker"});
        let claimed = server.post(&format!("{path}/claim"), claim).await;
        let result = json!({"success": success, "epoch": claimed["epoch"]});
        server.post(&format!("{path}/complete"), result).await;
        done.push(number(&server.get(&path).await["work_item_id"]));
    }
    done
}

/// The queue's dependencies by item.
async fn queued(server: &Installation) -> BTreeMap<i64, BTreeSet<i64>> {
    let queue = server.get("/scheduler/queue?status=queued").await;
    let entries = queue.as_array().expect("entries");
    let on = |entry: &Value| {
        let on = entry["depends_on"].as_array().expect("a list");
        on.iter().map(number).collect()
    };
    entries
        .iter()
        .map(|entry| (number(&entry["work_item_id"]), on(entry)))
        .collect()
}

/// What the plan says that its items wait for.
fn wanted(plan: &Value) -> BTreeMap<i64, BTreeSet<i64>> {
    let items: BTreeMap<&str, i64> = tasks(plan)
        .iter()
        .map(|task| (text(&task["id"]), number(&task["work_item_id"])))
        .collect();
    let on = |task: &Value| {
        let on = list(&task["depends_on"]);
        on.into_iter().map(|id| items[id]).collect()
    };
    tasks(plan)
        .iter()
        .map(|task| (items[text(&task["id"])], on(task)))
        .collect()
}

#[tokio::test]
async fn a_plan_is_edited_compared_approved_by_its_digest_and_done_in_order() {
    let server = Installation::serve();
    let (project, first) = planned(&server).await;
    let base = format!("/projects/{project}/plans");
    assert!(tasks(&first).len() > 3, "{first:#}");
    assert_eq!(first["status"], "proposed");
    assert!(tasks(&first).iter().all(|task| task["state"] == "planned"));
    assert!(!list(&first["schedule"]["critical_path"]).is_empty());

    let (before, after) = an_edge(&first);
    let serving = tasks(&first)
        .iter()
        .find(|task| !list(&task["requirements"]).is_empty());
    let serves = serving.expect("a task that serves something")["requirements"].clone();
    let edits = json!({"reason": "after a talk", "edits": [
        {"op": "change_task", "id": after, "title": "Let customers pay"},
        {"op": "set_estimate", "id": after, "low_minutes": 70, "likely_minutes": 77, "high_minutes": 99},
        {"op": "add_task", "story": tasks(&first)[0]["story"], "title": "Write it down",
         "requirements": serves, "depends_on": [after],
         "acceptance": [{"text": "It is written", "command": "test -s NOTES.md"}]},
    ]});
    let path = format!("{base}/{}/edits", first["id"]);
    let second = server.post(&path, edits.clone()).await;
    assert_eq!(
        (&second["parent_id"], &second["author"], &second["reason"]),
        (&first["id"], &json!("user"), &json!("after a talk"))
    );
    assert_ne!(second["digest"], first["digest"]);
    assert_eq!(tasks(&second).len(), tasks(&first).len() + 1);
    assert_eq!(
        refused(&server, &path, edits.clone()).await,
        conflict("plan_changed")
    );
    let stale = server
        .request(Method::POST, &format!("{base}/{}/edits", second["id"]))
        .header("if-match", format!("\"{}\"", text(&first["digest"])))
        .json(&edits);
    let (status, problem) = answer(stale).await;
    assert_eq!(
        (status, problem["code"].clone()),
        conflict("digest_changed")
    );

    let found = server.get(&format!("{base}/{}/diff", second["id"])).await;
    assert_eq!(found["added"][0]["title"], "Write it down");
    let changed = found["changed"].as_array().expect("changes");
    assert!(
        changed.iter().any(|change| change["id"] == json!(after)),
        "{found:#}"
    );

    // What is approved is what was read.
    let approve = format!("{base}/{}/approve", second["id"]);
    let wrong = json!({"digest": first["digest"]});
    assert_eq!(
        refused(&server, &approve, wrong).await,
        conflict("digest_changed")
    );
    let superseded = format!("{base}/{}/approve", first["id"]);
    assert_eq!(
        refused(&server, &superseded, json!(null)).await,
        conflict("plan_decided")
    );
    assert_eq!(server.get("/work-items").await, json!([]));
    let approved = server
        .post(&approve, json!({"digest": second["digest"]}))
        .await;
    assert_eq!(approved["status"], "approved");
    assert_eq!(
        approved["created"].as_array().map(Vec::len),
        Some(tasks(&second).len())
    );
    assert_eq!(
        refused(&server, &approve, json!({"digest": second["digest"]})).await,
        conflict("plan_decided")
    );
    assert_eq!(
        refused(
            &server,
            &format!("{base}/approve"),
            json!({"digest": second["digest"]})
        )
        .await,
        conflict("plan_decided")
    );

    // Each task has its item, and each item waits for what the plan says.
    let wanted = wanted(&approved);
    assert_eq!(queued(&server).await, wanted);
    let item_of = |id: &str| {
        let task = tasks(&approved).iter().find(|task| task["id"] == id);
        number(&task.expect("the task")["work_item_id"])
    };
    let written = tasks(&approved).last().expect("a task");
    let item = server
        .get(&format!("/work-items/{}", written["work_item_id"]))
        .await;
    assert_eq!(item["title"], "Write it down");
    let description = text(&item["description"]);
    for expected in ["test -s NOTES.md", "Requirements:", "R-", "Story S-"] {
        assert!(description.contains(expected), "{description}");
    }
    let waits = tasks(&approved)
        .iter()
        .find(|task| task["state"] == "waiting");
    assert!(!list(&waits.expect("one waits")["why"]).is_empty());

    let mut order = Vec::new();
    loop {
        let round = work_round(&server, true).await;
        if round.is_empty() {
            break;
        }
        order.extend(round);
    }
    let place = |item: i64| order.iter().position(|done| *done == item);
    for (item, on) in &wanted {
        assert!(place(*item).is_some(), "{item} was not done");
        for before in on {
            assert!(place(*before) < place(*item), "{item} came before {before}");
        }
    }
    assert!(place(item_of(&before)) < place(item_of(&after)));
    let shown = server.get(&format!("{base}/{}", second["id"])).await;
    assert_eq!(shown["progress"]["done"], shown["progress"]["total"]);
    assert_eq!(shown["needs_replan"], false);
    assert_eq!(list(&shown["schedule"]["critical_path"]), [""; 0]);
    assert_eq!(audited(&server, "plan.approved").await.len(), 1);
    let entry = &audited(&server, "plan.edited").await[0];
    assert_eq!(entry["data"]["digest"], second["digest"]);
}

#[tokio::test]
async fn after_a_failure_a_new_version_keeps_what_is_done_and_waits_for_a_person() {
    let server = Installation::with("serve", &[("ORCH_MAX_RETRIES", "0")]);
    let (project, first) = planned(&server).await;
    let base = format!("/projects/{project}/plans");
    let approved = approve_newest(&server, project, "plans").await;
    let done = work_round(&server, true).await;
    let failed = work_round(&server, false).await;
    assert!(!done.is_empty() && !failed.is_empty(), "{approved:#}");
    let task_of = |plan: &Value, item: i64| {
        let task = tasks(plan).iter().find(|task| task["work_item_id"] == item);
        task.map(|task| text(&task["id"]).to_owned())
    };
    let shown = server.get(&format!("{base}/{}", first["id"])).await;
    assert_eq!(shown["needs_replan"], true);
    let failed_tasks: BTreeSet<String> = failed
        .iter()
        .filter_map(|item| task_of(&shown, *item))
        .collect();
    let named: BTreeSet<String> = list(&shown["failed"])
        .into_iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(named, failed_tasks);

    let replan = format!("{base}/replan");
    let (status, problem) = server.try_post(&replan, json!({"reason": " "})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let body = json!({"reason": "x", "failed": ["T-999"]});
    let (status, problem) = server.try_post(&replan, body).await;
    assert_eq!(
        (status, &problem["errors"][0]["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("failed[0]"))
    );
    let second = server
        .post(&replan, json!({"reason": "the card provider is away"}))
        .await;
    assert_eq!(
        (&second["status"], &second["parent_id"]),
        (&json!("proposed"), &first["id"])
    );
    let found = server.get(&format!("{base}/{}/diff", second["id"])).await;
    assert_eq!(
        found["added"].as_array().map(Vec::len),
        Some(failed_tasks.len()),
        "{found:#}"
    );
    let entry = &audited(&server, "plan.replanned").await[0];
    assert_eq!(entry["data"]["reason"], "the card provider is away");

    let again = approve_newest(&server, project, "plans").await;
    assert_eq!(
        again["created"].as_array().map(Vec::len),
        Some(failed_tasks.len())
    );
    for item in &done {
        let task = task_of(&again, *item).expect("its task is there");
        let task = tasks(&again).iter().find(|known| known["id"] == task);
        assert_eq!(task.expect("a task")["state"], "done");
    }
    // What failed is queued again, behind what looks into it.
    for task in tasks(&again) {
        if failed_tasks.contains(text(&task["id"])) {
            assert_eq!(task["state"], "waiting", "{task:#}");
        }
    }
    while !work_round(&server, true).await.is_empty() {}
    let shown = server.get(&format!("{base}/{}", second["id"])).await;
    assert_eq!(shown["progress"]["done"], shown["progress"]["total"]);
    assert!(shown["schedule"]["basis"]["from_history"].is_number());
}

#[tokio::test]
async fn a_later_version_sets_the_dependencies_of_what_is_queued_right() {
    let server = Installation::serve();
    let (project, first) = planned(&server).await;
    let base = format!("/projects/{project}/plans");
    approve_newest(&server, project, "plans").await;
    let (before, after) = an_edge(&first);
    let edits = json!({"edits": [
        {"op": "remove_dependency", "task": after, "on": before},
        {"op": "change_task", "id": after, "title": "Do it otherwise"},
    ]});
    let path = format!("{base}/{}/edits", first["id"]);
    server.post(&path, edits).await;
    let second = approve_newest(&server, project, "plans").await;
    assert_eq!(queued(&server).await, wanted(&second));
    assert_eq!(second["created"], json!([]));
    let item = second["rewritten"][0].clone();
    let item = server.get(&format!("/work-items/{item}")).await;
    assert_eq!(item["title"], "Do it otherwise");
}

#[tokio::test]
async fn a_change_of_approved_requirements_shows_what_it_touches_and_needs_a_new_plan() {
    let server = Installation::serve();
    let (project, plan) = planned(&server).await;
    let base = format!("/projects/{project}");
    let requirements = server.get(&format!("{base}/requirements")).await;
    let old = &requirements[0];
    let items = old["items"].as_array().expect("items");
    let pay = items
        .iter()
        .find(|item| text(&item["text"]).contains("pay by card"))
        .expect("the item");
    let edits = json!({"edits": [{"op": "change", "id": pay["id"], "text": "Customers must pay by invoice"}]});
    let path = format!("{base}/requirements/{}/edits", old["id"]);
    let new = server.post(&path, edits).await;
    approve_newest(&server, project, "requirements").await;

    let approve = format!("{base}/plans/{}/approve", plan["id"]);
    let (status, problem) = server.try_post(&approve, json!(null)).await;
    assert_eq!(
        (status, problem["code"].clone()),
        conflict("requirements_changed")
    );
    assert!(
        text(&problem["detail"]).contains("/plans/impact"),
        "{problem}"
    );
    assert_eq!(server.get("/work-items").await, json!([]));
    let impact = server.get(&format!("{base}/plans/impact")).await;
    assert_eq!(
        (&impact["from"], &impact["to"], &impact["changed"]),
        (&old["id"], &new["id"], &json!([pay["id"]]))
    );
    let touched = impact["tasks"].as_array().expect("tasks");
    assert!(!touched.is_empty(), "{impact:#}");
    assert_eq!(
        (&impact["changes"], &impact["tests"]),
        (&json!([]), &json!([]))
    );
    let (status, problem) =
        answer(server.request(Method::GET, &format!("{base}/plans/impact?to=99"))).await;
    assert_eq!(
        (status, &problem["errors"][0]["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("to"))
    );

    let shown = server.get(&format!("{base}/plans/{}", plan["id"])).await;
    assert_eq!(shown["requirements_changed"], true);
    let second = server
        .post(&format!("{base}/tasks/plan"), json!(null))
        .await;
    assert_eq!(second["requirements_id"], new["id"]);
    let kept = |plan: &Value| -> BTreeSet<String> {
        tasks(plan)
            .iter()
            .map(|task| text(&task["id"]).to_owned())
            .collect()
    };
    assert!(kept(&second).intersection(&kept(&plan)).count() > 0);
    approve_newest(&server, project, "plans").await;
}

#[tokio::test]
async fn what_is_done_stays_though_its_requirement_is_gone() {
    let server = Installation::serve();
    let (project, _) = planned(&server).await;
    let base = format!("/projects/{project}");
    let approved = approve_newest(&server, project, "plans").await;
    let later = approved["later"].as_array().expect("a list");
    assert!(
        later.iter().all(|one| !text(&one["reason"]).is_empty()),
        "{later:?}"
    );
    let done = work_round(&server, true).await;
    let first = tasks(&approved)
        .iter()
        .find(|task| number(&task["work_item_id"]) == done[0])
        .expect("the task");

    let requirements = server.get(&format!("{base}/requirements")).await;
    let old = &requirements[0];
    let gone = json!(list(&first["requirements"])[0]);
    let edits = json!({"edits": [{"op": "remove", "id": gone}]});
    let path = format!("{base}/requirements/{}/edits", old["id"]);
    server.post(&path, edits).await;
    approve_newest(&server, project, "requirements").await;
    let path = format!("{base}/tasks/plan");
    let second = server.post(&path, json!(null)).await;
    let again = approve_newest(&server, project, "plans").await;
    assert_eq!(
        (&again["id"], &again["status"]),
        (&second["id"], &json!("approved"))
    );
    let kept = tasks(&again).iter().find(|task| task["id"] == first["id"]);
    let kept = kept.expect("the task is there");
    assert_eq!(
        (&kept["state"], &kept["work_item_id"]),
        (&json!("done"), &first["work_item_id"])
    );
    assert!(
        list(&kept["requirements"]).contains(&text(&gone)),
        "{kept:#}"
    );
    for task in tasks(&again).iter().filter(|task| task["state"] != "done") {
        assert!(
            !list(&task["requirements"]).contains(&text(&gone)),
            "{task:#}"
        );
    }
}
