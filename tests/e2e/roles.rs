//! Roles of projects and what they remember, against a model that answers by a script.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::codex::scripted_model::{Reply, ScriptedModel};
use crate::support::{Installation, answer};

async fn with_model(replies: Vec<Reply>, env: &[(&str, &str)]) -> (Installation, ScriptedModel) {
    let model = ScriptedModel::start(replies).await;
    let base = model.base_url();
    let own = [
        ("ORCH_OPENAI_BASE_URL", base.as_str()),
        ("ORCH_OPENAI_MODEL", "scripted-1"),
    ];
    (
        Installation::with("serve", &[&own[..], env].concat()),
        model,
    )
}

fn file(name: &str, head: &str) -> Value {
    let head = format!(
        "+++\nname = \"{name}\"\ntitle = \"Mine\"\nabout = \"Ours\"\ninputs = [\"prompt\", \"memory\"]\n{head}\n+++\n"
    );
    json!({"content": format!("{head}You are ours.\n+++\n{{% include \"parts/memory.md\" %}}\nOurs: {{{{ prompt }}}}")})
}

async fn put(server: &Installation, path: &str, body: Value) -> (StatusCode, Value) {
    answer(server.request(Method::PUT, path).json(&body)).await
}

async fn delete(server: &Installation, path: &str) -> StatusCode {
    answer(server.request(Method::DELETE, path)).await.0
}

fn ask(project: i64, role: &str) -> Value {
    json!({"prompt": "a shop", "agent_sequence": [role], "project_id": project})
}

#[tokio::test]
async fn a_projects_role_holds_where_the_project_is_named_until_it_is_reset() {
    let (server, model) = with_model(vec![Reply::say("done")], &[]).await;
    let project = server.project().await;
    let other = server.project().await;
    let path = format!("/projects/{project}/roles/reviewer");
    assert_eq!(server.get(&path).await["origin"], "built_in");
    let (status, set) = put(&server, &path, file("reviewer", "")).await;
    assert_eq!(
        (status, &set["origin"], &set["title"]),
        (StatusCode::OK, &json!("project"), &json!("Mine")),
        "{set}"
    );
    for (project, is_ours) in [(project, true), (other, false)] {
        server
            .post("/api/orchestrate", ask(project, "Reviewer"))
            .await;
        let asked = model.requests().last().expect("a request").body.to_string();
        assert_eq!(asked.contains("You are ours."), is_ours, "{asked}");
    }
    assert_eq!(delete(&server, &path).await, StatusCode::NO_CONTENT);
    assert_eq!(delete(&server, &path).await, StatusCode::NOT_FOUND);
    let listed = server.get(&format!("/projects/{project}/roles")).await;
    let listed = listed.as_array().expect("roles");
    assert!(listed.iter().all(|role| role["origin"] == "built_in"));
    let audited = server.get("/audit?limit=200").await.to_string();
    assert!(audited.contains("role.set") && audited.contains("role.reset"));
}

#[tokio::test]
async fn a_projects_role_is_checked_and_gets_nothing_that_the_operator_did_not_give() {
    let (server, _model) = with_model(vec![Reply::say("done")], &[]).await;
    let project = server.project().await;
    let path = |name: &str| format!("/projects/{project}/roles/{name}");
    for (name, body, says) in [
        ("code", json!({"content": "no role"}), "+++"),
        ("code", file("spec", ""), "name is `code`"),
        ("code", file("code", "tools = [\"shell\"]"), "`shell`"),
        (
            "poet",
            file("poet", "model = \"expensive-9\""),
            "expensive-9",
        ),
        ("code", json!({"content": "x".repeat(70_000)}), "at most"),
    ] {
        let (status, problem) = put(&server, &path(name), body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains(says),
            "{problem}"
        );
    }
    let (status, _) = put(
        &server,
        &path("poet"),
        file("poet", "model = \"scripted-1\""),
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    let (status, _) = put(&server, "/projects/999/roles/poet", file("poet", "")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let shown = server.post("/api/orchestrate", ask(project, "poet")).await;
    assert_eq!(shown["metadata"]["agent_sequence"], json!(["Mine"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_role_remembers_is_told_to_it_and_the_oldest_goes() {
    let remembering =
        json!({"text": "ok", "remember": ["Prices are in euros", "Prices are in euros"]});
    let replies = vec![Reply::say(&remembering.to_string()), Reply::say("done")];
    let (server, model) = with_model(replies, &[("ORCH_ROLE_MEMORY_ENTRIES", "2")]).await;
    let project = server.project().await;
    let schema = "output = \"json\"\nschema = { type = \"object\", required = [\"remember\"] }";
    let (status, _) = put(
        &server,
        &format!("/projects/{project}/roles/poet"),
        file("poet", schema),
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    let memory = format!("/projects/{project}/roles/poet/memory");
    for note in ["one", "two"] {
        server.post(&memory, json!({"content": note})).await;
    }
    server.post("/api/orchestrate", ask(project, "poet")).await;
    let told = model.requests()[0].body["input"].to_string();
    assert!(told.contains("- one") && told.contains("- two"), "{told}");
    let notes = server.get(&memory).await;
    let texts: Vec<&Value> = notes
        .as_array()
        .expect("notes")
        .iter()
        .map(|n| &n["content"])
        .collect();
    assert_eq!(texts, ["two", "Prices are in euros"]);
    assert_eq!(notes[1]["origin"], "role");
    let gone = format!("{memory}/{}", notes[0]["id"]);
    assert_eq!(delete(&server, &gone).await, StatusCode::NO_CONTENT);
    assert_eq!(delete(&server, &gone).await, StatusCode::NOT_FOUND);
    let (status, _) = server
        .try_post(&memory, json!({"content": "x".repeat(1_001)}))
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let (id, file) = (
        project.to_string(),
        tempfile::NamedTempFile::new().expect("a file"),
    );
    std::fs::write(file.path(), file_text()).expect("written");
    let file = file.path().to_str().expect("UTF-8").to_owned();
    tokio::task::block_in_place(|| {
        server.cli(&["project", "roles", "set", &id, "verse", &file]);
        server.cli(&[
            "project",
            "roles",
            "memory",
            &id,
            "verse",
            "--add",
            "rhymes first",
        ]);
        assert!(
            server
                .cli(&["project", "roles", "memory", &id, "verse"])
                .contains("rhymes first")
        );
        assert!(
            server
                .cli(&["project", "roles", "list", &id])
                .contains("verse")
        );
        assert!(
            server
                .cli(&["project", "roles", "show", &id, "verse"])
                .contains("You are ours.")
        );
        server.cli(&["project", "roles", "reset", &id, "verse"]);
    });
}

fn file_text() -> String {
    let file = file("verse", "");
    file["content"].as_str().expect("a text").to_owned()
}
