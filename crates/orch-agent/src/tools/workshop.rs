//! Install steps of catalog entries, in the agent's sandbox: they write the tool's folder alone.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use orch_core::recipe::{Recipe, Step};
use orch_sandbox::{
    exec::{Command, Exit, Program, RunFolder, base_env},
    sandbox::{Cell, Sandbox},
};
use orch_tools::{Workshop, Workshops};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{clock, config::AgentConfig, text::chain};

/// How long one install step may take that says nothing of it.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);
const KILL_GRACE: Duration = Duration::from_secs(2);
/// Lines of output that a failure repeats.
const REPEATED: usize = 20;

/// Runs install steps in a sandbox.
pub struct SandboxWorkshop {
    config: AgentConfig,
    sandbox: Arc<dyn Sandbox>,
    stop: CancellationToken,
    said: mpsc::UnboundedSender<String>,
}

impl SandboxWorkshop {
    /// A workshop under an agent's settings; what the steps say goes to `said`.
    #[must_use]
    pub fn new(
        config: &AgentConfig,
        sandbox: Arc<dyn Sandbox>,
        stop: CancellationToken,
        said: mpsc::UnboundedSender<String>,
    ) -> Self {
        Self {
            config: config.clone(),
            sandbox,
            stop,
            said,
        }
    }

    async fn work(&self, work: Workshop<'_>) -> Result<(), String> {
        // Each has a home of its own; two tools may be installed at once.
        static NEXT: AtomicI64 = AtomicI64::new(1);
        let number = i64::from(std::process::id()) * 100_000 + NEXT.fetch_add(1, Ordering::Relaxed);
        let root = self.config.state_dir.join("workshop");
        let folder = RunFolder::create(&root, number, 1).map_err(|error| chain(&error))?;
        let worked = self.work_in(&folder, &work).await;
        let removed = tokio::task::spawn_blocking(move || folder.remove()).await;
        if let Ok(Err(error)) = removed {
            tracing::warn!(error = %chain(&error), "failed to remove the folder of install steps");
        }
        worked
    }

    async fn work_in(&self, folder: &RunFolder, work: &Workshop<'_>) -> Result<(), String> {
        let recipe = Recipe {
            permissions: Some(work.permissions.clone()),
            ..Recipe::default()
        };
        let said = self.said.clone();
        let tell = move |refusal: orch_sandbox::egress::Refusal| {
            // Nobody listens once the installation is over.
            let _ = said.send(refusal.to_string());
        };
        let path = &self.config.path;
        let setup = &self.config.sandbox;
        let confinement = setup.confinement(self.sandbox.backend(), &recipe, folder, path, tell);
        let mut confinement = confinement.map_err(|denied| denied.to_string())?;
        confinement.work = work.folder.to_owned();
        let sandbox = Arc::clone(&self.sandbox);
        let opened = tokio::task::spawn_blocking(move || sandbox.open(confinement)).await;
        let opened = opened.map_err(|error| error.to_string())?;
        let cell = opened.map_err(|error| chain(&error))?;
        for (number, step) in (1..).zip(work.steps) {
            self.step(&*cell, folder, work, number, step).await?;
        }
        Ok(())
    }

    async fn step(
        &self,
        cell: &dyn Cell,
        folder: &RunFolder,
        work: &Workshop<'_>,
        number: u32,
        step: &Step,
    ) -> Result<(), String> {
        let cwd = inside(work.folder, step)?;
        let mut env = base_env(&self.config.path, &folder.home(), &folder.tmp());
        env.insert(
            "TOOL_DIR".to_owned(),
            work.folder.to_string_lossy().into_owned(),
        );
        env.extend(step.env.clone());
        let command = Command {
            program: Program::Shell {
                shell: self.config.shell.clone(),
                script: step.run.clone(),
            },
            stdin: None,
            env,
            cwd,
            timeout: Some(step.timeout.unwrap_or(TIMEOUT)),
            kill_grace: KILL_GRACE,
            records: Some(folder.pids()),
        };
        let (sink, mut lines) = mpsc::channel(64);
        let running = cell.run(command, Arc::new(clock::system), sink, self.stop.clone());
        let listening = async {
            let mut last = std::collections::VecDeque::new();
            while let Some(line) = lines.recv().await {
                let text = format!("tool {}: {}", work.tool, line.message);
                // The same.
                let _ = self.said.send(text);
                last.push_back(line.message);
                if last.len() > REPEATED {
                    last.pop_front();
                }
            }
            last
        };
        let (exit, last) = tokio::join!(running, listening);
        let how = match exit {
            Ok(Exit::Code(0)) => return Ok(()),
            Ok(Exit::Code(code)) => format!("exited with {code}"),
            Ok(Exit::Signal(signal)) => format!("ended by signal {signal}"),
            Ok(Exit::TimedOut { after }) => format!("timed out after {} s", after.as_secs_f64()),
            Ok(Exit::Cancelled) => "was stopped".to_owned(),
            Err(error) => format!("could not be run: {}", chain(&error)),
        };
        let last: Vec<String> = last.into();
        Err(format!("step {number} {how}: {}", last.join("\n")))
    }
}

impl Workshops for SandboxWorkshop {
    fn run<'w>(&'w self, work: Workshop<'w>) -> BoxFuture<'w, Result<(), String>> {
        Box::pin(self.work(work))
    }
}

/// The step's folder, which no link leads out of.
fn inside(top: &Path, step: &Step) -> Result<std::path::PathBuf, String> {
    let folder = top.join(step.folder());
    let real =
        std::fs::canonicalize(&folder).map_err(|error| format!("{}: {error}", step.folder()))?;
    match real.starts_with(top) {
        true => Ok(real),
        false => Err(format!(
            "`{}` leads out of the tool's folder",
            step.folder()
        )),
    }
}
