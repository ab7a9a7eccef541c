//! The scripts and the recipe of the requirement documents, verbatim: `BASE` is the only thing set.
//!
//! Every test that reads the documents stands here: `scripts/run-tests` leaves this module out where
//! there are none.

use std::process::Command;

use serde_json::json;

use crate::support::{Installation, documents};

/// The first block in `language` after `heading`, out of the document that has this heading.
fn block(heading: &str, language: &str) -> String {
    let folder = documents();
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| {
        panic!(
            "the requirement documents are not at {} ({error}); set REQUIREMENTS_DIR to their folder",
            folder.display()
        )
    });
    let document = entries
        .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok())
        .find(|text| text.contains(heading))
        .unwrap_or_else(|| panic!("no document has `{heading}`"));
    let section = document.split_once(heading).expect("it has it").1;
    let fence = format!("```{language}\n");
    let block = section.split_once(&fence).expect("a block").1;
    block.split_once("```").expect("its end").0.to_owned()
}

fn run(installation: &Installation, scenario: &str) -> String {
    let path = installation
        .folder
        .path()
        .join(format!("scenario-{scenario}.sh"));
    std::fs::write(&path, block(&format!("### Scenario {scenario}:"), "bash"))
        .expect("the script is written");
    let output = Command::new("bash")
        .arg(&path)
        .env("BASE", &installation.base)
        .output()
        .expect("bash runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "scenario {scenario}: {text}\n{errors}\n{}",
        installation.log()
    );
    assert_eq!(errors, "", "scenario {scenario} complained");
    text
}

async fn scenarios_end_with_every_run_succeeded(installation: Installation) {
    run(&installation, "A");
    run(&installation, "B");
    let found = run(&installation, "C");
    assert!(found.contains("Starting run 1"), "{found}");
    let runs = installation.get("/work-items/runs").await;
    let statuses: Vec<&str> = runs
        .as_array()
        .expect("runs")
        .iter()
        .filter_map(|run| run["status"].as_str())
        .collect();
    assert_eq!(statuses, ["succeeded"; 9]);
    let items = installation.get("/work-items").await;
    let open: Vec<_> = items
        .as_array()
        .expect("items")
        .iter()
        .filter(|item| item["state"] != "Done")
        .collect();
    assert_eq!(open, Vec::<&serde_json::Value>::new());
    let requests = installation
        .get("/work-items/runs/info-requests?status=pending")
        .await;
    assert_eq!(
        requests,
        json!([]),
        "completing by hand cancels a run's questions"
    );
}

#[tokio::test]
async fn scenarios_succeed_against_serve() {
    scenarios_end_with_every_run_succeeded(Installation::serve()).await;
}

#[tokio::test]
async fn scenarios_succeed_against_up_with_its_agent_racing_them() {
    scenarios_end_with_every_run_succeeded(Installation::up()).await;
}

#[tokio::test]
async fn the_documents_own_recipe_is_valid() {
    let server = Installation::serve();
    let item = server.item(server.project().await, "a").await;
    let yaml = block("## Tool Recipe (YAML)", "yaml");
    let path = format!("/work-items/{item}/tool-recipe");
    let stored = server.post(&path, json!({"yaml": yaml})).await;
    assert_eq!(
        (&stored["status"], &stored["yaml"]),
        (&json!("valid"), &json!(yaml))
    );
}
