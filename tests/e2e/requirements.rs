//! From a vision to approved requirements, over HTTP and by the command line.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Installation, answer, told};

const VISION: &str = "We want a web shop for used bikes. Customers must pay by card. Customers can reserve a bike. \
                      Pages must load within 2 seconds. Pages must load within 200 ms. The site should be cheap.";

async fn proposed(server: &Installation, vision: &str) -> (i64, Value) {
    let project = server.project().await;
    server
        .post(
            &format!("/projects/{project}/vision"),
            json!({"content": vision}),
        )
        .await;
    let path = format!("/projects/{project}/requirements/propose");
    (project, server.post(&path, json!(null)).await)
}

fn item<'v>(version: &'v Value, words: &str) -> &'v Value {
    let items = version["items"].as_array().expect("items");
    let found = items.iter().find(|item| {
        item["text"]
            .as_str()
            .is_some_and(|text| text.contains(words))
    });
    found.unwrap_or_else(|| panic!("no item says {words:?}: {version:#}"))
}

async fn audited(server: &Installation, kind: &str) -> Vec<Value> {
    let entries = server.get("/audit?limit=200").await;
    let entries = entries.as_array().expect("entries");
    entries
        .iter()
        .filter(|entry| entry["kind"] == kind || entry["type"] == kind)
        .cloned()
        .collect()
}

#[tokio::test]
async fn a_vision_is_proposed_edited_compared_commented_and_approved_by_its_digest() {
    let server = Installation::serve();
    let (project, first) = proposed(&server, VISION).await;
    let base = format!("/projects/{project}/requirements");
    let pay = item(&first, "pay by card");
    assert_eq!(
        (
            &pay["id"],
            &pay["kind"],
            &pay["priority"],
            &pay["mvp"]["included"]
        ),
        (
            &json!("R-2"),
            &json!("functional"),
            &json!("must"),
            &json!(true)
        )
    );
    assert_eq!(first["options"][0]["name"], "saas-monolith");
    let kinds: Vec<_> = first["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| finding["kind"].as_str().expect("a kind"))
        .collect();
    assert_eq!(kinds, ["contradiction", "vagueness"]);

    let cheap = item(&first, "“cheap”")["id"].clone();
    let edits = json!({"reason": "after a talk", "edits": [
        {"op": "change", "id": "R-2", "text": "Customers must pay by card or PayPal"},
        {"op": "remove", "id": item(&first, "200 ms")["id"]},
        {"op": "answer", "id": cheap, "answer": "$50 a month"},
        {"op": "add", "kind": "constraint", "text": "EU servers only", "priority": "must"},
        {"op": "choose", "option": "saas-monolith"},
    ]});
    let path = format!("{base}/{}/edits", first["id"]);
    let second = server.post(&path, edits.clone()).await;
    assert_eq!(
        (
            &second["parent_id"],
            &second["author"],
            &second["reason"],
            &second["status"]
        ),
        (
            &first["id"],
            &json!("user"),
            &json!("after a talk"),
            &json!("proposed")
        )
    );
    assert_ne!(second["digest"], first["digest"]);
    assert_eq!(
        item(&second, "The site should be cheap: $50 a month")["about"],
        cheap
    );

    // Somebody who read the first version is told so, by its number and by its digest.
    let (status, problem) = server.try_post(&path, edits).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("requirements_changed"))
    );
    let stale = server
        .request(Method::POST, &format!("{base}/{}/edits", second["id"]))
        .header(
            "if-match",
            format!("\"{}\"", first["digest"].as_str().expect("a digest")),
        )
        .json(&json!({"edits": [{"op": "remove", "id": "R-1"}]}));
    let (status, problem) = answer(stale).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("digest_changed"))
    );

    let found = server.get(&format!("{base}/{}/diff", second["id"])).await;
    assert_eq!(found["from"], first["id"]);
    let pay = found["changed"]
        .as_array()
        .expect("changes")
        .iter()
        .find(|one| one["id"] == "R-2");
    let words: Vec<_> = pay.expect("R-2 changed")["words"]
        .as_array()
        .expect("words")
        .iter()
        .map(|run| {
            (
                run["change"].as_str().expect("a word"),
                run["text"].as_str().expect("a word"),
            )
        })
        .collect();
    assert_eq!(
        words,
        [
            ("same", "Customers must pay by card"),
            ("added", "or PayPal")
        ]
    );

    let comments = format!("{base}/{}/comments", second["id"]);
    server
        .post(&comments, json!({"content": "Why PayPal?", "item": "R-2"}))
        .await;
    let (status, _) = server
        .try_post(&comments, json!({"content": "x", "item": "R-99"}))
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(server.get(&comments).await[0]["content"], "Why PayPal?");

    let approve = format!("{base}/{}/approve", second["id"]);
    let (status, problem) = server
        .try_post(&approve, json!({"digest": first["digest"]}))
        .await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("digest_changed"))
    );
    let (status, problem) = server
        .try_post(&format!("{base}/{}/approve", first["id"]), json!(null))
        .await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("requirements_decided"))
    );
    let approved = server
        .post(&approve, json!({"digest": second["digest"]}))
        .await;
    assert_eq!(approved["status"], "approved");
    let entries = audited(&server, "requirements.approved").await;
    assert_eq!(entries.len(), 1, "{entries:#?}");
    assert_eq!(entries[0]["data"]["digest"], second["digest"]);

    // What is approved stays so until the next version is.
    let path = format!("{base}/{}/edits", second["id"]);
    let third = server
        .post(&path, json!({"edits": [{"op": "remove", "id": "R-1"}]}))
        .await;
    let still = server.get(&format!("{base}/{}", second["id"])).await;
    assert_eq!(
        (&third["status"], &still["status"]),
        (&json!("proposed"), &json!("approved"))
    );
}

#[tokio::test]
async fn ids_stay_when_the_vision_changes_and_removed_ones_stay_removed() {
    let server = Installation::serve();
    let (project, first) = proposed(&server, VISION).await;
    let reserve = item(&first, "reserve")["id"].clone();
    let path = format!("/projects/{project}/requirements/{}/edits", first["id"]);
    server
        .post(&path, json!({"edits": [{"op": "remove", "id": "R-1"}]}))
        .await;
    let changed = format!("Repairs are booked by phone. {VISION}");
    server
        .post(
            &format!("/projects/{project}/vision"),
            json!({"content": changed}),
        )
        .await;
    let path = format!("/projects/{project}/requirements/propose");
    let third = server.post(&path, json!(null)).await;
    assert_eq!(item(&third, "reserve")["id"], reserve);
    let items = third["items"].as_array().expect("items");
    assert!(items.iter().all(|item| item["id"] != "R-1"), "{third:#}");
}

#[tokio::test]
async fn faulty_edits_are_named_and_change_nothing() {
    let server = Installation::serve();
    let (project, first) = proposed(&server, VISION).await;
    let path = format!("/projects/{project}/requirements/{}/edits", first["id"]);
    for (edit, field) in [
        (
            json!({"op": "add", "kind": "wish", "text": "x"}),
            "edits[0].kind",
        ),
        (json!({"op": "add", "text": "x"}), "edits[0].kind"),
        (
            json!({"op": "change", "id": "R-99", "text": "x"}),
            "edits[0].id",
        ),
        (
            json!({"op": "change", "id": "R-2", "priority": "high"}),
            "edits[0].priority",
        ),
        (
            json!({"op": "answer", "id": "R-2", "answer": "x"}),
            "edits[0].id",
        ),
        (
            json!({"op": "add", "kind": "goal", "text": "x".repeat(5_000)}),
            "edits[0].text",
        ),
    ] {
        let (status, problem) = server.try_post(&path, json!({"edits": [edit]})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem:#}");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    let versions = server
        .get(&format!("/projects/{project}/requirements"))
        .await;
    assert_eq!(versions.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn attachments_are_read_and_cited() {
    let server = Installation::serve();
    let project = server.project().await;
    let vision = json!({"content": "We want an API for pets.", "attachments": [
        {"name": "notes.md", "content": "# Constraints\n- Use Rust\n"},
        {"name": "api.yaml", "content": "openapi: 3.1.0\npaths:\n  /pets:\n    get:\n      summary: List the pets\n"},
    ]});
    server
        .post(&format!("/projects/{project}/vision"), vision)
        .await;
    let files = server
        .get(&format!("/projects/{project}/vision/attachments"))
        .await;
    assert_eq!(files[1]["text"], "GET /pets: List the pets");
    let path = format!("/projects/{project}/requirements/propose");
    let version = server.post(&path, json!(null)).await;
    let rust = item(&version, "Use Rust");
    assert_eq!(
        (
            &rust["kind"],
            &rust["origin"],
            &rust["source"]["attachment"]
        ),
        (
            &json!("constraint"),
            &json!("attachment"),
            &json!("notes.md")
        )
    );
    assert_eq!(item(&version, "GET /pets")["kind"], "functional");
    let (status, problem) = server
        .try_post(
            &format!("/projects/{project}/vision"),
            json!({"content": "x", "attachments": [{"name": "picture.png", "content": "PK"}]}),
        )
        .await;
    assert_eq!(
        (status, &problem["errors"][0]["field"]),
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            &json!("attachments[0].name")
        )
    );
}

#[tokio::test]
async fn a_vision_without_a_project_gets_one() {
    let server = Installation::serve();
    let path = server.folder.path().join("vision.md");
    std::fs::write(&path, "# A shop for books\n\nCustomers must pay by card.\n")
        .expect("writing a file");
    let file = path.to_str().expect("a path in UTF-8");
    let submit = |args: &[&str]| {
        let mut command = server.command(&["vision", "submit"]);
        command.args(args);
        told(command)
    };

    let (code, out, err) = submit(&[file, "--json"]);
    let vision: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &vision["project_id"]), (0, &json!(1)), "{err}");
    let (_, shown, _) = told(server.command(&["project", "show", "1", "--json"]));
    let project: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(project["name"], "A shop for books");

    let (code, out, err) = submit(&["-t", "Wild *ideas*", "--name", "ideas", "--json"]);
    let vision: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &vision["project_id"]), (0, &json!(2)), "{err}");
    let (code, _, err) = submit(&["shop", file]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("`shop` is no project"), "{err}");
    let (code, _, err) = submit(&["1", file, "--name", "other"]);
    assert_eq!(code, 2, "{err}");
    let (code, _, err) = submit(&["lacks.md"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("failed to read `lacks.md`"), "{err}");
    // What is refused leaves no project behind.
    let bad = server.folder.path().join("bad.pdf");
    std::fs::write(&bad, "no PDF").expect("writing a file");
    let (code, _, err) = submit(&["-t", "  "]);
    assert_ne!(code, 0, "{err}");
    let bad = bad.to_str().expect("a path in UTF-8");
    let (code, _, err) = submit(&[file, "--attach", bad]);
    assert_ne!(code, 0, "{err}");
    let (_, listed, _) = told(server.command(&["project", "list", "--json"]));
    let projects: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!(projects.as_array().map(Vec::len), Some(2), "{listed}");
}

#[tokio::test]
async fn the_command_line_leads_from_a_file_to_an_approval() {
    let server = Installation::serve();
    let project = server.project().await.to_string();
    let file = |name: &str, text: &str| {
        let path = server.folder.path().join(name);
        std::fs::write(&path, text).expect("writing a file");
        path.to_str().expect("a path in UTF-8").to_owned()
    };
    let (vision, notes) = (file("vision.txt", VISION), file("notes.md", "- Use Rust\n"));
    server.cli(&["vision", "submit", &project, &vision, "--attach", &notes]);
    let out = server.cli(&["requirements", "propose", &project]);
    for expected in ["R-2", "saas-monolith", "contradiction", "digest"] {
        assert!(out.contains(expected), "{expected} lacks in {out}");
    }
    let edited = server.cli(&[
        "requirements",
        "edit",
        &project,
        "--set",
        "R-2=Customers must pay by invoice",
        "--add",
        "constraint=EU servers only",
        "--comment",
        "R-2=As agreed",
        "--reason",
        "talk",
    ]);
    assert!(edited.contains("As agreed"), "{edited}");
    let diff = server.cli(&["requirements", "diff", &project, "1", "2"]);
    assert!(diff.contains("[-card-] {+invoice+}"), "{diff}");

    // An editor that answers nothing but replaces a word.
    let mut by_editor = server.command(&["requirements", "edit", &project]);
    by_editor.env("EDITOR", "sed -i 's/by invoice/by card/'");
    let (code, out, err) = told(by_editor);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("Customers must pay by card"), "{out}");
    let mut broken = server.command(&["requirements", "edit", &project]);
    broken.env("EDITOR", "sed -i '$ a nonsense'");
    let (code, _, err) = told(broken);
    assert_eq!(code, 2, "{err}");
    assert!(
        err.contains("has no colon") && err.contains("is kept in"),
        "{err}"
    );

    let wrong = server.command(&[
        "requirements",
        "approve",
        &project,
        "--digest",
        &"0".repeat(64),
    ]);
    let (code, _, err) = told(wrong);
    assert_eq!(code, 5, "{err}");
    assert!(
        err.contains("next: codex-orchestrator requirements show"),
        "{err}"
    );
    let shown = server.cli(&["requirements", "show", &project, "--json"]);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    let digest = shown["digest"].as_str().expect("a digest");
    let approved = server.cli(&[
        "requirements",
        "approve",
        &project,
        "--digest",
        digest,
        "--json",
    ]);
    let approved: Value = serde_json::from_str(&approved).expect("JSON");
    assert_eq!(approved["status"], "approved");
    let history = server.cli(&["requirements", "show", &project, "--all"]);
    assert_eq!(history.matches("superseded").count(), 2, "{history}");
}

const INFO_REQUESTS: &str = "/work-items/runs/info-requests";

async fn pending(server: &Installation) -> Vec<Value> {
    let listed = server.get(&format!("{INFO_REQUESTS}?status=pending")).await;
    listed.as_array().expect("questions").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn open_questions_are_info_requests_and_answering_one_is_the_edit_that_does() {
    let server = Installation::serve();
    let (project, first) = proposed(&server, VISION).await;
    let open = first["items"].as_array().expect("items").iter();
    let open: Vec<&Value> = open
        .filter(|item| item["kind"] == "open_question")
        .map(|item| &item["id"])
        .collect();
    let asked = pending(&server).await;
    assert_eq!(asked.iter().map(|q| &q["item"]).collect::<Vec<_>>(), open);
    assert!(open.len() > 1, "{open:?}");
    for question in &asked {
        assert_eq!(
            (&question["run_id"], &question["project_id"]),
            (&json!(null), &json!(project))
        );
        assert_eq!(question["fields"][0]["secret"], false);
    }

    // Pages of one, both ways, go over runs' questions and these alike.
    let mut seen = Vec::new();
    for order in ["asc", "desc"] {
        let mut cursor = String::new();
        loop {
            let path = format!("{INFO_REQUESTS}?status=pending&limit=1&order={order}{cursor}");
            let page = server.get(&path).await;
            let Some(one) = page[0]["id"].as_i64() else {
                break;
            };
            seen.push(one);
            cursor = format!("&cursor={one}");
        }
    }
    let ids: Vec<i64> = asked.iter().filter_map(|q| q["id"].as_i64()).collect();
    let mut both = ids.clone();
    both.extend(ids.iter().rev());
    assert_eq!(seen, both);

    // Answered as an info request: the same as an edit.
    let respond = format!("{INFO_REQUESTS}/{}/respond", ids[0]);
    let answered = server
        .post(&respond, json!({"values": {"answer": "$50 a month"}}))
        .await;
    assert_eq!(
        (&answered["status"], &answered["responses"]["answer"]),
        (&json!("resolved"), &json!("$50 a month"))
    );
    let versions = server
        .get(&format!("/projects/{project}/requirements"))
        .await;
    let newest = versions
        .as_array()
        .and_then(|all| all.last())
        .expect("a version")
        .clone();
    assert_eq!(newest["parent_id"], first["id"]);
    let question = &newest["items"]
        .as_array()
        .expect("items")
        .iter()
        .find(|item| &item["id"] == open[0])
        .expect("the question")["answer"];
    assert_eq!(question["text"], "$50 a month");
    item(&newest, "$50 a month");
    let (status, problem) = server
        .try_post(&respond, json!({"values": {"answer": "more"}}))
        .await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("info_request_closed"))
    );
    let (status, _) = server
        .try_post(
            &format!("{INFO_REQUESTS}/{}/respond", ids[1]),
            json!({"values": {"wish": "x"}}),
        )
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);

    // Skipped on the command line; an edit closes the info request likewise.
    let skipped = ids[1].to_string();
    tokio::task::block_in_place(|| {
        assert!(
            server
                .cli(&["answer"])
                .contains(&format!("of project {project}"))
        );
        server.cli(&["answer", &skipped, "--skip"])
    });
    let shown = server.get(&format!("{INFO_REQUESTS}/{skipped}")).await;
    assert_eq!(
        (&shown["status"], &shown["responses"]),
        (&json!("resolved"), &json!({}))
    );
    for left in pending(&server).await {
        let versions = server
            .get(&format!("/projects/{project}/requirements"))
            .await;
        let newest = &versions
            .as_array()
            .and_then(|all| all.last())
            .expect("a version")["id"];
        let edits = json!({"edits": [{"op": "skip", "id": left["item"]}]});
        server
            .post(
                &format!("/projects/{project}/requirements/{newest}/edits"),
                edits,
            )
            .await;
    }
    assert_eq!(pending(&server).await, Vec::<Value>::new());
    let (status, _) =
        answer(server.request(Method::GET, &format!("{INFO_REQUESTS}/1000001999999"))).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
