//! A private PostgreSQL cluster from the system's package, on a free port, in a temporary folder.
//! It ends with its handle, and with the process that started it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// A running cluster.
pub struct Postgres {
    folder: TempDir,
    server: Option<Child>,
    port: u16,
}

impl Postgres {
    /// Makes and starts a cluster; panics with what to install where PostgreSQL is missing.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("orch-postgres-")
            .tempdir()
            .expect("a temporary folder");
        let data = folder.path().join("data");
        if is_root() {
            // The server refuses to run as root.
            run(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        run(as_postgres("initdb").arg("--pgdata").arg(&data).args([
            "--auth=trust",
            "--username=postgres",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ]));
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a free port")
            .port();
        let mut started = Self {
            folder,
            server: None,
            port,
        };
        started.up();
        started
    }

    /// Starts the server on its data.
    pub fn up(&mut self) {
        let server = as_postgres("postgres")
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args([
                "-p",
                &self.port.to_string(),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "max_connections=200",
            ])
            .arg("-k")
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .stderr(self.log_file())
            .spawn()
            .expect("postgres starts");
        self.server = Some(server);
        let begun = Instant::now();
        while !self.query("postgres", "SELECT 1") {
            assert!(
                begun.elapsed() < PATIENCE,
                "PostgreSQL is not ready: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A new empty database; answers its URL.
    pub fn database(&self, name: &str) -> String {
        assert!(
            self.query("postgres", &format!("CREATE DATABASE {name}")),
            "creating {name} failed: {}",
            self.log()
        );
        self.url(name)
    }

    pub fn url(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs a statement through psql; whether it succeeded.
    pub fn query(&self, database: &str, sql: &str) -> bool {
        Command::new(program("psql"))
            .args([
                "--no-psqlrc",
                "--quiet",
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                sql,
                &self.url(database),
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Ends every process of the server as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// The same database over the server's Unix socket.
    pub fn socket_url(&self, name: &str) -> String {
        let folder = self.folder.path().display();
        format!(
            "postgres://postgres@/{name}?host={folder}&port={}",
            self.port
        )
    }

    /// Stops the server, which keeps its port and all connections and answers nobody.
    pub fn freeze(&self) {
        // First the one that would take note of its children.
        self.signal("-STOP", &[self.pid()]);
        self.signal("-STOP", &self.children());
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("-CONT", &self.children());
        self.signal("-CONT", &[self.pid()]);
    }

    fn pid(&self) -> u32 {
        self.server.as_ref().expect("it runs").id()
    }

    fn children(&self) -> Vec<u32> {
        let listed = format!("/proc/{0}/task/{0}/children", self.pid());
        let listed = std::fs::read_to_string(listed).expect("a list of processes");
        let ids = listed.split_whitespace();
        ids.map(|id| id.parse().expect("a process")).collect()
    }

    fn signal(&self, signal: &str, processes: &[u32]) {
        let mut command = Command::new("kill");
        command.arg(signal).stderr(Stdio::null());
        // One may have ended by itself.
        let _ = command
            .args(processes.iter().map(ToString::to_string))
            .status();
    }

    fn log_file(&self) -> std::fs::File {
        std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .expect("a log file")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

/// A program of PostgreSQL, as the user that may run it, which ends with this process.
fn as_postgres(name: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig=KILL");
    if is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    }
    command.arg(program(name)).current_dir("/");
    command
}

/// The newest installed version's program.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| {
            let number = version.file_name().to_str()?.parse().ok()?;
            let path = version.path().join("bin").join(name);
            path.is_file().then_some((number, path))
        })
        .collect();
    found.sort_unstable();
    match found.pop() {
        Some((_, path)) => path,
        None if on_path(name) => PathBuf::from(name),
        None => panic!(
            "{name} of PostgreSQL is missing: apt-get install postgresql-15, or run `make test`, which does"
        ),
    }
}

fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder: PathBuf| Path::new(&folder).join(name).is_file())
}

fn run(command: &mut Command) {
    let output = command.output().expect("the command runs");
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
