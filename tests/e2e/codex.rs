//! Codex as executor and as planner: the real Codex CLI against a scripted model, and stubs in its
//! place as planner.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::Installation;

#[path = "../support/scripted_model.rs"]
#[expect(dead_code, reason = "the executor's own tests use all of it")]
pub mod scripted_model;

use scripted_model::{
    CACHED_TOKENS, INPUT_TOKENS, KEY_VARIABLE, OUTPUT_TOKENS, REASONING_TOKENS, Reply,
    ScriptedModel, codex_bin, scratch_folder,
};

pub const KEY: &str = "sk-scripted-0123456789";

/// `up` whose agent hands work to Codex, with a model that answers by a script.
pub struct Workshop {
    pub up: Installation,
    pub model: ScriptedModel,
    folder: TempDir,
}

impl Workshop {
    pub async fn new(replies: impl Into<Vec<Reply>>) -> Self {
        Self::with(&[], replies).await
    }

    /// With more of the agent's settings.
    pub async fn with(more: &[(&str, &str)], replies: impl Into<Vec<Reply>>) -> Self {
        let bin = codex_bin();
        let model = ScriptedModel::start(replies).await;
        // Codex refuses to keep its programs among temporary files.
        let folder = TempDir::new_in(scratch_folder()).expect("a folder in the cache");
        let user = folder.path().join("user");
        model.configure_codex(&bin, &user);
        let data = folder.path().join("data");
        let mut env = vec![
            ("ORCH_DATA_DIR", text(&data)),
            ("AGENT_EXECUTOR", "codex"),
            ("AGENT_KEEP_RUNS", "1"),
            ("CODEX_BIN", text(&bin)),
            ("CODEX_HOME", text(&user)),
            (KEY_VARIABLE, KEY),
        ];
        env.extend(more);
        let up = Installation::with("up", &env);
        Self { up, model, folder }
    }

    /// The workspace of a run that goes on in the folder of its first hold.
    pub fn first_work(&self, run: &Value) -> PathBuf {
        let runs = self.folder.path().join("data/agent/runs");
        runs.join(format!("run-{}/epoch-1/work", run["id"]))
    }

    /// A run's workspace, which is kept.
    pub fn work(&self, run: &Value) -> PathBuf {
        let runs = self.folder.path().join("data/agent/runs");
        runs.join(format!("run-{}/epoch-{}/work", run["id"], run["epoch"]))
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

async fn carried_out(up: &Installation, title: &str, status: &str) -> (Value, String) {
    let item = up.item(up.project().await, title).await;
    up.enqueue(item).await;
    let run = up.wait_run(item, status).await;
    let lines = up.log_lines(run["id"].as_i64().unwrap()).await;
    (run, lines.join("\n"))
}

#[tokio::test]
async fn codex_makes_the_file_its_commands_are_in_the_log_and_its_tokens_are_counted() {
    let workshop = Workshop::new([
        Reply::run("printf 'hello\\n' | tee hello.txt; exit 3"),
        Reply::say("All done."),
    ])
    .await;
    let up = &workshop.up;
    let (run, log) = carried_out(up, "Greet the world", "succeeded").await;
    // A command that failed is Codex's business; how Codex ended is the run's.
    assert_eq!(run["exit_code"], 0);
    let made = workshop.work(&run).join("hello.txt");
    assert_eq!(fs::read_to_string(&made).expect("the file"), "hello\n");
    for part in ["tee hello.txt", "\nhello\n", "[exit code 3]", "All done."] {
        assert!(log.contains(part), "`{part}` is not in the log:\n{log}");
    }
    assert!(!log.contains(KEY) && !up.log().contains(KEY));
    let asked = workshop.model.requests()[0].clone();
    assert_eq!(asked.authorization, Some(format!("Bearer {KEY}")));
    assert!(asked.body.to_string().contains("Greet the world"));

    let path = format!("/work-items/runs/{}/summaries", run["id"]);
    let is_there = |summaries: &Value| summaries[0].is_object();
    let summaries = up.wait_for(&path, "the summary", is_there).await;
    assert_eq!(summaries[0]["content"], "All done.");
    assert_eq!(
        summaries[0]["usage"],
        json!({
            "input_tokens": 2 * INPUT_TOKENS, "cached_input_tokens": 2 * CACHED_TOKENS,
            "output_tokens": 2 * OUTPUT_TOKENS, "reasoning_output_tokens": 2 * REASONING_TOKENS,
        })
    );
    let usage = up.get("/observability/usage").await;
    let used = ["input_tokens", "cached_input_tokens", "output_tokens"].map(|key| &usage[0][key]);
    assert_eq!(
        used.map(|count| count.as_u64()),
        [INPUT_TOKENS, CACHED_TOKENS, OUTPUT_TOKENS].map(|of_one| Some(2 * of_one))
    );
}

#[tokio::test]
async fn codex_that_fails_fails_the_run_and_the_reason_is_said() {
    let workshop = Workshop::new([Reply::status(401)]).await;
    let (run, log) = carried_out(&workshop.up, "Greet the world", "failed").await;
    let reason = run["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("codex failed: unexpected status 401"),
        "{reason}"
    );
    assert!(log.contains(reason), "{log}");
    assert!(!log.contains(KEY) && !workshop.up.log().contains(KEY));
}

/// `up` that plans by a command which keeps its prompt and prints `answer`, in a workspace with a
/// Makefile.
fn planning(answer: &str) -> (Installation, TempDir) {
    let folder = TempDir::new().expect("a temporary folder");
    let (stub, workspace) = (folder.path().join("plan"), folder.path().join("workspace"));
    fs::write(folder.path().join("answer"), answer).expect("writing");
    let script = format!(
        "#!/bin/sh\nset -e\ncd {}\ncat > prompt\ncat answer\n",
        text(folder.path())
    );
    fs::write(&stub, script).expect("writing");
    fs::set_permissions(&stub, fs::Permissions::from_mode(0o755)).expect("making it a program");
    fs::create_dir(&workspace).expect("a workspace");
    fs::write(workspace.join("Makefile"), "build:\n\t@echo made by make\n").expect("writing");
    let up = Installation::with(
        "up",
        &[
            ("AGENT_ENABLE_LLM_PLANNING", "true"),
            ("AGENT_WORKSPACE", text(&workspace)),
            ("CODEX_PLAN_CMD", text(&stub)),
        ],
    );
    (up, folder)
}

#[tokio::test]
async fn the_planning_command_gets_the_prompt_and_both_forms_of_its_steps_run() {
    let (up, folder) = planning(
        r#"["mkdir sub; echo one", {"run": "echo \"$STAGE in ${PWD##*/}\"", "env": {"STAGE": "prod"}, "timeout": 60, "cwd": "./sub"}]"#,
    );
    let (run, log) = carried_out(&up, "build", "succeeded").await;
    assert!(
        log.contains("\none\n") && log.contains("\nprod in sub"),
        "{log}"
    );
    assert!(!log.contains("made by make"), "{log}");
    let steps = up
        .get(&format!("/work-items/runs/{}/steps", run["id"]))
        .await;
    assert_eq!(steps.as_array().map(Vec::len), Some(2), "{steps}");
    let prompt = fs::read_to_string(folder.path().join("prompt")).expect("the prompt");
    assert!(prompt.contains("build"), "{prompt}");
}

#[tokio::test]
async fn nonsense_instead_of_a_plan_falls_back_to_the_workspace_and_an_event_says_so() {
    let (up, folder) = planning("I would rather not.");
    let (run, log) = carried_out(&up, "build", "succeeded").await;
    assert!(log.contains("made by make"), "{log}");
    assert!(folder.path().join("prompt").exists());
    let page = up
        .get(&format!("/work-items/runs/{}/logs?format=json", run["id"]))
        .await;
    let events: Vec<&str> = page["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["stream"] == "event")
        .filter_map(|entry| entry["message"].as_str())
        .collect();
    let said = "planning by a model failed, using the deterministic plan: ";
    assert!(
        events
            .iter()
            .any(|event| event.starts_with(said) && event.contains("I would rather not.")),
        "{events:?}"
    );
}
