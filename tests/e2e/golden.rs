//! A whole way, from a vision to queued items and a team's answer, out of a recording that is stored beside this
//! test: no model is asked, and what comes of it is the stored outcome, byte for byte.
//!
//! `GOLDEN=record` makes recording and outcome again, by a model that answers by a script. Do so where a prompt or
//! a rule is meant to change, and read the difference.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::codex::scripted_model::{Reply, ScriptedModel};
use crate::support::Installation;

fn stored(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/e2e/golden")
        .join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(stored(name)).expect("a stored file")
}

/// What the model says, in the order in which it is asked.
fn script() -> Vec<Reply> {
    vec![
        // It is asked again, with what was wrong.
        Reply::say("Certainly! Here are your requirements."),
        Reply::say(&requirements()),
        Reply::say(&plan()),
        Reply::say("The specification of the bookings."),
        Reply::say("Verdict: approve"),
    ]
}

fn cite(sentence: &str) -> Value {
    json!({"sentence": sentence, "attachment": ""})
}

fn requirements() -> String {
    let item = |kind: &str, text: &str, priority: &str, sentence: &str| {
        json!({
            "kind": kind, "text": text, "priority": priority, "cites": cite(sentence),
            "mvp": {"included": priority == "must", "reason": "bookings rest on it"},
        })
    };
    let option = |name: &str, summary: &str| {
        json!({
            "name": name, "summary": summary, "strengths": ["plain"], "trade_offs": ["one more thing to run"],
            "rests_on": [cite("Pages must load within 2 seconds.")],
        })
    };
    let cancel = "A customer can cancel a booking until the evening before.";
    json!({
        "items": [
            item("functional", "A customer chooses a free slot within four weeks", "must",
                "Customers must choose a free slot within the next four weeks."),
            item("functional", "A customer cancels a booking until the evening before", "should", cancel),
            item("functional", "The workshop sees a day's bookings on one page", "must",
                "The workshop must see the bookings of a day on one page."),
            item("non_functional", "Pages load within 2 seconds", "must", "Pages must load within 2 seconds."),
            item("functional", "Customers pay in advance", "should", "Payment is taken in advance."),
        ],
        "options": [
            option("One program", "pages and bookings in one program with an embedded database"),
            option("Pages and a service", "static pages before a service for bookings"),
        ],
        "contradictions": [{
            "question": "May a booking be cancelled?",
            "between": [cite(cancel), cite("Nobody may cancel a booking.")],
        }],
        "vague": [{"word": "cheap", "question": "What may it cost a month?", "cites": cite("It should be cheap.")}],
    })
    .to_string()
}

fn plan() -> String {
    let task = |key: &str, title: &str, requirements: &[&str], waits: &[&str], command: &str| {
        json!({
            "key": key, "story": "book", "title": title, "description": "as the requirement says", "kind": "task",
            "role": "developer", "requirements": requirements, "depends_on": waits,
            "acceptance": [{"text": "Its tests pass", "command": command}],
            "estimate": {"low_minutes": 60, "likely_minutes": 120, "high_minutes": 300},
            "capabilities": ["node"], "tools": ["npm"],
        })
    };
    json!({
        "epics": [{"key": "bookings", "title": "Bookings"}],
        "stories": [{"key": "book", "epic": "bookings", "title": "Book a repair"}],
        "tasks": [
            task("slots", "Offer free slots", &["R-1"], &[], "npm test -- slots"),
            task("cancel", "Cancel a booking", &["R-2"], &["slots"], "npm test -- cancel"),
            task("day", "Show a day's bookings", &["R-3", "R-4"], &["slots"], "npm test -- day"),
        ],
    })
    .to_string()
}

/// Only these fields of an object: times and numbers of a run of this test are no part of the outcome.
fn fields(of: &Value, names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| ((*name).to_owned(), of[*name].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

async fn way(server: &Installation) -> Value {
    let project = server.project().await;
    let base = format!("/projects/{project}");
    let vision = json!({"content": read("vision.md")});
    server.post(&format!("{base}/vision"), vision).await;
    let path = format!("{base}/requirements/propose");
    let proposed = server.post(&path, json!({"by": "model"})).await;
    let path = format!("{base}/requirements/{}/approve", proposed["id"]);
    let bound = json!({"digest": proposed["digest"]});
    server.post(&path, bound).await;
    let path = format!("{base}/tasks/plan");
    let planned = server.post(&path, json!({"by": "model"})).await;
    let path = format!("{base}/plans/{}/approve", planned["id"]);
    let bound = json!({"digest": planned["digest"]});
    server.post(&path, bound).await;
    let items = server
        .get(&format!("/work-items?project_id={project}&limit=200"))
        .await;
    let items = items.as_array().expect("items").iter();
    let items = items.map(|item| fields(item, &["title", "description", "status", "kind", "role"]));
    let items: Vec<Value> = items.collect();
    let ask = json!({
        "prompt": "Write the slots", "agent_sequence": ["spec", "reviewer"],
        "context": {"language": "javascript"}, "options": {}, "project_id": project,
    });
    let team = server.post("/api/orchestrate", ask).await;
    json!({
        "requirements": fields(&proposed, &["by", "draft", "items", "options", "findings", "digest"]),
        "plan": fields(&planned, &["by", "epics", "stories", "tasks", "faults", "notes", "schedule", "digest"]),
        "items": items,
        "team": fields(&team, &["status", "result"]),
    })
}

fn written(outcome: &Value) -> String {
    serde_json::to_string_pretty(outcome).expect("JSON") + "\n"
}

#[tokio::test]
async fn a_stored_recording_goes_the_whole_way_without_a_model_byte_for_byte() {
    let recording = stored("calls.jsonl").display().to_string();
    if std::env::var("GOLDEN").is_ok_and(|what| what == "record") {
        // There is none the first time.
        let _ = std::fs::remove_file(&recording);
        let model = ScriptedModel::start(script()).await;
        let base = model.base_url();
        let env = [
            ("OPENAI_API_KEY", "sk-golden-0123456789"),
            ("ORCH_OPENAI_BASE_URL", base.as_str()),
            ("ORCH_OPENAI_MODEL", "scripted-1"),
            ("ORCH_MODEL_RECORD", recording.as_str()),
        ];
        let outcome = way(&Installation::with("serve", &env)).await;
        std::fs::write(stored("outcome.json"), written(&outcome)).expect("written");
    }
    let server = Installation::with("serve", &[("ORCH_MODEL_REPLAY", &recording)]);
    let outcome = written(&way(&server).await);
    assert_eq!(outcome, read("outcome.json"));
}
