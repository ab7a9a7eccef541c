//! A run's folder and a cell for it, on one backend.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use orch_sandbox::{
    Limits,
    exec::{Command, Exit, Line, Program, RunFolder, base_env},
    sandbox::{
        Backend, Cell, Confinement, EngineSettings, Sandbox, SandboxError, Settings, Wanted,
        Without, choose,
    },
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// So long does nothing here take.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A run's folder on one backend.
pub struct Place {
    pub folder: RunFolder,
    pub sandbox: Arc<dyn Sandbox>,
    top: tempfile::TempDir,
    ground: Option<Ground>,
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Outcome {
    pub exit: Result<Exit, SandboxError>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    pub fn succeeded(&self) -> bool {
        matches!(self.exit, Ok(Exit::Code(0)))
    }
}

/// A backend, made ready once for many runs.
pub struct Ground {
    pub sandbox: Arc<dyn Sandbox>,
    _top: tempfile::TempDir,
}

impl Ground {
    pub fn of(backend: Backend) -> Self {
        let top = folder();
        let settings = Settings {
            init: env!("CARGO_BIN_EXE_sandbox-init").into(),
            folder: top.path().join("sandbox"),
            engine: engine(),
        };
        let sandbox = choose(Wanted::Only(backend), &settings).unwrap();
        Self { sandbox, _top: top }
    }
}

/// The engine that the environment names: `ORCH_TEST_ENGINE` is its socket, `ORCH_TEST_IMAGE` an image
/// that it has, `ORCH_TEST_ENGINE_KIND` is `podman` where it is no Docker. Absent ones are told of.
pub fn engine_backend() -> Option<Backend> {
    let named = |name: &str| std::env::var(name).ok();
    if named("ORCH_TEST_ENGINE").is_none() {
        eprintln!(
            "BACKEND ABSENT: docker and podman were not tried, ORCH_TEST_ENGINE names no engine"
        );
        return None;
    }
    Some(match named("ORCH_TEST_ENGINE_KIND").as_deref() {
        Some("podman") => Backend::Podman,
        _ => Backend::Docker,
    })
}

/// The engine whose image and socket the environment names.
fn engine() -> EngineSettings {
    let named = |name: &str| std::env::var(name).ok();
    EngineSettings {
        image: named("ORCH_TEST_IMAGE").map(|image| image.parse().unwrap()),
        socket: named("ORCH_TEST_ENGINE").map(Into::into),
        ..EngineSettings::default()
    }
}

/// A folder that an unprivileged user can pass.
fn folder() -> tempfile::TempDir {
    let mut top = tempfile::Builder::new();
    let top = top.prefix("orch-sandbox-").tempdir_in("/var/tmp").unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(top.path(), open).unwrap();
    top
}

impl Place {
    pub fn on(backend: Backend) -> Self {
        Self::with(Ground::of(backend))
    }

    /// With a backend of its own.
    fn with(ground: Ground) -> Self {
        let mut place = Self::within(&ground);
        place.ground = Some(ground);
        place
    }

    /// With a backend that others have as well.
    pub fn within(ground: &Ground) -> Self {
        let top = folder();
        let folder = RunFolder::create(&top.path().join("runs"), 1, 1).unwrap();
        Self {
            folder,
            sandbox: Arc::clone(&ground.sandbox),
            top,
            ground: None,
        }
    }

    /// A folder that is no part of the run.
    pub fn outside(&self) -> &Path {
        self.top.path()
    }

    pub fn confinement(&self) -> Confinement {
        Confinement {
            work: self.folder.work(),
            home: self.folder.home(),
            tmp: self.folder.tmp(),
            secrets: self.folder.secrets(),
            readable: Vec::new(),
            path: PATH.to_owned(),
            unprotected: Vec::new(),
            network: None,
            limits: Limits::default(),
            without: Without::default(),
        }
    }

    pub fn shell(&self, script: &str) -> Command {
        Command {
            program: Program::Shell {
                shell: "/bin/sh".into(),
                script: script.to_owned(),
            },
            stdin: None,
            env: base_env(PATH, &self.folder.home(), &self.folder.tmp()),
            cwd: self.folder.work(),
            timeout: None,
            kill_grace: Duration::from_secs(5),
            records: Some(self.folder.pids()),
        }
    }

    pub async fn run(&self, script: &str) -> Outcome {
        let cell = self.sandbox.open(self.confinement()).unwrap();
        run(&*cell, self.shell(script)).await
    }
}

/// Runs a command to its end.
pub async fn run(cell: &dyn Cell, command: Command) -> Outcome {
    let (sink, mut lines) = mpsc::channel::<Line>(64);
    let clock = Arc::new(|| Timestamp::UNIX_EPOCH);
    let collect = async {
        let mut texts: BTreeMap<bool, String> = BTreeMap::new();
        while let Some(line) = lines.recv().await {
            let is_error = line.stream.to_string() == "stderr";
            let text = texts.entry(is_error).or_default();
            text.push_str(&line.message);
            text.push('\n');
        }
        texts
    };
    let running = cell.run(command, clock, sink, CancellationToken::new());
    let both = async { tokio::join!(running, collect) };
    let (exit, mut texts) = tokio::time::timeout(DEADLINE, both)
        .await
        .expect("an end within the deadline");
    Outcome {
        exit,
        stdout: texts.remove(&false).unwrap_or_default(),
        stderr: texts.remove(&true).unwrap_or_default(),
    }
}
