//! What a sandbox costs: the median of a step (`sh -c 'echo hello'`) in each, beside the bare
//! process and bare bubblewrap; and how many steps a second in 8 runs at once, in runs of 50 steps
//! and in runs of one.

use std::process::{Command as Bare, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use orch_agent::clock;
use orch_sandbox::Limits;
use orch_sandbox::exec::{Command, Exit, Program, RunFolder, base_env};
use orch_sandbox::sandbox::{Backend, Cell, Confinement, Sandbox, Settings, Wanted, choose};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Measured;
use crate::figure::Figure;
use crate::setup::Setup;

const STEPS: usize = 100;
const AT_ONCE: usize = 8;
const EACH: usize = 50;
const PATH: &str = "/usr/bin:/bin";
const SCRIPT: &str = "echo hello";

pub async fn measure(setup: &Setup) -> Measured {
    let setup = setup.clone();
    // The agent works with a thread for each processor; here it is the load that is measured.
    let measuring = move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        runtime.block_on(figures(&setup))
    };
    tokio::task::spawn_blocking(measuring).await?
}

async fn figures(setup: &Setup) -> Measured {
    let top = tempfile::Builder::new()
        .prefix("bench")
        .tempdir_in("/var/tmp")?;
    std::fs::set_permissions(
        top.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )?;
    let settings = Settings {
        init: setup.binary.clone().into(),
        folder: top.path().join("sandbox"),
        engine: Default::default(),
    };
    let mut figures = vec![
        figure(
            "bare fork + exec",
            "",
            bare(setup, &["/bin/sh", "-c", SCRIPT])?,
        ),
        figure("bare bubblewrap", "", bare(setup, &BWRAP)?),
    ];
    for (backend, target) in [
        (Backend::Process, ""),
        (Backend::Landlock, "<= 10 ms over bare fork + exec"),
        (Backend::Bubblewrap, "<= 10 ms over bare fork + exec"),
    ] {
        let sandbox = choose(Wanted::Only(backend), &settings)?;
        let (mut costs, mut rates, mut runs) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..setup.rounds {
            let root = top.path().join(format!("{backend}-{round}"));
            costs.extend(one_by_one(&*sandbox, &root).await?);
            rates.push(at_once(&sandbox, &root, 1).await?);
            runs.push(at_once(&sandbox, &root, EACH).await?);
        }
        figures.push(figure(backend.name(), target, costs));
        let name = format!("sandbox: steps in {backend}, 8 runs at once");
        figures.push(Figure::new(&name, "/s", ">= 150", rates));
        let name = format!("sandbox: runs of one step in {backend}, 8 at once");
        figures.push(Figure::new(&name, "/s", "", runs));
    }
    Ok(figures)
}

const BWRAP: [&str; 21] = [
    "bwrap",
    "--unshare-all",
    "--die-with-parent",
    "--new-session",
    "--ro-bind",
    "/usr",
    "/usr",
    "--symlink",
    "usr/bin",
    "/bin",
    "--symlink",
    "usr/lib",
    "/lib",
    "--symlink",
    "usr/lib64",
    "/lib64",
    "--proc",
    "/proc",
    "--",
    "/bin/sh",
    "-c",
];

fn figure(name: &str, target: &'static str, samples: Vec<f64>) -> Figure {
    let name = format!("sandbox: a step in {name}");
    Figure::new(&name, "ms", target, samples)
}

fn bare(setup: &Setup, line: &[&str]) -> anyhow::Result<Vec<f64>> {
    let mut samples = Vec::new();
    for _ in 0..setup.rounds * STEPS {
        let begun = Instant::now();
        let mut command = Bare::new(line[0]);
        command.args(&line[1..]).stdout(Stdio::null());
        if line.last() == Some(&"-c") {
            command.arg(SCRIPT);
        }
        ensure!(command.status()?.success(), "{line:?} failed");
        samples.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(samples)
}

struct Place {
    folder: RunFolder,
    cell: Box<dyn Cell>,
}

impl Place {
    fn new(sandbox: &dyn Sandbox, root: &std::path::Path, number: i64) -> anyhow::Result<Self> {
        let folder = RunFolder::create(root, number, 1)?;
        let cell = sandbox.open(Confinement {
            work: folder.work(),
            home: folder.home(),
            tmp: folder.tmp(),
            secrets: folder.secrets(),
            readable: Vec::new(),
            path: PATH.to_owned(),
            unprotected: Vec::new(),
            network: None,
            limits: Limits::default(),
            without: Default::default(),
        })?;
        Ok(Self { folder, cell })
    }

    async fn step(&self) -> anyhow::Result<()> {
        let command = Command {
            program: Program::Shell {
                shell: "/bin/sh".into(),
                script: SCRIPT.to_owned(),
            },
            stdin: None,
            env: base_env(PATH, &self.folder.home(), &self.folder.tmp()),
            cwd: self.folder.work(),
            timeout: None,
            kill_grace: Duration::from_secs(2),
            records: Some(self.folder.pids()),
        };
        let (sink, mut lines) = mpsc::channel(16);
        let cancel = CancellationToken::new();
        let running = self
            .cell
            .run(command, Arc::new(clock::system), sink, cancel);
        let drain = async { while lines.recv().await.is_some() {} };
        let (exit, ()) = tokio::join!(running, drain);
        ensure!(exit? == Exit::Code(0), "a step failed");
        Ok(())
    }
}

async fn one_by_one(sandbox: &dyn Sandbox, root: &std::path::Path) -> anyhow::Result<Vec<f64>> {
    let place = Place::new(sandbox, root, 0)?;
    let mut samples = Vec::new();
    for _ in 0..STEPS {
        let begun = Instant::now();
        place.step().await?;
        samples.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(samples)
}

/// So many steps, of so many runs one after another, each with a folder and a cell of its own.
async fn at_once(
    sandbox: &Arc<dyn Sandbox>,
    root: &std::path::Path,
    runs: usize,
) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let workers = (1..=AT_ONCE).map(|worker| {
        let (sandbox, root) = (Arc::clone(sandbox), root.to_owned());
        tokio::spawn(async move {
            for number in 0..runs {
                let number = i64::try_from(worker * EACH + number)?;
                let place = Place::new(&*sandbox, &root, number)?;
                for _ in 0..EACH / runs {
                    place.step().await?;
                }
                let Place { folder, cell } = place;
                drop(cell);
                folder.remove()?;
            }
            anyhow::Ok(())
        })
    });
    for worker in futures::future::join_all(workers).await {
        worker??;
    }
    Ok((AT_ONCE * EACH) as f64 / begun.elapsed().as_secs_f64())
}
