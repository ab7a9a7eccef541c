//! A project's secrets reach no model and stand in nothing that is kept or shown of a call, in whatever form they
//! come; and a provider that is not to be asked before long is not waited for.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::place::{Place, Say};
use super::{Files, ask, calls};
use crate::secret_delivery::put_secret;
use crate::support::{Installation, PATIENCE, answer};

const SECRET: &str = "corvus/9d41?blackbird&77";

/// The secret as it is, and as programs write it.
fn forms() -> Vec<String> {
    vec![
        SECRET.to_owned(),
        BASE64_STANDARD.encode(format!("user:{SECRET}")),
        hex::encode(SECRET),
        SECRET
            .replace('/', "%2F")
            .replace('?', "%3F")
            .replace('&', "%26"),
        SECRET.replace('/', "\\/").replace('&', "\\u0026"),
    ]
}

fn shows_none(what: &str, text: &str) {
    for form in forms() {
        // As it stands in JSON, too.
        let quoted = serde_json::to_string(&form).unwrap();
        for form in [form.as_str(), quoted.trim_matches('"')] {
            assert!(!text.contains(form), "{what} shows {form}: {text}");
        }
    }
}

/// An answer by Chat Completions, letter by letter.
fn in_letters(text: &str) -> Say {
    let mut body = String::new();
    for letter in text.chars() {
        let piece = json!({"choices": [{"index": 0, "delta": {"content": letter.to_string()}, "finish_reason": null}]});
        body.push_str(&format!("data: {piece}\n\n"));
    }
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    body.push_str(&format!("data: {end}\n\ndata: [DONE]\n\n"));
    Say::raw("text/event-stream", body)
}

fn models(place: &Place) -> String {
    format!(
        "version = 1\n[[model]]\nname = \"m\"\nprotocol = \"chat\"\nbase_url = \"{}\"\n[default]\nchain = [\"m\"]\n",
        place.base
    )
}

async fn with_secret(place: &Place, env: &[(&str, &str)]) -> (Installation, Files, i64) {
    let files = Files::with(&models(place));
    let server = files.serve(env);
    let project = server.project().await;
    put_secret(&server, project, "API_KEY", SECRET).await;
    (server, files, project)
}

fn of(project: i64) -> Value {
    let mut body = ask(&["spec", "code"]);
    body["prompt"] = json!(format!("Use these: {}", forms().join(" and ")));
    body["context"] = json!({"keys": forms()});
    body["project_id"] = json!(project);
    body
}

#[tokio::test]
async fn no_form_of_a_secret_goes_to_a_model_or_comes_back_however_it_is_cut() {
    let text = format!("They are {}.", forms().join(" and "));
    let broken = Say::status(400, &json!({"error": {"message": format!("no: {SECRET}")}}));
    let place = Place::open(vec![in_letters(&text), Say::chat(&text), broken]).await;
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("calls.jsonl");
    let env = [("ORCH_MODEL_RECORD", record.to_str().unwrap())];
    let (server, _files, project) = with_secret(&place, &env).await;

    let request = server
        .request(Method::POST, "/api/orchestrate")
        .header("accept", "text/event-stream")
        .timeout(PATIENCE)
        .json(&of(project));
    let events = request.send().await.unwrap().text().await.unwrap();
    shows_none("the stream", &events);
    let data = events
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str::<Value>(data).expect("JSON"));
    let data: Vec<Value> = data.collect();
    let pieces: String = data.iter().filter_map(|one| one["text"].as_str()).collect();
    assert!(pieces.starts_with("They are ***"), "{events}");
    shows_none("the pieces together", &pieces);
    let done = data.last().expect("an end").clone();
    assert_eq!(done["status"], "completed", "{done}");

    let failed = server.post("/api/orchestrate", of(project)).await;
    assert_eq!(failed["status"], "failed");
    let reason = failed["error"]["reason"].as_str().unwrap();
    assert!(reason.contains("no: ***"), "{reason}");

    for came in place.came() {
        shows_none("what the model is asked", &came.body.to_string());
    }
    assert!(place.came()[0].body.to_string().contains("***"));
    for one in [&done, &failed] {
        let id = one["request_id"].as_str().unwrap();
        let kept = server.get(&format!("/api/orchestrate/{id}")).await;
        shows_none("the request", &kept.to_string());
        let kept = calls(&server, one).await;
        assert!(!kept.is_empty());
        shows_none("the calls", &json!(kept).to_string());
    }
    shows_none(
        "the audit",
        &server.get("/audit?limit=500").await.to_string(),
    );
    shows_none("the log", &server.log());
    let recorded = std::fs::read_to_string(&record).expect("a recording");
    assert!(recorded.lines().count() >= 3);
    shows_none("the recording", &recorded);
    for file in std::fs::read_dir(server.data_dir()).unwrap().flatten() {
        if file.path().is_file() {
            let bytes = std::fs::read(file.path()).unwrap();
            shows_none("a file", &String::from_utf8_lossy(&bytes));
        }
    }
}

#[tokio::test]
async fn what_a_role_remembers_holds_no_secret() {
    let note = json!({"text": "ok", "remember": [format!("The key is {SECRET}")]});
    let place = Place::open(vec![Say::chat(&note.to_string())]).await;
    let (server, _files, project) = with_secret(&place, &[]).await;
    let role = "+++\nname = \"poet\"\ntitle = \"Poet\"\nabout = \"-\"\ninputs = [\"prompt\"]\noutput = \"json\"\nschema = { type = \"object\", required = [\"remember\"] }\n+++\n-\n+++\n{{ prompt }}\n";
    let path = format!("/projects/{project}/roles/poet");
    let request = server.request(Method::PUT, &path);
    let (status, body) = answer(request.json(&json!({"content": role}))).await;
    assert!(status.is_success(), "{body}");
    let memory = format!("{path}/memory");
    server
        .post(&memory, json!({"content": format!("It was {SECRET}")}))
        .await;
    let ask = json!({"prompt": "-", "agent_sequence": ["poet"], "project_id": project});
    let done = server.post("/api/orchestrate", ask).await;
    assert_eq!(done["status"], "completed", "{done}");
    shows_none("the answer", &done.to_string());
    let notes = server.get(&memory).await;
    let texts: Vec<&Value> = notes
        .as_array()
        .expect("notes")
        .iter()
        .map(|note| &note["content"])
        .collect();
    assert_eq!(texts, ["It was ***", "The key is ***"]);
}

#[tokio::test]
async fn a_provider_that_wants_to_be_left_alone_for_longer_than_there_is_time_is_not_waited_for() {
    let busy = Say::status(429, &json!({"error": {"message": "slow down"}}));
    let place = Place::open(vec![busy.with("retry-after", "90")]).await;
    let env = [("ORCH_ORCHESTRATE_TIMEOUT", "60")];
    let (server, _files, project) = with_secret(&place, &env).await;
    let begun = std::time::Instant::now();
    let done = server.post("/api/orchestrate", of(project)).await;
    assert_eq!(
        (&done["status"], &done["error"]["retry_after_seconds"]),
        (&json!("failed"), &json!(90)),
        "{done}"
    );
    let vision = format!("/projects/{project}/vision");
    server
        .post(
            &vision,
            json!({"content": "We want a shop for used bikes."}),
        )
        .await;
    let path = format!("/projects/{project}/requirements/propose");
    let request = server
        .request(Method::POST, &path)
        .json(&json!({"by": "model"}));
    let refused = request.send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "90");
    let problem: Value = refused.json().await.unwrap();
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("asked again in 90 s"), "{detail}");
    assert!(begun.elapsed().as_secs() < 30, "it was waited for");
    assert_eq!(place.came().len(), 2);
}
