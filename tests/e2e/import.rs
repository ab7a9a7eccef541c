//! Existing code imported over HTTP and by the command line: a repository's commit, and archives.

use std::fs;

use reqwest::StatusCode;
use serde_json::json;

use crate::support::Installation;
use crate::workspaces::Origin;

#[tokio::test]
async fn a_commit_and_a_folder_are_surveyed_and_cited_in_the_requirements() {
    let server = Installation::serve();
    let origin = Origin::beside(&server);
    origin.commit("Makefile", "test:\n\ttrue\n");
    let commit = origin.commit("main.py", "print(1)\n");
    let new = json!({"name": "p", "repository": {"url": origin.url()}});
    let project = server.post("/projects", new).await["id"].as_i64().unwrap();
    let made = server
        .post(&format!("/projects/{project}/import"), json!({}))
        .await;
    assert_eq!(made["commit"], json!(commit));
    assert_eq!(made["survey"]["commands"][0]["run"], "make test");
    let vision = json!({"content": "Please modernize the shop."});
    server
        .post(&format!("/projects/{project}/vision"), vision)
        .await;
    let path = format!("/projects/{project}/requirements/propose");
    let proposed = server.post(&path, json!(null)).await.to_string();
    assert!(proposed.contains("tested with `make test`"), "{proposed}");
    assert!(
        proposed.contains("Build and test every change in a pipeline"),
        "{proposed}"
    );

    let folder = server.folder.path().join("plain");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("go.mod"), "module example.org/a\n").unwrap();
    let id = project.to_string();
    server.cli(&["project", "import", &id, folder.to_str().unwrap()]);
    let shown = server.cli(&["project", "survey", "show", &id, "--markdown"]);
    assert!(
        shown.contains("`go test ./...` (convention, `go.mod:1`)"),
        "{shown}"
    );
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused_with_its_reason() {
    let server = Installation::serve();
    let project = server.project().await;
    let path = format!("/projects/{project}/import");
    let (status, problem) = server.try_post(&path, json!({})).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("no_repository"))
    );
    let archive = json!({"archive": {"name": "a.zip", "content_base64": "YQ=="}});
    let (status, problem) = server.try_post(&path, archive).await;
    assert!(status.is_client_error(), "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("is refused"),
        "{problem}"
    );
}
