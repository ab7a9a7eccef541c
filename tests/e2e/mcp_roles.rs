//! Roles with tools of other servers: this program serves them to another installation's role.

use serde_json::{Value, json};

use crate::codex::scripted_model::{Reply, ScriptedModel};
use crate::secret_delivery::put_secret;
use crate::support::Installation;

/// An answer of the model that calls a tool.
fn wants(tool: &str, arguments: Value) -> Reply {
    let body = json!({
        "id": "r", "object": "response", "status": "completed", "model": "scripted-1",
        "output": [{"type": "function_call", "id": "f", "call_id": "c", "status": "completed", "name": tool, "arguments": arguments.to_string()}],
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
    });
    Reply::Raw(body.to_string().into_bytes())
}

/// A server whose role `scout` has tools of another installation.
async fn with_tools(
    replies: Vec<Reply>,
    other: &Installation,
    command: &str,
) -> (Installation, ScriptedModel, tempfile::TempDir) {
    with_tools_and(replies, &other.base, command, &[]).await
}

/// The same, with more settings.
async fn with_tools_and(
    replies: Vec<Reply>,
    other: &str,
    command: &str,
    more: &[(&str, &str)],
) -> (Installation, ScriptedModel, tempfile::TempDir) {
    let model = ScriptedModel::start(replies).await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    write(
        "roles/scout.md",
        "+++\nname = \"scout\"\ntitle = \"Scout\"\nabout = \"Looks around\"\ninputs = [\"prompt\"]\ntools = [\"orch/list_projects\"]\n+++\nYou look around.\n+++\n{{ prompt }}\n",
    );
    let servers = write(
        "servers.toml",
        &format!(
            "version = 1\n[server.orch]\ncommand = '{command}'\nargs = ['mcp', '--url', '{}']\ntimeout_seconds = 20\ntools = ['list_projects']\n",
            other
        ),
    );
    let roles = folder.path().join("roles");
    let base = model.base_url();
    let env = [
        ("ORCH_OPENAI_BASE_URL", base.as_str()),
        ("ORCH_OPENAI_MODEL", "scripted-1"),
        ("ORCH_ROLES", roles.to_str().unwrap()),
        ("ORCH_MCP_SERVERS", &servers),
    ];
    let env = [&env[..], more].concat();
    (Installation::with("serve", &env), model, folder)
}

#[tokio::test]
async fn a_role_uses_the_tools_that_it_is_allowed_and_a_server_that_is_missing_fails_it() {
    let other = Installation::serve();
    other
        .post("/projects", json!({"name": "the other side"}))
        .await;
    let replies = vec![
        wants("orch__list_projects", json!({})),
        wants("orch__create_project", json!({"name": "x"})),
        Reply::say("I saw it."),
    ];
    let (server, model, _folder) = with_tools(replies, &other, crate::support::binary()).await;
    let ask = json!({"prompt": "look", "agent_sequence": ["scout"]});
    let done = server.post("/api/orchestrate", ask.clone()).await;
    assert_eq!(
        (&done["status"], &done["result"]["scout"]),
        (&json!("completed"), &json!("I saw it.")),
        "{done}"
    );
    let requests = model.requests();
    assert_eq!(requests.len(), 3);
    assert!(
        requests[0].body["tools"]
            .to_string()
            .contains("orch__list_projects"),
        "{}",
        requests[0].body
    );
    assert!(
        !requests[0].body["tools"]
            .to_string()
            .contains("create_project")
    );
    assert!(
        requests[1].body.to_string().contains("the other side"),
        "{}",
        requests[1].body
    );
    assert!(
        requests[2]
            .body
            .to_string()
            .contains("there is no tool of that name"),
        "{}",
        requests[2].body
    );
    assert_eq!(
        other.get("/projects").await.as_array().map(Vec::len),
        Some(1)
    );

    let (server, model, _folder) =
        with_tools(vec![Reply::say("unasked")], &other, "/no/such/program").await;
    let done = server.post("/api/orchestrate", ask).await;
    assert_eq!(
        (&done["status"], &done["success"]),
        (&json!("failed"), &done["success"])
    );
    let why = done["error"].to_string();
    assert!(
        why.contains("Scout") && why.contains("`orch`") && why.contains("/no/such/program"),
        "{done}"
    );
    assert!(model.requests().is_empty());
}

#[tokio::test]
async fn a_recorded_flow_with_tools_is_replayed_without_their_server() {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("calls.jsonl");
    let recording = recording.to_str().unwrap();
    let other = Installation::serve();
    other.post("/projects", json!({"name": "far"})).await;
    let replies = vec![
        wants("orch__list_projects", json!({})),
        Reply::say("I saw it."),
    ];
    let record = [("ORCH_MODEL_RECORD", recording)];
    let (server, model, roles) =
        with_tools_and(replies, &other.base, crate::support::binary(), &record).await;
    let ask = json!({"prompt": "look", "agent_sequence": ["scout"]});
    let first = server.post("/api/orchestrate", ask.clone()).await;
    assert_eq!(first["status"], "completed", "{first}");
    let base = other.base.clone();
    drop((server, model, roles, other));
    let replay = [("ORCH_MODEL_REPLAY", recording)];
    let (server, model, _roles) = with_tools_and(
        vec![Reply::say("unasked")],
        &base,
        "/no/such/program",
        &replay,
    )
    .await;
    let again = server.post("/api/orchestrate", ask).await;
    assert_eq!(again["result"], first["result"], "{again}");
    assert!(model.requests().is_empty());
}

#[tokio::test]
async fn what_a_tool_answers_is_told_without_the_secrets_of_the_project() {
    let secret = "corvus-9d41-blackbird-77";
    let other = Installation::serve();
    let name = format!("the other side {secret}");
    other.post("/projects", json!({"name": name})).await;
    let replies = vec![
        wants("orch__list_projects", json!({})),
        Reply::say(&format!("I saw {secret}.")),
    ];
    let (server, model, _folder) = with_tools(replies, &other, crate::support::binary()).await;
    let project = server.project().await;
    put_secret(&server, project, "KEY", secret).await;
    let ask = json!({"prompt": "look", "agent_sequence": ["scout"], "project_id": project});
    let done = server.post("/api/orchestrate", ask).await;
    assert_eq!(done["result"]["scout"], "I saw ***.", "{done}");
    let told = model.requests()[1].body.to_string();
    assert!(
        told.contains("the other side ***") && !told.contains(secret),
        "{told}"
    );
}

#[test]
fn a_role_that_names_a_tool_that_is_not_set_keeps_the_server_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let role = "+++\nname = \"scout\"\ntitle = \"Scout\"\nabout = \"-\"\ntools = [\"web/search\"]\n+++\n+++\nLook.\n";
    std::fs::write(folder.path().join("scout.md"), role).unwrap();
    let output = std::process::Command::new(crate::support::binary())
        .args(["serve", "--port", "0", "--data-dir"])
        .arg(folder.path().join("data"))
        .env("ORCH_ROLES", folder.path())
        .env("HOME", folder.path())
        .current_dir(folder.path())
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("web/search") && said.contains("ORCH_MCP_SERVERS"),
        "{said}"
    );
}
