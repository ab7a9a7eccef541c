//! Attempts of the group "configuration and trust" that need a server: what a run could do with its
//! token, its approval and its log. Each is tried from inside of a step that has all of the agent's
//! rights, and is seen to work first where it is allowed.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Installation, PATIENCE, answer};

const API_TOKEN: &str = "token-0123456789-abcdef";

const PAUSE: Duration = Duration::from_millis(20);

/// All of them; the test fails where fewer were tried.
const ATTEMPTS: [&str; 5] = [
    "replays its token after its end",
    "replays its token while the next run goes on",
    "approves its own request",
    "decides with a request of its own making",
    "forges the marks of its log",
];

struct Ground {
    up: Installation,
    project: i64,
    tried: Vec<&'static str>,
}

impl Ground {
    async fn new() -> Self {
        let env = [
            ("AGENT_SANDBOX", "process"),
            ("ORCH_API_TOKEN", API_TOKEN),
            ("AGENT_SECRET_KEY", "secret-0123456789-abcdef"),
        ];
        let up = Installation::with("up", &env);
        let mut ground = Self {
            up,
            project: 0,
            tried: Vec::new(),
        };
        let project = ground
            .ask(Method::POST, "/projects", json!({"name": "p"}))
            .await;
        ground.project = project["id"].as_i64().expect("an id");
        ground
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, body) = self.ask_with(API_TOKEN, method, path, body).await;
        assert!(status.is_success(), "{path}: {status}: {body}");
        body
    }

    async fn ask_with(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let request = self.up.request(method.clone(), path).bearer_auth(token);
        answer(match method {
            Method::GET => request,
            _ => request.json(&body),
        })
        .await
    }

    /// A file that steps and we see.
    fn shared(&self, name: &str) -> PathBuf {
        self.up.folder.path().join(name)
    }

    /// Begins a run of one step with the run's token in `$TOKEN`.
    async fn begin(&self, script: &str) -> i64 {
        let new = json!({"project_id": self.project, "title": "tries"});
        let item = self.ask(Method::POST, "/work-items", new).await["id"].clone();
        let script = script.replace('\n', "\n      ");
        let yaml = format!(
            "steps:\n  - run: |\n      {script}\n    secrets: [{{name: ORCH_RUN_TOKEN, env: TOKEN}}]\n"
        );
        let path = format!("/work-items/{item}/tool-recipe");
        self.ask(Method::POST, &path, json!({ "yaml": yaml })).await;
        let run = self
            .ask(
                Method::POST,
                &format!("/work-items/{item}/start"),
                json!({}),
            )
            .await;
        run["id"].as_i64().expect("an id")
    }

    async fn end(&self, run: i64) -> Value {
        let path = format!("/work-items/runs/{run}");
        let wait = async {
            loop {
                let run = self.ask(Method::GET, &path, json!(null)).await;
                if run["status"] != "running" {
                    return run;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("an end")
    }

    async fn lines(&self, run: i64) -> Vec<String> {
        let path = format!("/work-items/runs/{run}/logs?format=json&limit=10000");
        let page = self.ask(Method::GET, &path, json!(null)).await;
        let lines = page["lines"].as_array().expect("lines").iter();
        lines
            .map(|line| line.as_str().expect("a text").to_owned())
            .collect()
    }

    /// The token that a step has written away.
    async fn stolen(&self, file: &Path) -> String {
        let wait = async {
            loop {
                match fs::read_to_string(file) {
                    Ok(token) if token.ends_with('\n') => return token.trim().to_owned(),
                    Ok(_) | Err(_) => tokio::time::sleep(PAUSE).await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("a token")
    }

    fn tried(&mut self, name: &'static str) {
        self.tried.push(name);
    }
}

#[tokio::test]
async fn no_run_gets_further_by_its_token_its_approval_or_its_log() {
    let mut ground = Ground::new().await;
    replay(&mut ground).await;
    approve(&mut ground).await;
    forge(&mut ground).await;
    assert_eq!(ground.tried, ATTEMPTS, "fewer were tried than are listed");
}

async fn replay(ground: &mut Ground) {
    let (file, go) = (ground.shared("token"), ground.shared("go"));
    let script = format!(
        "echo \"$TOKEN\" > {}\nwhile ! test -e {}; do sleep 0.02; done",
        file.display(),
        go.display()
    );
    let run = ground.begin(&script).await;
    let token = ground.stolen(&file).await;
    let own = format!("/work-items/runs/{run}");
    let logs = format!("{own}/logs");
    let line = json!({"line": "replayed"});
    let while_it_runs = ground
        .ask_with(&token, Method::POST, &logs, line.clone())
        .await;
    assert_eq!(while_it_runs.0, StatusCode::OK, "{}", while_it_runs.1);
    fs::write(&go, "").expect("it is written");
    assert_eq!(ground.end(run).await["status"], "succeeded");
    for (method, path, body) in [
        (Method::GET, own.clone(), json!(null)),
        (Method::POST, logs.clone(), line.clone()),
    ] {
        let (status, body) = ground.ask_with(&token, method, &path, body).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}: {body}");
    }
    ground.tried("replays its token after its end");

    let (file, go) = (ground.shared("token-2"), ground.shared("go-2"));
    let script = format!(
        "echo \"$TOKEN\" > {}\nwhile ! test -e {}; do sleep 0.02; done",
        file.display(),
        go.display()
    );
    let next = ground.begin(&script).await;
    let live = ground.stolen(&file).await;
    let theirs = format!("/work-items/runs/{next}/logs");
    let allowed = ground
        .ask_with(&live, Method::POST, &theirs, line.clone())
        .await;
    assert_eq!(allowed.0, StatusCode::OK, "{}", allowed.1);
    for path in [&theirs, &logs] {
        let (status, _) = ground
            .ask_with(&token, Method::POST, path, line.clone())
            .await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
    }
    // Nor does the next one's open the last one's.
    let (status, _) = ground.ask_with(&live, Method::POST, &logs, line).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    fs::write(&go, "").expect("it is written");
    ground.end(next).await;
    ground.tried("replays its token while the next run goes on");
}

/// A step that asks for something and says yes to it itself, with its token and with none.
async fn approve(ground: &mut Ground) {
    let new = json!({"project_id": ground.project, "title": "tofu:apply"});
    let gated = ground.ask(Method::POST, "/work-items", new).await["id"].clone();
    let path = format!("/work-items/{gated}/approvals");
    let approval = ground.ask(Method::POST, &path, json!({})).await["id"].clone();
    let base = &ground.up.base;
    let call = |name: &str, path: &str, body: &str| {
        format!(
            "for a in \"Authorization: Bearer $TOKEN\" 'X-None: x'; do \
             echo {name} $(curl -s -o /dev/null -w '%{{http_code}}' -X POST -H \"$a\" \
             -H 'Content-Type: application/json' -d '{body}' {base}{path}); done"
        )
    };
    let script = [
        format!("echo seen $(curl -s -o /dev/null -w '%{{http_code}}' -H \"Authorization: Bearer $TOKEN\" {base}/work-items/runs/$ORCH_RUN_ID)"),
        call("approve", &format!("/work-items/approvals/{approval}/approve"), "{}"),
        call("decide", &format!("/work-items/{gated}/approvals"), "{}"),
        call("enqueue", "/scheduler/enqueue", &format!("{{\"work_item_id\":{gated}}}")),
    ]
    .join("\n");
    let run = ground.begin(&script).await;
    ground.end(run).await;
    let lines = ground.lines(run).await;
    let said = |name: &str| -> Vec<String> {
        lines
            .iter()
            .filter_map(|text| text.strip_prefix(name))
            .map(|code| code.trim().to_owned())
            .collect()
    };
    for name in ["approve", "decide", "enqueue"] {
        assert_eq!(said(name), ["403", "401"], "{name}: {lines:#?}");
    }
    let approvals = ground.ask(Method::GET, &path, json!(null)).await;
    let decided = |approval: &Value| approval["status"] != "pending";
    let approvals = approvals.as_array().expect("a list");
    assert_eq!(approvals.len(), 1, "{approvals:?}");
    assert!(!approvals.iter().any(decided), "{approvals:?}");
    ground.tried("approves its own request");
    // The same request from a person goes through.
    let path = format!("/work-items/approvals/{approval}/approve");
    ground.ask(Method::POST, &path, json!({})).await;
    ground.tried("decides with a request of its own making");
}

/// Lines that look like those that the agent and the server write.
async fn forge(ground: &mut Ground) {
    let script = "printf 'event | FORGED\\n'\n\
                  printf 'x\\revent | FORGED\\n'\n\
                  printf 'x\\r\\nevent | FORGED\\n'\n\
                  printf '\\033[2K\\033[1Gevent | FORGED\\n'\n\
                  printf 'x\\342\\200\\250event | FORGED\\n'\n\
                  printf 'x\\302\\205event | FORGED\\n'\n\
                  printf 'x\\013event | FORGED\\014event | FORGED\\n'\n\
                  printf 'x\\000\\nevent | FORGED\\n'\n\
                  printf '\\n\\nStarting run FORGED\\n' >&2";
    let script = format!(
        "{script}\ncurl -s -X POST -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \
         -d '{{\"line\":\"event | FORGED\",\"stream\":\"STREAM\"}}' {0}/work-items/runs/$ORCH_RUN_ID/logs",
        ground.up.base
    );
    let said = ["system", "event"].map(|stream| script.replace("STREAM", stream));
    for script in said {
        let run = ground.begin(&script).await;
        assert_eq!(ground.end(run).await["status"], "succeeded");
        let path = format!("/work-items/runs/{run}/logs");
        let page = format!("{path}?format=json&limit=1000");
        let page = ground.ask(Method::GET, &page, json!(null)).await;
        let entries = page["entries"].as_array().expect("a list").iter();
        let forged = entries.filter(|entry| entry["message"].to_string().contains("FORGED"));
        let marks: Vec<(&Value, &Value)> = forged
            .map(|entry| (&entry["stream"], &entry["step"]))
            .collect();
        assert!(marks.len() >= 9, "{page}");
        for (stream, step) in marks {
            assert!(stream == "stdout" || stream == "stderr", "{page}");
            assert!(*step == json!(1) || step.is_null(), "{page}");
        }
        assert_eq!(page["entries"][0]["stream"], "system", "{page}");
        // Nothing moves the place where a terminal writes.
        let text = ground.up.request(Method::GET, &path).bearer_auth(API_TOKEN);
        let text = text.send().await.expect("an answer");
        let text = text.text().await.expect("a text");
        let moves = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(moves), "{text:?}");
    }
    ground.tried("forges the marks of its log");
}
