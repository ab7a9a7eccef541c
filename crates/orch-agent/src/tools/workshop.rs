//! Install steps of catalog entries, in the agent's sandbox: they write the tool's folder alone.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use orch_core::recipe::{Recipe, Step};
use orch_sandbox::{
    exec::{Command, Exit, Program, RunFolder, base_env, reap_leftovers, remove_all},
    sandbox::{Cell, Sandbox},
};
use orch_tools::{Workshop, Workshops};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{clock, config::AgentConfig, confine::Way, text::chain};

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
        let root = root(&self.config.state_dir);
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
        let server = self.config.server_kept_from_steps();
        let way = Way { server, tell };
        let confinement = setup.confinement(self.sandbox.backend(), &recipe, folder, path, way);
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

fn root(state_dir: &Path) -> PathBuf {
    state_dir.join("workshop")
}

/// Ends and removes what interrupted installations left; those of processes that live stay.
pub(crate) fn clear_leftovers(state_dir: &Path) {
    let leftovers = match reap_leftovers(&root(state_dir)) {
        Ok(leftovers) => leftovers,
        Err(error) => {
            tracing::warn!(error = %chain(&error), "failed to look for interrupted installations");
            return;
        }
    };
    for leftover in leftovers.iter().filter(|leftover| leftover.remaining == 0) {
        if let Err(error) = remove_all(&leftover.path) {
            let path = leftover.path.display();
            tracing::warn!(%path, %error, "failed to remove what an interrupted installation left");
        }
        // One that has more in it stays.
        let _ = leftover.path.parent().map(fs::remove_dir);
    }
}

/// The step's folder, which no link leads out of.
fn inside(top: &Path, step: &Step) -> Result<PathBuf, String> {
    let folder = top.join(step.folder());
    let real = fs::canonicalize(&folder).map_err(|error| format!("{}: {error}", step.folder()))?;
    match real.starts_with(top) {
        true => Ok(real),
        false => Err(format!(
            "`{}` leads out of the tool's folder",
            step.folder()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_interrupted_installation_left_is_removed_and_one_under_way_stays() {
        let top = tempfile::tempdir().unwrap();
        let left = RunFolder::create(&root(top.path()), 7, 1).unwrap();
        let left_path = left.path().to_owned();
        fs::write(left.home().join("half"), "of a tool").unwrap();
        drop(left);
        let held = RunFolder::create(&root(top.path()), 8, 1).unwrap();
        clear_leftovers(top.path());
        assert!(!left_path.exists() && !left_path.parent().unwrap().exists());
        assert!(held.path().is_dir());
    }
}
