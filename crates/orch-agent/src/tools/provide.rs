//! Before a run's first step: what its recipe wants is installed, and its programs lie in one folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use orch_core::recipe::Tool;
use orch_sandbox::{
    exec::{RunFolder, remove_all},
    sandbox::Sandbox,
};
use orch_tools::{Came, Installed, Lock, Platform, Toolbox, Want};
use tokio::sync::{OnceCell, mpsc};

use super::{desk::Counter, kept, mailbox, workshop::SandboxWorkshop};
use crate::{config::AgentConfig, text::chain, worker::Job};

/// The agent's tools, opened when they are first needed.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    toolbox: OnceCell<Arc<Toolbox>>,
}

/// What a run was given. Its tools stay installed as long as this is held.
#[derive(Debug, Default)]
pub(crate) struct Provided {
    installed: Mutex<Vec<Installed>>,
    /// The run's own folder of tools; its `bin` holds a link for each program.
    folder: Option<PathBuf>,
    /// What requests need: all that is installed, and the program that asks.
    asking: Option<Asking>,
}

/// What a run needs to ask for tools.
#[derive(Debug)]
struct Asking {
    readable: Vec<PathBuf>,
    variables: BTreeMap<String, String>,
}

impl Provided {
    /// The `PATH` with the run's tools in front.
    pub(crate) fn path(&self, base: &str) -> String {
        match &self.folder {
            Some(folder) => format!("{}:{base}", folder.join(BIN).display()),
            None => base.to_owned(),
        }
    }

    /// Whether a recipe's tool is among them.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.installed().iter().any(|one| one.tool.name == name)
    }

    /// What steps must be able to read.
    pub(crate) fn readable(&self) -> Vec<PathBuf> {
        let asking = self
            .asking
            .iter()
            .flat_map(|asking| asking.readable.clone());
        let mut readable: Vec<PathBuf> = self.folder.clone().into_iter().chain(asking).collect();
        if self.asking.is_none() {
            readable.extend(self.installed().iter().map(|one| one.stored.folder.clone()));
        }
        readable
    }

    /// What tells processes how to ask for tools.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        let asking = self.asking.as_ref();
        asking
            .map(|asking| asking.variables.clone())
            .unwrap_or_default()
    }

    /// Keeps a tool as long as the run.
    pub(super) fn keep(&self, installed: Installed) {
        self.installed().push(installed);
    }

    fn installed(&self) -> MutexGuard<'_, Vec<Installed>> {
        self.installed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where links to programs lie, in a run's folder of tools.
const BIN: &str = "bin";

/// Where a run's programs are linked.
pub(super) fn bin(folder: &RunFolder) -> PathBuf {
    folder.path().join("tools").join(BIN)
}

impl Shelf {
    async fn toolbox(&self, config: &AgentConfig) -> Result<&Arc<Toolbox>, String> {
        let open = || async {
            let opened = Toolbox::open(config.tools.clone());
            opened.map(Arc::new).map_err(|error| chain(&error))
        };
        self.toolbox.get_or_try_init(open).await
    }

    /// Resolves and installs those of a recipe's tools that the catalog knows; the others are left
    /// to the `PATH`.
    ///
    /// # Errors
    /// Why one cannot be had, for people.
    pub(crate) async fn provide(
        &self,
        config: &AgentConfig,
        sandbox: &Arc<dyn Sandbox>,
        job: &Job,
        tools: &[Tool],
        folder: &RunFolder,
    ) -> Result<Provided, String> {
        let asks = job.tool_desk.is_open();
        if config.tools.catalog.is_none() || (tools.is_empty() && !asks) {
            return Ok(Provided::default());
        }
        let toolbox = self.toolbox(config).await?;
        let catalog = toolbox.catalog().map_err(|error| chain(&error))?;
        for fault in catalog.faults() {
            let file = fault.file.file_name().unwrap_or_default().to_string_lossy();
            let line = format!("the catalog's {file} is passed over: {}", fault.why);
            job.log.system(&line).await;
        }
        for tool in tools.iter().filter(|tool| !catalog.has(&tool.name)) {
            // Whatever stands on the `PATH` is not what the catalog says, and hashes to nothing known.
            if let Some(fault) = catalog
                .faults()
                .iter()
                .find(|fault| fault.is_about(&tool.name))
            {
                let file = fault.file.display();
                return Err(format!(
                    "the tool {} cannot be had: the catalog's {file} cannot be used: {}",
                    tool.name, fault.why
                ));
            }
            if tool.checksum.is_some() {
                return Err(format!(
                    "the tool {} cannot be had: the recipe names its checksum, {}, and a program on the PATH is not checked",
                    tool.name,
                    catalog.unknown(&tool.name)
                ));
            }
        }
        let known = tools.iter().filter(|tool| catalog.has(&tool.name));
        let wants: Vec<Want> = known.map(Want::of).collect();
        for tool in tools.iter().filter(|tool| !catalog.has(&tool.name)) {
            // A near miss would otherwise look for a program that nobody has.
            let said = catalog.unknown(&tool.name);
            job.log
                .system(&format!("{said}; looking on the PATH"))
                .await;
        }
        let asking = asks.then(|| asking(toolbox, folder));
        if wants.is_empty() {
            let laid = asks.then(|| lay_out(folder, &[])).transpose()?;
            return Ok(Provided {
                folder: laid,
                asking,
                ..Provided::default()
            });
        }
        let platform = Platform::here().ok_or("the catalog has no tools for this platform")?;
        let lock = self.lock(toolbox, job, &wants, platform, folder).await?;
        let installed = install(toolbox, config, sandbox, job, &lock).await?;
        let hits = installed
            .iter()
            .filter(|one| one.from == Came::Cache)
            .count();
        let misses = installed.len() - hits;
        let laid = lay_out(folder, &installed)?;
        job.log.tools_used(hits as u64, misses as u64, &lock).await;
        if misses > 0 {
            collect(toolbox, config, SystemTime::from(job.log.now()())).await;
        }
        Ok(Provided {
            installed: Mutex::new(installed),
            folder: Some(laid),
            asking,
        })
    }

    /// Answers what the run's processes ask for; until it is dropped.
    pub(crate) async fn serve(
        &self,
        config: &AgentConfig,
        sandbox: &Arc<dyn Sandbox>,
        job: &Job,
        folder: &RunFolder,
        provided: &Provided,
    ) {
        if provided.asking.is_none() {
            return std::future::pending().await;
        }
        let Ok(toolbox) = self.toolbox(config).await else {
            return std::future::pending().await;
        };
        let counter = Counter {
            toolbox,
            config,
            sandbox,
            job,
            folder,
            provided,
        };
        counter.serve().await;
        std::future::pending().await
    }

    async fn lock(
        &self,
        toolbox: &Toolbox,
        job: &Job,
        wants: &[Want],
        platform: Platform,
        folder: &RunFolder,
    ) -> Result<Lock, String> {
        if let Some(lock) = kept::read(folder, wants) {
            job.log.system("tools: going on with the run's lock").await;
            return Ok(lock);
        }
        let resolved = toolbox.resolve(wants, platform).await;
        let lock = resolved.map_err(|error| chain(&error))?;
        for tool in &lock.tools {
            let trust = match &tool.signed_by {
                Some(key) => format!("entry signed by {key}"),
                None => "entry UNSIGNED, allowed by AGENT_TOOL_UNSIGNED".to_owned(),
            };
            let file = tool.files.first().map(|file| file.sha256.to_string());
            let line = format!(
                "tool {} resolved to {}: {} ({trust})",
                tool.name,
                tool.version,
                file.unwrap_or_default()
            );
            job.log.system(&line).await;
        }
        let kept = kept::write(folder, &lock);
        kept.map_err(|error| format!("failed to keep the run's lock of tools: {error}"))?;
        Ok(lock)
    }
}

/// Installs what is locked, one after another: they share the network and the disk.
async fn install(
    toolbox: &Toolbox,
    config: &AgentConfig,
    sandbox: &Arc<dyn Sandbox>,
    job: &Job,
    lock: &Lock,
) -> Result<Vec<Installed>, String> {
    let mut all = Vec::new();
    for tool in &lock.tools {
        if job.stop.is_cancelled() {
            return Err("it was stopped while its tools were installed".to_owned());
        }
        let (said, mut lines) = mpsc::unbounded_channel();
        let workshop = SandboxWorkshop::new(config, Arc::clone(sandbox), job.stop.clone(), said);
        let installing = async {
            let installed = toolbox.install(tool, lock.platform, &workshop).await;
            // Ends the lines below.
            drop(workshop);
            installed
        };
        let telling = async {
            while let Some(line) = lines.recv().await {
                job.log.system(&line).await;
            }
        };
        let (installed, ()) = tokio::join!(installing, telling);
        let installed = installed.map_err(|error| {
            format!(
                "tool {} {} could not be installed: {}",
                tool.name,
                tool.version,
                chain(&error)
            )
        })?;
        let took = installed.took.as_millis();
        let how = match installed.from {
            Came::Cache => format!("taken from the cache in {took} ms"),
            Came::Source => {
                let bytes = installed.stored.manifest.bytes;
                format!("fetched, checked and installed in {took} ms ({bytes} bytes)")
            }
        };
        job.log
            .system(&format!("tool {} {}: {how}", tool.name, tool.version))
            .await;
        all.push(installed);
    }
    Ok(all)
}

/// What the run needs to ask for tools.
fn asking(toolbox: &Toolbox, folder: &RunFolder) -> Asking {
    let own = std::env::current_exe().ok();
    let variables = [
        ("ORCH_TOOL_REQUESTS", mailbox::requests(folder)),
        ("ORCH_TOOL_ANSWERS", mailbox::answers(folder)),
    ];
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    Asking {
        readable: [toolbox.cache().trees()].into_iter().chain(own).collect(),
        variables: variables
            .map(|(name, path)| (name.to_owned(), text(path)))
            .into(),
    }
}

/// Makes the run's folder of tools, whose links come first on its `PATH`.
fn lay_out(folder: &RunFolder, installed: &[Installed]) -> Result<PathBuf, String> {
    let tools = folder.path().join("tools");
    let made = make_links(&tools, folder, installed);
    made.map_err(|error| format!("failed to lay out the run's tools: {error}"))?;
    Ok(tools)
}

fn make_links(tools: &Path, folder: &RunFolder, installed: &[Installed]) -> io::Result<()> {
    if tools.exists() {
        remove_all(tools)?;
    }
    let bin = bin(folder);
    fs::create_dir_all(&bin)?;
    fs::create_dir_all(mailbox::answers(folder))?;
    let mut taken = BTreeSet::new();
    for one in installed {
        for (name, path) in one.programs() {
            // The first of two tools with a program of one name wins.
            if taken.insert(name.clone()) {
                symlink(path, bin.join(name))?;
            }
        }
    }
    if let Ok(own) = std::env::current_exe()
        && taken.insert(ASKING.to_owned())
    {
        symlink(own, bin.join(ASKING))?;
    }
    Ok(())
}

/// The program that asks for tools.
const ASKING: &str = "codex-orchestrator";

/// Keeps the cache within its bounds.
async fn collect(toolbox: &Arc<Toolbox>, config: &AgentConfig, now: SystemTime) {
    let toolbox = Arc::clone(toolbox);
    let (age, bytes) = (config.tools.cache_age, config.tools.cache_bytes);
    let collected = tokio::task::spawn_blocking(move || toolbox.cache().collect(now, age, bytes));
    match collected.await {
        Ok(Ok(collected)) if !collected.removed.is_empty() => {
            tracing::info!(
                tools.removed = collected.removed.len(),
                tools.freed_bytes = collected.freed,
                "removed unused tools"
            );
        }
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(error = %chain(&error), "failed to remove unused tools"),
        Err(error) => tracing::warn!(%error, "the removal of unused tools broke off"),
    }
}
