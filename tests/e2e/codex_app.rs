//! Codex by its app-server, through the binary: in the run's sandbox, its requests for leave decided
//! by a person, talked to, stopped, and taken up again after a crash.

use std::{fs, path::PathBuf};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    codex::{
        KEY, Workshop,
        scripted_model::{Reply, scratch_folder},
    },
    process::wait_until,
    support::{Installation, answer},
};

/// A command that goes on until the test says so in a file.
const UNTIL_GO: &str = "echo begun >> began; until [ -e go ]; do sleep 0.05; done";

async fn started(up: &Installation, title: &str) -> (i64, Value) {
    let item = up.item(up.project().await, title).await;
    up.enqueue(item).await;
    (item, up.wait_run(item, "running").await)
}

async fn log(up: &Installation, run: &Value) -> String {
    up.log_lines(run["id"].as_i64().unwrap()).await.join("\n")
}

/// The one open question of a run that waits for it.
async fn question(up: &Installation, item: i64) -> Value {
    let run = up.wait_run(item, "waiting").await;
    let path = format!("/work-items/runs/{}/info-requests", run["id"]);
    let all = up.get(&path).await;
    let open: Vec<&Value> = all
        .as_array()
        .unwrap()
        .iter()
        .filter(|asked| asked["status"] == "pending")
        .collect();
    assert_eq!(open.len(), 1, "{all}");
    open[0].clone()
}

async fn decide(up: &Installation, question: &Value, word: &str) {
    let key = question["fields"][0]["key"].as_str().unwrap();
    let path = format!("/work-items/runs/info-requests/{}/respond", question["id"]);
    up.post(&path, json!({"values": {key: word}})).await;
}

#[tokio::test]
async fn codex_works_in_the_runs_sandbox_and_its_key_stays_its_own() {
    let look = "id -u; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; env; \
                grep -rs sk-scripte[d] $HOME . /tmp; ls -a $HOME; echo looked";
    let workshop = Workshop::with(
        &[("AGENT_SANDBOX", "bubblewrap")],
        [
            Reply::run(look),
            Reply::run(
                "cat /proc/sys/kernel/hostname; touch /usr/made; touch made; ls / | tr '\\n' ' '",
            ),
            Reply::say("All done."),
        ],
    )
    .await;
    let up = &workshop.up;
    let (item, _) = started(up, "Look around").await;
    let run = up.wait_run(item, "succeeded").await;
    let log = log(up, &run).await;
    assert!(log.contains("\nlooked"), "{log}");
    assert!(log.contains("\nsandbox\n"), "its own host name: {log}");
    assert!(workshop.work(&run).join("made").exists(), "{log}");
    assert!(!PathBuf::from("/usr/made").exists());
    assert!(
        !log.contains("sk-scripted-") && !log.contains(KEY) && !log.contains("SCRIPTED_KEY="),
        "{log}"
    );
    let asked = workshop.model.requests()[0].clone();
    assert_eq!(asked.authorization, Some(format!("Bearer {KEY}")));
    // What it reaches besides its provider is the recipe's matter.
    let refused = up.get("/audit?kind=egress.refused").await;
    assert_eq!(refused, json!([]), "{log}");
}

#[tokio::test]
async fn a_provider_that_policy_does_not_allow_fails_the_run_and_says_so() {
    let workshop = Workshop::with(
        &[("AGENT_ALLOWED_HOSTS", "example.com")],
        [Reply::say("never asked")],
    )
    .await;
    let up = &workshop.up;
    let item = up.item(up.project().await, "Ask").await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "failed").await;
    let reason = run["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("Codex needs the host `127.0.0.1:")
            && reason.contains("denied by the agent's AGENT_ALLOWED_HOSTS"),
        "{reason}"
    );
    assert!(workshop.model.requests().is_empty());
}

#[tokio::test]
async fn the_older_interface_works_in_the_sandbox_too_and_cannot_be_steered() {
    let workshop = Workshop::with(
        &[("AGENT_CODEX_MODE", "exec")],
        [Reply::run(UNTIL_GO), Reply::say("All done.")],
    )
    .await;
    let up = &workshop.up;
    let (item, run) = started(up, "Work").await;
    let work = workshop.work(&run);
    wait_until("the command", || work.join("began").exists()).await;
    let path = format!("/work-items/runs/{}/steer", run["id"]);
    let (status, problem) = up.try_post(&path, json!({"text": "faster"})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem["code"], "cannot_be_steered", "{problem}");
    fs::write(work.join("go"), "").unwrap();
    let run = up.wait_run(item, "succeeded").await;
    let log = log(up, &run).await;
    assert!(log.contains("steps run in the sandbox `"), "{log}");
}

#[tokio::test]
async fn what_codex_asks_leave_for_waits_for_a_person_and_happens_once() {
    let workshop = Workshop::new([
        Reply::run("mkdir gone; touch gone/x"),
        Reply::run("rm -rf gone"),
        Reply::run("rm -rf gone"),
        Reply::say("Tidied up."),
    ])
    .await;
    let up = &workshop.up;
    let (item, _) = started(up, "Tidy up").await;
    let asked = question(up, item).await;
    let prompt = asked["prompt"].as_str().unwrap();
    assert!(
        prompt.starts_with("Codex asks for leave to run `") && prompt.contains("rm -rf gone"),
        "{prompt}"
    );
    assert_eq!(
        asked["fields"][0]["options"],
        json!(["approve once", "decline"])
    );
    let waiting = up.wait_run(item, "waiting").await;
    assert!(workshop.work(&waiting).join("gone/x").exists());
    decide(up, &asked, "approve once").await;
    let run = up.wait_run(item, "succeeded").await;
    let log = log(up, &run).await;
    assert!(!workshop.first_work(&run).join("gone").exists(), "{log}");
    for part in [
        "going on with the conversation that there was",
        "a person approved: run `",
        "allowed once, as a person approved: run `",
        "Tidied up.",
    ] {
        assert!(log.contains(part), "`{part}` is not in the log:\n{log}");
    }
    let last = workshop.model.requests().pop().unwrap().body.to_string();
    assert!(last.contains("Tidy up") && last.contains("A person has approved that"));
}

#[tokio::test]
async fn a_refusal_is_told_to_codex_and_holds_and_the_rest_goes_on() {
    let workshop = Workshop::new([
        Reply::run("mkdir kept; touch kept/x"),
        Reply::run("rm -rf kept"),
        Reply::run("rm -rf kept"),
        Reply::run("echo other > other"),
        Reply::say("Left it."),
    ])
    .await;
    let up = &workshop.up;
    let (item, _) = started(up, "Tidy up").await;
    decide(up, &question(up, item).await, "decline").await;
    let run = up.wait_run(item, "succeeded").await;
    let log = log(up, &run).await;
    let work = workshop.first_work(&run);
    assert!(
        work.join("kept/x").exists() && work.join("other").exists(),
        "{log}"
    );
    assert!(
        log.contains("refused, as a person declined it: run `"),
        "{log}"
    );
    let requests = workshop.model.requests();
    assert!(
        requests[2]
            .body
            .to_string()
            .contains("A person has declined that")
    );
}

#[tokio::test]
async fn a_question_outlives_the_agent_and_each_request_is_asked_on_its_own() {
    let mut workshop = Workshop::with(
        &[("AGENT_CODEX_APPROVAL", "untrusted")],
        [
            Reply::run("echo first >> did"),
            Reply::run("echo first >> did"),
            Reply::run("echo second >> did"),
            Reply::run("echo second >> did"),
            Reply::say("Did both."),
        ],
    )
    .await;
    let (item, _) = started(&workshop.up, "Do both").await;
    let first = question(&workshop.up, item).await;
    workshop.up.kill();
    workshop.up.start();
    let up = &workshop.up;
    let first_again = question(up, item).await;
    assert_eq!(first["id"], first_again["id"]);
    decide(up, &first, "approve once").await;
    let asked_second = |all: &Value| {
        let all = all.as_array().into_iter().flatten();
        all.filter(|asked| asked["status"] == "pending").count() == 1
    };
    let run = up.runs(item).await[0]["id"].clone();
    let path = format!("/work-items/runs/{run}/info-requests");
    let all = up.wait_for(&path, "the second question", |all| {
        all.as_array().map(Vec::len) == Some(2) && asked_second(all)
    });
    all.await;
    let second = question(up, item).await;
    assert!(second["prompt"].as_str().unwrap().contains("echo second"));
    assert_ne!(first["fields"][0]["key"], second["fields"][0]["key"]);
    decide(up, &second, "approve once").await;
    let run = up.wait_run(item, "succeeded").await;
    let did = fs::read_to_string(workshop.first_work(&run).join("did")).unwrap();
    assert_eq!(did, "first\nsecond\n");
    // Answers are no secrets: they stay readable.
    assert!(log(up, &run).await.contains("a person approved: run `"));
}

#[tokio::test]
async fn a_change_of_files_outside_of_the_workspace_is_asked_for_where_codex_keeps_itself_in() {
    let outside = tempfile::tempdir_in(scratch_folder()).unwrap();
    let file = outside.path().join("outside.txt");
    let patch = Reply::Patch(format!(
        "*** Begin Patch\n*** Add File: {}\n+made outside\n*** End Patch",
        file.display()
    ));
    let workshop = Workshop::with(
        &[("AGENT_SANDBOX", "process")],
        [patch.clone(), patch, Reply::say("Made it.")],
    )
    .await;
    let up = &workshop.up;
    let (item, _) = started(up, "Make a file").await;
    let asked = question(up, item).await;
    let prompt = asked["prompt"].as_str().unwrap();
    let what = format!("change files (add {})", file.display());
    assert!(prompt.contains(&what), "{prompt}");
    assert!(!file.exists());
    decide(up, &asked, "approve once").await;
    let run = up.wait_run(item, "succeeded").await;
    let log = log(up, &run).await;
    assert_eq!(fs::read_to_string(&file).expect(&log), "made outside\n");
}

#[tokio::test]
async fn a_run_that_is_cancelled_leaves_nothing_of_codex() {
    let seconds = format!("6{}", std::process::id());
    let workshop = Workshop::new([
        Reply::run(&format!("setsid sleep {seconds}1 & sleep {seconds}2")),
        Reply::say("done"),
    ])
    .await;
    let up = &workshop.up;
    let (item, run) = started(up, "Sleep").await;
    let sleeps = || processes(&format!("sleep {seconds}")) >= 2;
    wait_until("the command", sleeps).await;
    let path = format!("/work-items/runs/{}/cancel", run["id"]);
    up.post(&path, json!({})).await;
    up.wait_run(item, "cancelled").await;
    wait_until("the end of all", || processes(&seconds) == 0).await;
}

/// Processes whose command line has `part` in it.
fn processes(part: &str) -> usize {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.starts_with(part) || line.trim().contains(part))
        .count()
}

#[tokio::test]
async fn what_a_person_says_reaches_codex_while_it_works() {
    let workshop = Workshop::new([Reply::run(UNTIL_GO), Reply::say("Blue it is.")]).await;
    let up = &workshop.up;
    let (item, run) = started(up, "Paint").await;
    let work = workshop.work(&run);
    wait_until("the command", || work.join("began").exists()).await;
    let id = run["id"].to_string();
    let said = up.cli(&["run", "steer", &id, "use", "blue"]);
    assert!(said.contains("running"), "{said}");
    let path = format!("/work-items/runs/{id}/logs?format=json");
    let heard = |page: &Value| {
        page.to_string()
            .contains("a person says to Codex: use blue")
    };
    up.wait_for(&path, "the word", heard).await;
    fs::write(work.join("go"), "").unwrap();
    let run = up.wait_run(item, "succeeded").await;
    let last = workshop.model.requests().pop().unwrap().body.to_string();
    assert!(last.contains("use blue"), "{last}");
    let audit = up.get("/audit?kind=run.steered").await;
    assert_eq!(audit[0]["data"]["text"], "use blue", "{audit}");
    // Nobody listens any more.
    let path = format!("/work-items/runs/{}/steer", run["id"]);
    let request = up
        .request(Method::POST, &path)
        .json(&json!({"text": "red"}));
    let (status, problem) = answer(request).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem["code"], "not_working", "{problem}");
}

#[tokio::test]
async fn steps_cannot_be_steered_and_it_is_said_why() {
    let up = Installation::up();
    let item = up
        .item_with(up.project().await, "Wait", &["sleep 1000"])
        .await;
    up.enqueue(item).await;
    let run = up.wait_run(item, "running").await;
    let path = format!("/work-items/runs/{}", run["id"]);
    let is_held = |run: &Value| run["claimed_by"].is_string();
    up.wait_for(&path, "an agent", is_held).await;
    let (status, problem) = up
        .try_post(&format!("{path}/steer"), json!({"text": "faster"}))
        .await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem["code"], "cannot_be_steered", "{problem}");
    let (status, _) = up
        .try_post(&format!("{path}/steer"), json!({"text": " "}))
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    up.post(&format!("{path}/cancel"), json!({})).await;
}

#[tokio::test]
async fn a_token_budget_that_is_used_up_ends_the_run_before_more_is_done() {
    let workshop = Workshop::with(
        &[("AGENT_CODEX_TOKEN_BUDGET", "1500")],
        [
            Reply::run("echo 1 >> count"),
            Reply::run("sleep 1; echo 2 >> count"),
            Reply::run("echo 3 >> count"),
        ],
    )
    .await;
    let up = &workshop.up;
    let (item, _) = started(up, "Count").await;
    let run = up.wait_run(item, "failed").await;
    assert_eq!(
        run["reason"],
        "the token budget of 1500 (AGENT_CODEX_TOKEN_BUDGET) is used up: 2100 tokens were used"
    );
    assert_eq!(workshop.model.requests().len(), 2);
    assert!(log(up, &run).await.contains("tokens: 2000 in"));
}

#[tokio::test]
async fn a_run_whose_agent_was_killed_goes_on_with_its_conversation() {
    let mut workshop = Workshop::new([Reply::run(UNTIL_GO), Reply::say("Went on.")]).await;
    let (item, run) = started(&workshop.up, "Carry on").await;
    let work = workshop.work(&run);
    wait_until("the command", || work.join("began").exists()).await;
    workshop.up.kill();
    workshop.up.start();
    let up = &workshop.up;
    let run = up.wait_run(item, "succeeded").await;
    let log = log(up, &run).await;
    assert!(
        log.contains("going on with the conversation that there was"),
        "{log}"
    );
    let requests = workshop.model.requests();
    let last = requests.last().unwrap().body.to_string();
    assert!(
        last.contains("Carry on") && last.contains("echo begun"),
        "{last}"
    );
    assert!(last.contains("was interrupted"), "{last}");
    assert_eq!(requests.len(), 2);
    assert_eq!(fs::read_to_string(work.join("began")).unwrap(), "begun\n");
}
