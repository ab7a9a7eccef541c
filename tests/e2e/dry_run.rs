//! What would run is shown, and nothing runs.

use serde_json::json;

use crate::support::Installation;

#[tokio::test]
async fn a_dry_run_shows_steps_rights_approval_and_the_agent_and_starts_nothing() {
    let up = Installation::with(
        "up",
        &[
            ("AGENT_SANDBOX", "bubblewrap"),
            ("AGENT_ALLOWED_HOSTS", "a.example"),
        ],
    );
    let ran = up.folder.path().join("ran");
    let item = up.item(up.project().await, "deploy").await;
    let yaml = json!({
        "permissions": {"network": ["b.example"], "filesystem": [".git"]},
        "steps": [
            "make",
            {"run": format!("touch {}", ran.display()), "name": "pay", "env": {"KEY": "hush"},
             "timeout": 5, "idempotent": false, "secrets": ["CARD"], "artifacts": ["receipts/*"]},
        ],
    });
    let yaml = json!({"yaml": yaml.to_string()});
    up.post(&format!("/work-items/{item}/tool-recipe"), yaml.clone())
        .await;
    up.wait_for("/agents", "the agent", |agents| {
        agents[0]["connected"] == true
    })
    .await;

    let shown = up
        .post(&format!("/work-items/{item}/dry-run"), json!(null))
        .await;
    assert_eq!(shown["steps"][1]["env"], json!(["KEY"]));
    assert_eq!(shown["steps"][1]["idempotent"], false);
    assert_eq!(shown["steps"][0]["idempotent"], true);
    let card = json!([{"name": "CARD", "as": "variable", "variable": "CARD"}]);
    assert_eq!(shown["steps"][1]["secrets"], card);
    assert_eq!(shown["steps"][1]["artifacts"][0]["path"], "receipts/*");
    assert_eq!(shown["rights"]["hosts"], json!(["b.example"]));
    assert_eq!(shown["approval"]["state"], "no approval is needed");
    assert_eq!(shown["agents"][0]["sandbox"], "bubblewrap");
    let denied = shown["agents"][0]["denied"][0].as_str().unwrap();
    assert!(
        denied.contains("the host `b.example`") && denied.contains("AGENT_ALLOWED_HOSTS"),
        "{denied}"
    );
    assert!(!shown.to_string().contains("hush"), "{shown}");
    assert_eq!(up.runs(item).await, Vec::<serde_json::Value>::new());
    assert!(!ran.exists());

    let text = up.cli(&["work", "dry-run", &item.to_string()]);
    for said in [
        "not repeated without a person's word",
        "gets the secret CARD as the variable CARD",
        "keeps receipts/*",
    ] {
        assert!(text.contains(said), "{text}");
    }
    let file = up.folder.path().join("recipe.yaml");
    std::fs::write(&file, yaml["yaml"].as_str().unwrap()).unwrap();
    let file = file.display().to_string();
    let text = up.cli(&["recipe", "check", &file, "--dry-run"]);
    assert!(text.contains("network     listed: b.example"), "{text}");
    up.cli(&["recipe", "check", &file]);
}
