//! An installation under test, and a client that speaks to it as a user would.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

use crate::postgres::Postgres;

/// Nothing that is waited for takes longer, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The program under test.
pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_codex-orchestrator")
}

/// For tests whose steps meet them in files outside of the workspace: no sandbox shows those.
pub const UNCONFINED: (&str, &str) = ("AGENT_SANDBOX", "process");

/// A data folder with, at times, a server on it.
pub struct Installation {
    pub folder: TempDir,
    env: Vec<(String, String)>,
    command: &'static str,
    server: Option<Child>,
    /// The database's own server, where the installation does not use an embedded one.
    cluster: Option<Postgres>,
    pub base: String,
    http: reqwest::Client,
}

impl Installation {
    /// Starts `serve`.
    pub fn serve() -> Self {
        Self::with("serve", &[])
    }

    /// Starts `up`: a server and its agent.
    pub fn up() -> Self {
        Self::with("up", &[])
    }

    /// Starts `command` with more environment.
    pub fn with(command: &'static str, env: &[(&str, &str)]) -> Self {
        // By hand: `E2E_DATABASE=postgres` runs every test on PostgreSQL.
        if std::env::var("E2E_DATABASE").is_ok_and(|kind| kind == "postgres") {
            Self::on_postgres(command, env)
        } else {
            Self::on(None, command, env)
        }
    }

    /// Starts `serve` on SQLite, whatever the tests run on.
    pub fn embedded() -> Self {
        Self::on(None, "serve", &[])
    }

    /// From the next start on the server uses this database, which ends with the installation.
    pub fn use_database(&mut self, cluster: Postgres, url: &str) {
        self.cluster = Some(cluster);
        self.env
            .push(("ORCH_DATABASE_URL".to_owned(), url.to_owned()));
    }

    /// Starts `command` on a PostgreSQL of its own.
    pub fn on_postgres(command: &'static str, env: &[(&str, &str)]) -> Self {
        let cluster = Postgres::start();
        let url = cluster.database("orch");
        let mut env = env.to_vec();
        env.push(("ORCH_DATABASE_URL", &url));
        Self::on(Some(cluster), command, &env)
    }

    fn on(cluster: Option<Postgres>, command: &'static str, env: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let env = env
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        // The provider is process-wide: whoever comes second finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()
            .expect("a client");
        let mut made = Self {
            folder,
            env,
            command,
            server: None,
            cluster,
            base: String::new(),
            http,
        };
        made.start();
        made
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A command of the program with this installation's settings and nobody else's.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            // Where `make coverage` has the program count.
            .envs(std::env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file)))
            .env("ORCH_DATA_DIR", self.data_dir())
            .env("ORCH_RATE_LIMIT_PER_MIN", "0")
            .env("NO_COLOR", "1")
            .current_dir(self.folder.path());
        if !self.base.is_empty() {
            command.env("ORCH_URL", &self.base);
        }
        command.envs(self.env.iter().map(|(k, v)| (k, v)));
        command
    }

    /// Starts the server again on its data; on the same port when it had one.
    pub fn start(&mut self) {
        let port = self
            .base
            .rsplit(':')
            .next()
            .filter(|port| !port.is_empty())
            .unwrap_or("0")
            .to_owned();
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.path().join("server.log"))
            .expect("a log file");
        let mut child = self
            .command(&[self.command])
            .env("ORCH_PORT", port)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it prints a line");
        let base = line.trim().strip_prefix("listening on ").map(str::to_owned);
        self.server = Some(child);
        self.base = base.unwrap_or_else(|| panic!("no ready line but {line:?}; {}", self.log()));
    }

    /// The process of the server.
    pub fn pid(&self) -> u32 {
        self.server.as_ref().expect("it runs").id()
    }

    /// What the server wrote to its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// Ends the server as a power cut would end the process.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().expect("it can be killed");
            server.wait().expect("it ends");
        }
    }

    /// Ends the server as a supervisor would; panics when it does not end by itself.
    pub fn stop(&mut self) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        let pid = server.id().to_string();
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("kill runs");
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = server.try_wait().expect("it can be asked") {
                assert!(status.success(), "it ended with {status}; {}", self.log());
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = server.kill();
        panic!("it did not end within {PATIENCE:?}; {}", self.log());
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = answer(self.request(Method::GET, path)).await;
        assert_eq!(status, StatusCode::OK, "GET {path}: {body}");
        body
    }

    /// Posts and expects success.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.try_post(path, body).await;
        assert!(status.is_success(), "POST {path}: {status} {answer}");
        answer
    }

    pub async fn try_post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn project(&self) -> i64 {
        let project = self
            .post("/projects", serde_json::json!({"name": "test"}))
            .await;
        project["id"].as_i64().expect("an id")
    }

    pub async fn item(&self, project: i64, title: &str) -> i64 {
        let body = serde_json::json!({"project_id": project, "title": title});
        self.post("/work-items", body).await["id"]
            .as_i64()
            .expect("an id")
    }

    /// An item whose recipe runs `steps`.
    pub async fn item_with(&self, project: i64, title: &str, steps: &[&str]) -> i64 {
        let item = self.item(project, title).await;
        let yaml = serde_json::json!({"steps": steps}).to_string();
        self.post(
            &format!("/work-items/{item}/tool-recipe"),
            serde_json::json!({"yaml": yaml}),
        )
        .await;
        item
    }

    pub async fn enqueue(&self, item: i64) -> Value {
        self.post(
            "/scheduler/enqueue",
            serde_json::json!({"work_item_id": item}),
        )
        .await
    }

    pub async fn runs(&self, item: i64) -> Vec<Value> {
        self.get(&format!("/work-items/{item}/runs"))
            .await
            .as_array()
            .cloned()
            .expect("a list")
    }

    /// Asks until `check` is content with the answer to GET `path`.
    pub async fn wait_for(&self, path: &str, what: &str, check: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let (_, last) = answer(self.request(Method::GET, path)).await;
            if check(&last) {
                return last;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "waited for {what}: {last}\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the newest run of an item has a status.
    pub async fn wait_run(&self, item: i64, status: &str) -> Value {
        let path = format!("/work-items/{item}/runs?order=desc&limit=1");
        let what = format!("a run of item {item} that is {status}");
        self.wait_for(&path, &what, |runs| runs[0]["status"] == status)
            .await[0]
            .clone()
    }

    pub async fn log_lines(&self, run: i64) -> Vec<String> {
        let page = self
            .get(&format!(
                "/work-items/runs/{run}/logs?format=json&limit=10000"
            ))
            .await;
        let lines = page["lines"].as_array().expect("lines");
        lines
            .iter()
            .map(|line| line.as_str().expect("a text").to_owned())
            .collect()
    }

    /// Runs a CLI command that must succeed; answers its output.
    pub fn cli(&self, args: &[&str]) -> String {
        let output = self.command(args).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{args:?}: {}\n{text}\n{errors}",
            output.status
        );
        text
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// Runs a statement on the embedded database, behind the server's back.
pub fn sqlite(server: &Installation, statement: &str) {
    let database = server.data_dir().join("orchestrator.db");
    let status = Command::new("sqlite3")
        .arg("-cmd")
        .arg(".timeout 10000")
        .arg(database)
        .arg(statement)
        .status()
        .expect("sqlite3 runs");
    assert!(status.success(), "{statement}");
}

/// Status, standard output and standard error of a command that ends by itself.
pub fn told(mut command: Command) -> (i32, String, String) {
    let output = command.output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().expect("it ended by itself"),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// Sends a request; answers status and body, as JSON where it is some.
pub async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.timeout(PATIENCE).send().await.expect("an answer");
    let status = response.status();
    let text = response.text().await.expect("a body");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    (status, body)
}

/// The folder of the requirement documents: `REQUIREMENTS_DIR`, else beside the repository.
pub fn documents() -> PathBuf {
    match std::env::var_os("REQUIREMENTS_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/seeds"),
    }
}
