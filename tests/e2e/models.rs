//! Models by the file of `ORCH_MODELS`, against addresses and a program that answer by a script.

pub mod budgets;
mod levels;
mod place;
mod veil;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::Installation;
use place::{Place, Say};

const KEY: &str = "sk-models-0123456789-abcdef";

/// A folder with the file of models.
struct Files {
    folder: TempDir,
}

impl Files {
    fn with(models: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        std::fs::write(folder.path().join("models.toml"), models).expect("a file");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn models(&self) -> String {
        self.path("models.toml").display().to_string()
    }

    fn serve(&self, env: &[(&str, &str)]) -> Installation {
        let models = self.models();
        let own = [("ORCH_MODELS", models.as_str()), ("FIRST_KEY", KEY)];
        Installation::with("serve", &[&own[..], env].concat())
    }
}

/// Two models, one behind the other.
fn chain(first: &Place, second: &Place, on_limit: &str) -> String {
    format!(
        r#"
version = 1

[[model]]
name = "first"
protocol = "messages"
base_url = "{}"
model = "claude-x"
key_env = "FIRST_KEY"
attempts = 1
price = {{ input = 1000000, output = 2000000 }}

[[model]]
name = "second"
protocol = "chat"
base_url = "{}"
attempts = 1
price = {{ input = 0, output = 1000000 }}

[default]
chain = ["first", "second"]
on_limit = "{on_limit}"
temperature = 0.5
seed = 11
max_output_tokens = 100
"#,
        first.base, second.base
    )
}

fn program(path: &Path, script: &str) {
    std::fs::write(path, script).expect("a program");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
}

fn ask(agents: &[&str]) -> Value {
    json!({"prompt": "Say something", "agent_sequence": agents})
}

async fn calls(server: &Installation, done: &Value) -> Vec<Value> {
    let id = done["request_id"].as_str().expect("an id");
    let calls = server.get(&format!("/api/orchestrate/{id}/calls")).await;
    calls.as_array().expect("a list").clone()
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}

#[tokio::test]
async fn roles_ask_what_the_file_names_and_the_next_where_the_first_cannot_answer() {
    let first = Place::open(vec![Say::status(
        500,
        &json!({"error": {"message": "broken"}}),
    )])
    .await;
    let second = Place::open(vec![Say::chat("from the second")]).await;
    let files = Files::with(&format!(
        "{}\n[[model]]\nname = \"own\"\nprotocol = \"program\"\ncommand = [\"./own\", \"x\"]\nenvironment = [\"OWN_WORD\"]\n\n[role.code]\nchain = [\"own\"]\n",
        chain(&first, &second, "park")
    ));
    let server = files.serve(&[("OWN_WORD", "hush"), ("OTHER_WORD", "loud")]);
    program(
        &server.folder.path().join("own"),
        "#!/bin/sh\ncat > asked\necho \"$OWN_WORD $OTHER_WORD$FIRST_KEY$ORCH_MODELS $1\"\n",
    );
    let done = server
        .post("/api/orchestrate", ask(&["spec", "code"]))
        .await;
    assert_eq!(
        done["result"],
        json!({"spec": "from the second", "code": "hush  x"}),
        "{done}"
    );
    let agents = &done["metadata"]["agents"];
    assert_eq!(
        (&agents[0]["model"], &agents[1]["model"]),
        (&json!("second"), &json!("own"))
    );

    let asked = first.came();
    assert_eq!((asked.len(), asked[0].path.as_str()), (1, "/v1/messages"));
    assert_eq!(asked[0].headers["x-api-key"], KEY);
    assert_eq!(asked[0].body["model"], "claude-x");
    let then = &second.came()[0];
    assert_eq!(then.path, "/v1/chat/completions");
    assert_eq!(
        (&then.body["temperature"], &then.body["seed"]),
        (&json!(0.5), &json!(11))
    );
    assert_eq!(then.body["max_tokens"], 100);

    let calls = calls(&server, &done).await;
    let told: Vec<_> = calls
        .iter()
        .map(|call| (&call["model"], call["error"].is_string()))
        .collect();
    assert_eq!(
        told,
        [
            (&json!("first"), true),
            (&json!("second"), false),
            (&json!("own"), false)
        ]
    );
    assert_eq!(
        (&calls[0]["cost_microusd"], &calls[1]["cost_microusd"]),
        (&json!(0), &json!(40))
    );
    assert!(!Value::from(calls).to_string().contains(KEY));

    let models = server.get("/models").await;
    assert_eq!(models[0]["name"], "first");
    assert_eq!(
        (&models[0]["key_env"], &models[0]["source"]),
        (&json!("FIRST_KEY"), &json!("ORCH_MODELS"))
    );
    assert_eq!(models[2]["roles"], json!(["code"]));
    assert!(!models.to_string().contains(KEY));
    let metrics = server
        .request(reqwest::Method::GET, "/metrics")
        .send()
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    for line in [
        "orch_model_calls_total{model=\"first\",outcome=\"failed\"} 1",
        "orch_model_tokens_total{model=\"second\",kind=\"output\"} 40",
        "orch_model_cost_usd_total{model=\"second\"} 0.000040",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    let listed = server.cli(&["models", "list"]);
    assert!(
        listed.contains("first") && !listed.contains("responses_else_chat"),
        "{listed}"
    );
    let doctor = text(&server.command(&["doctor"]).output().expect("it runs"));
    assert!(
        doctor.contains("first (ORCH_MODELS): messages at")
            && doctor.contains("key from FIRST_KEY"),
        "{doctor}"
    );
}

#[tokio::test]
async fn a_file_with_a_fault_is_refused_with_its_line_and_doctor_says_so() {
    let place = Place::open(vec![Say::chat("x")]).await;
    let good = chain(&place, &place, "park");
    let server = Installation::serve();
    let faults = [
        (good.replace("key_env", "api_key"), "api_key"),
        (
            good.replace("chain = [\"first\"", "chain = [\"frist\""),
            "did you mean \"first\"",
        ),
        (
            good.replace("\"park\"", "\"wait\""),
            "unknown variant `wait`, expected `park` or `next`",
        ),
        (
            good.replace("attempts = 1", "attempts = 0"),
            "attempts is 0; expected a number from 1 to 20",
        ),
        (
            good.replace("FIRST_KEY", "SECOND_KEY"),
            "takes its key from SECOND_KEY, which is not set",
        ),
    ];
    for (file, wanted) in faults {
        let files = Files::with(&file);
        for command in [["serve", "--port=0"].as_slice(), &["doctor"]] {
            let mut command = server.command(command);
            command
                .env("ORCH_MODELS", files.models())
                .env("FIRST_KEY", KEY);
            command.env("ORCH_DATA_DIR", files.path("data"));
            let output = command.output().expect("it runs");
            assert!(!output.status.success());
            let said = text(&output)
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            assert!(said.contains(wanted), "{wanted} is not in {said}");
            assert!(!said.contains(KEY), "{said}");
        }
    }
}

#[tokio::test]
async fn a_usage_limit_waits_for_the_first_or_goes_on_to_the_next_as_the_file_says() {
    let limit = || {
        let body =
            json!({"type": "error", "error": {"type": "rate_limit_error", "message": "limit"}});
        Say::status(429, &body)
            .with("anthropic-ratelimit-unified-status", "rejected")
            .with("retry-after", "1")
    };
    let first = Place::open(vec![limit(), Say::message("from the first")]).await;
    let second = Place::open(vec![Say::chat("from the second")]).await;
    let files = Files::with(&chain(&first, &second, "park"));
    let done = files
        .serve(&[])
        .post("/api/orchestrate", ask(&["spec"]))
        .await;
    assert_eq!(done["result"]["spec"], "from the first", "{done}");
    assert!(second.came().is_empty());

    let first = Place::open(vec![limit()]).await;
    let files = Files::with(&chain(&first, &second, "next"));
    let done = files
        .serve(&[])
        .post("/api/orchestrate", ask(&["spec"]))
        .await;
    assert_eq!(done["result"]["spec"], "from the second", "{done}");
}

#[tokio::test]
async fn junk_too_much_and_a_cut_stream_are_passed_over_and_noted() {
    let cut = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"half\"}}\n\n";
    let first = Place::open(vec![
        Say::raw("text/html", "<html>nothing of use</html>"),
        Say::raw("application/json", vec![b'x'; 10 << 20]),
        Say::raw("text/event-stream", cut),
        Say::status(
            529,
            &json!({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}),
        ),
    ])
    .await;
    let second = Place::open(vec![Say::chat("well")]).await;
    let files = Files::with(&chain(&first, &second, "park"));
    let server = files.serve(&[]);
    for wanted in [
        "not its protocol",
        "more than 8388608 bytes",
        "ended before it was whole",
        "529",
    ] {
        let done = server.post("/api/orchestrate", ask(&["spec"])).await;
        assert_eq!(done["result"]["spec"], "well", "{done}");
        let calls = calls(&server, &done).await;
        let error = calls[0]["error"].as_str().expect("an error");
        assert!(error.contains(wanted), "{wanted}: {error}");
    }
}

#[tokio::test]
async fn a_model_that_is_busy_is_asked_again_after_the_wait_that_it_names() {
    let busy = || Say::status(429, &json!({"error": {"message": "slow down"}}));
    let first = Place::open(vec![
        busy().with("retry-after", "1"),
        busy(),
        Say::message("at last"),
    ])
    .await;
    let files = Files::with(&chain(&first, &first, "park").replace("attempts = 1", "attempts = 4"));
    let from = std::time::Instant::now();
    let done = files
        .serve(&[])
        .post("/api/orchestrate", ask(&["spec"]))
        .await;
    assert_eq!(done["result"]["spec"], "at last", "{done}");
    assert!(from.elapsed() >= std::time::Duration::from_secs(1));
    assert_eq!(first.came().len(), 3);
}

#[tokio::test]
async fn a_recorded_request_with_a_fallback_is_replayed_byte_for_byte() {
    let first = Place::open(vec![
        Say::status(500, &json!({"error": {"message": "broken"}})),
        Say::message("code"),
    ])
    .await;
    let second = Place::open(vec![Say::chat("spec")]).await;
    let files = Files::with(&chain(&first, &second, "park"));
    let recording = files.path("recording.jsonl").display().to_string();
    let server = files.serve(&[("ORCH_MODEL_RECORD", &recording)]);
    let done = server
        .post("/api/orchestrate", ask(&["spec", "code"]))
        .await;
    assert_eq!(done["result"], json!({"spec": "spec", "code": "code"}));
    let recorded = std::fs::read_to_string(&recording).expect("a recording");
    assert_eq!(recorded.lines().count(), 3);
    assert!(!recorded.contains(KEY));
    let before = (first.came().len(), second.came().len());

    let env = [("ORCH_MODEL_REPLAY", recording.as_str()), ("FIRST_KEY", "")];
    let replaying = files.serve(&env);
    let again = replaying
        .post("/api/orchestrate", ask(&["spec", "code"]))
        .await;
    assert_eq!(
        again["result"].to_string(),
        done["result"].to_string(),
        "{again}"
    );
    let plain = |calls: Vec<Value>| -> Vec<Value> {
        let fields = [
            "role",
            "model",
            "ask",
            "answer",
            "error",
            "input_tokens",
            "output_tokens",
            "cost_microusd",
        ];
        calls
            .iter()
            .map(|call| fields.iter().map(|name| call[*name].clone()).collect())
            .collect()
    };
    assert_eq!(
        plain(calls(&replaying, &again).await),
        plain(calls(&server, &done).await)
    );
    assert_eq!((first.came().len(), second.came().len()), before);
    let other = replaying
        .post(
            "/api/orchestrate",
            json!({"prompt": "Other", "agent_sequence": ["spec"]}),
        )
        .await;
    assert!(
        other["error"]["reason"]
            .as_str()
            .unwrap()
            .contains("the recording has no answer"),
        "{other}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_is_asked_by_simple_settings_and_a_model_can_be_tried() {
    let place = Place::open(vec![Say::message("ready")]).await;
    let env = [
        ("ANTHROPIC_API_KEY", KEY),
        ("ORCH_ANTHROPIC_BASE_URL", place.base.as_str()),
        ("ORCH_ANTHROPIC_MODEL", "claude-y"),
    ];
    let server = Installation::with("serve", &env);
    let done = server.post("/api/orchestrate", ask(&["spec"])).await;
    assert_eq!(done["result"]["spec"], "ready");
    let trial = server.post("/models/claude-y/test", json!(null)).await;
    assert_eq!(
        (&trial["answered"], &trial["said"]),
        (&json!(true), &json!("ready"))
    );
    assert!(
        server
            .cli(&["models", "test", "claude-y"])
            .contains("ready")
    );
    let (status, problem) = server.try_post("/models/claude-z/test", json!(null)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(
        problem["detail"].as_str().unwrap().contains("claude-y"),
        "{problem}"
    );
}
