//! Keys and secrets: what seals answers, who reads them in clear, and where none of it may show.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use fernet::Fernet;
use orch_api::proto::StartTaskRequest;
use orch_api::proto::agents_client::AgentsClient;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::ended;
use crate::support::{Installation, PATIENCE, answer};

const ANSWER: &str = "an-answer-that-nobody-may-see";

/// `serve` on a data folder that outlives it.
fn serve_on(data: &TempDir, env: &[(&str, &str)]) -> Installation {
    let folder = data.path().to_str().expect("a path in UTF-8");
    let env = [&[("ORCH_DATA_DIR", folder)], env].concat();
    Installation::with("serve", &env)
}

/// Asks a run for `KEY` and answers it; the run's path.
async fn answered(server: &Installation) -> String {
    let item = server.item(server.project().await, "ask").await;
    let run = server
        .post(&format!("/work-items/{item}/start"), json!(null))
        .await;
    let path = format!("/work-items/runs/{}/info-requests", run["id"]);
    let question = json!({"prompt": "which key?", "required_keys": ["KEY"]});
    let asked = server.post(&path, question).await;
    let respond = format!("/work-items/runs/info-requests/{}/respond", asked["id"]);
    let resolved = server
        .post(&respond, json!({"values": {"KEY": ANSWER}}))
        .await;
    assert_eq!(
        (&resolved["status"], &resolved["responses"]),
        (&json!("resolved"), &json!({"KEY": "***"}))
    );
    path
}

/// What who presents `secret` in the header is told.
async fn in_clear(server: &Installation, path: &str, secret: &str) -> (StatusCode, Value) {
    let request = server.request(Method::GET, &format!("{path}?plaintext=True"));
    let (status, body) = answer(request.header("x-orch-secret", secret)).await;
    match status {
        StatusCode::OK => (status, body[0]["responses"]["KEY"].clone()),
        _ => (status, body["code"].clone()),
    }
}

/// What is sealed of the answer.
fn sealed() -> String {
    json!({"KEY": ANSWER}).to_string()
}

/// Every Fernet token in the files of a folder, opened; none where the key is another.
fn sealed_in(folder: &Path, key: &Fernet) -> Vec<String> {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_=".contains(byte);
    let mut opened = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder").flatten() {
        let Ok(bytes) = std::fs::read(entry.path()) else {
            continue;
        };
        assert!(
            !bytes
                .windows(ANSWER.len())
                .any(|window| window == ANSWER.as_bytes()),
            "the answer is in {}",
            entry.path().display()
        );
        let tokens = bytes.split(|byte| !is_token(byte));
        let texts = tokens.filter_map(|token| std::str::from_utf8(token).ok());
        for at in texts.filter_map(|text| text.find("gAAAAA").map(|at| &text[at..])) {
            // Neighbouring columns may follow without a gap: base64 of whole blocks is tried.
            let plain = (100..=at.len()).find_map(|end| key.decrypt(&at[..end]).ok());
            opened.extend(plain.and_then(|plain| String::from_utf8(plain).ok()));
        }
    }
    opened
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_with_what_is_expected() {
    let server = Installation::serve();
    let data = server.folder.path().join("other");
    let mut refused = server
        .command(&["serve", "--port", "0"])
        .env("ORCH_DATA_DIR", &data)
        .env("ORCH_SECRET_KEY", "hunter2-is-no-key")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let status = ended(&mut refused, PATIENCE).await;
    assert_eq!(status.code(), Some(2), "a wrong setting");
    let output = refused.wait_with_output().expect("its output");
    assert_eq!(output.stdout, b"", "it never was ready");
    let errors = String::from_utf8_lossy(&output.stderr);
    for part in [
        "ORCH_SECRET_KEY is not a Fernet key",
        "44 characters",
        "openssl rand",
    ] {
        assert!(errors.contains(part), "`{part}` is not in: {errors}");
    }
    assert!(!errors.contains("hunter2"), "{errors}");
}

#[tokio::test]
async fn answers_are_sealed_with_the_operators_key_and_open_for_the_agents_secret() {
    let data = TempDir::new().expect("a temporary folder");
    let (key, agents) = (Fernet::generate_key(), "a-secret-of-the-agents");
    let env = [
        ("ORCH_SECRET_KEY", key.as_str()),
        ("AGENT_SECRET_KEY", agents),
    ];
    let mut server = serve_on(&data, &env);
    let path = answered(&server).await;
    let clear = (StatusCode::OK, json!(ANSWER));
    assert_eq!(in_clear(&server, &path, agents).await, clear);
    // Their own secret is the only one where they have one.
    let (status, _) = in_clear(&server, &path, &key).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    for query in [
        "plaintext=1",
        "plaintext=1&x_orch_secret=",
        "plaintext=1&x_orch_secret=wrong",
    ] {
        let request = server.request(Method::GET, &format!("{path}?{query}"));
        assert_eq!(answer(request).await.0, StatusCode::FORBIDDEN, "{query}");
    }
    let flag = format!("{path}?plaintext=yes&x_orch_secret={agents}");
    assert_eq!(server.get(&flag).await[0]["responses"]["KEY"], ANSWER);
    assert_eq!(server.get(&path).await[0]["responses"]["KEY"], "***");
    assert!(!data.path().join("secret.key").exists(), "none was needed");
    server.stop();

    let fernet = Fernet::new(&key).expect("a key");
    let opened = sealed_in(data.path(), &fernet);
    assert!(opened.contains(&sealed()), "{opened:?}");

    let other = Fernet::generate_key();
    let mut server = serve_on(&data, &[("ORCH_SECRET_KEY", &other)]);
    let (status, _) = in_clear(&server, &path, &other).await;
    assert_eq!(status, StatusCode::CONFLICT, "sealed with another key");
    server.stop();
    // Without a secret of their own, agents present the key itself.
    let server = serve_on(&data, &[("ORCH_SECRET_KEY", &key)]);
    assert_eq!(in_clear(&server, &path, &key).await, clear);
}

#[tokio::test]
async fn a_key_is_made_for_its_owner_alone_announced_and_kept() {
    let data = TempDir::new().expect("a temporary folder");
    let mut server = serve_on(&data, &[]);
    let file = data.path().join("secret.key");
    let mode = std::fs::metadata(&file)
        .expect("the key")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let key = std::fs::read_to_string(&file).expect("the key");
    let fernet = Fernet::new(key.trim()).expect("a Fernet key");
    let log = server.log();
    assert!(
        log.contains("secret.key") && !log.contains(key.trim()),
        "{log}"
    );
    let path = answered(&server).await;
    server.stop();
    let opened = sealed_in(data.path(), &fernet);
    assert!(opened.contains(&sealed()), "{opened:?}");
    let server = serve_on(&data, &[]);
    assert_eq!(std::fs::read_to_string(&file).expect("the key"), key);
    assert_eq!(
        in_clear(&server, &path, key.trim()).await,
        (StatusCode::OK, json!(ANSWER))
    );
}

#[tokio::test]
async fn no_secret_is_logged_even_when_everything_is() {
    let (key, token) = (Fernet::generate_key(), "token-0123456789-abcdef");
    let agents = "secret-0123456789-abcdef";
    let up = Installation::with(
        "up",
        &[
            ("LOG_LEVEL", "trace"),
            ("ORCH_SECRET_KEY", &key),
            ("AGENT_SECRET_KEY", agents),
            ("ORCH_API_TOKEN", token),
        ],
    );
    let wrong = "mistaken-0123456789";
    let call = async |method: Method, path: &str, body: Option<Value>| {
        let request = up.request(method, path).bearer_auth(token);
        answer(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    };
    let project = call(Method::POST, "/projects", Some(json!({"name": "p"})))
        .await
        .1;
    let item = json!({"project_id": project["id"], "title": "something unheard of"});
    let item = call(Method::POST, "/work-items", Some(item)).await.1;
    let enqueue = json!({"work_item_id": item["id"]});
    call(Method::POST, "/scheduler/enqueue", Some(enqueue)).await;
    let path = "/work-items/runs/info-requests/1";
    let begun = Instant::now();
    while call(Method::GET, path, None).await.0 != StatusCode::OK {
        assert!(begun.elapsed() < PATIENCE, "no question: {}", up.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let steps = json!({"values": {"steps": format!("true {ANSWER}")}});
    let (status, _) = call(Method::POST, &format!("{path}/respond"), Some(steps)).await;
    assert_eq!(status, StatusCode::OK);
    for (query, expected) in [
        (format!("plaintext=1&x_orch_secret={agents}"), 200),
        (format!("plaintext=1&x_orch_secret={wrong}"), 403),
        (format!("plaintext=maybe&x_orch_secret={wrong}"), 422),
        (
            format!("plaintext=1&x_orch_secret={wrong}&x_orch_secret={wrong}"),
            422,
        ),
    ] {
        let (status, _) = call(Method::GET, &format!("{path}?{query}"), None).await;
        assert_eq!(status, expected, "{query}");
    }
    let nowhere = format!("/no/such/path?x_orch_secret={wrong}");
    assert_eq!(call(Method::GET, &nowhere, None).await.0, 404);
    let header = up.request(Method::GET, &format!("{path}?plaintext=1"));
    let header = header.bearer_auth(token).header("x-orch-secret", agents);
    assert_eq!(answer(header).await.0, 200);
    let guess = up.request(Method::GET, &format!("{path}?x_orch_secret={wrong}"));
    assert_eq!(answer(guess.bearer_auth(wrong)).await.0, 401);

    let endpoint = tonic::transport::Endpoint::from_shared(up.base.clone()).expect("an address");
    let channel = endpoint.connect().await.expect("it connects");
    let mut start = tonic::Request::new(StartTaskRequest {
        agent_id: "theirs".to_owned(),
        secret: agents.to_owned(),
        ..StartTaskRequest::default()
    });
    let metadata = start.metadata_mut();
    let bearer = format!("Bearer {token}");
    metadata.insert("authorization", bearer.parse().expect("a value"));
    metadata.insert("x-orch-secret", wrong.parse().expect("a value"));
    let reply = AgentsClient::new(channel).start_task(start).await;
    reply.expect("a reply");

    let log = up.log();
    assert!(log.contains("TRACE"), "everything is logged");
    for secret in [&key, token, agents, wrong, ANSWER] {
        let found = log.lines().find(|line| line.contains(secret));
        assert_eq!(found, None, "{secret} is in the log");
    }
}
