//! The scripts of the requirement document, verbatim: `BASE` is the only thing set.

use std::process::Command;

use crate::support::{Installation, documents};

/// The bash block under the heading of a scenario.
fn script(scenario: &str) -> String {
    let folder = documents();
    let document = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| {
            panic!(
                "the requirement documents are not at {}: {error}",
                folder.display()
            )
        })
        .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok())
        .find(|text| text.contains("### Scenario A"))
        .expect("a document with scenarios");
    let heading = format!("### Scenario {scenario}:");
    let section = document
        .split_once(&heading)
        .expect("the scenario's heading")
        .1;
    let block = section.split_once("```bash\n").expect("its script").1;
    block
        .split_once("```")
        .expect("the script's end")
        .0
        .to_owned()
}

fn run(installation: &Installation, scenario: &str) -> String {
    let path = installation
        .folder
        .path()
        .join(format!("scenario-{scenario}.sh"));
    std::fs::write(&path, script(scenario)).expect("the script is written");
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
        serde_json::json!([]),
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
