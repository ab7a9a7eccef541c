//! Who can be asked: the roles, the model behind them, and how many requests are worked on at once.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orch_mcp::{McpSettings, McpSettingsError, NamedTool, Outfitter};
use orch_model::role::{Role, RoleError, Roles};
use orch_model::{Now, Provider, Redact, ReplayedTools};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::super::role::Memory;
use super::super::{AppError, Result};
use super::watch::Watch;

/// Callers who are refused may come back after so long.
const AGAIN_AFTER_SECONDS: u64 = 2;

/// What the team is told at start.
#[derive(Clone, Debug)]
pub struct TeamSettings {
    /// `MAX_CONCURRENT_REQUESTS`.
    pub most_requests: usize,
    /// `ORCH_ORCHESTRATE_TIMEOUT`: from the request to its end.
    pub timeout: Duration,
    /// `ORCH_ROLES`: a folder of roles that add to the program's or replace them.
    pub roles: Option<PathBuf>,
    /// What roles remember in projects.
    pub memory: Memory,
    /// `ORCH_ORCHESTRATE_KEEP_DAYS`: how long requests that are over and the texts of calls are kept.
    pub keep: Option<Duration>,
    pub models: crate::models::ModelSettings,
    /// `ORCH_MCP_SERVERS`: a file of servers whose tools roles may name.
    pub mcp: Option<PathBuf>,
}

/// As where nothing is set.
impl Default for TeamSettings {
    fn default() -> Self {
        Self {
            most_requests: 10,
            timeout: Duration::from_secs(600),
            roles: None,
            memory: Memory::default(),
            keep: None,
            models: crate::models::ModelSettings::default(),
            mcp: None,
        }
    }
}

/// Why there is no team.
#[derive(Debug, thiserror::Error)]
pub enum TeamError {
    #[error("the roles of ORCH_ROLES cannot be used")]
    Roles(#[from] RoleError),
    #[error("the tools of roles (ORCH_MCP_SERVERS) cannot be used")]
    Tools(#[from] McpSettingsError),
    #[error(transparent)]
    Models(#[from] crate::models::ModelsError),
}

/// The roles at work.
pub struct Team {
    pub roles: Roles,
    /// Those of the program alone.
    pub(in crate::app) built_in: Roles,
    pub(crate) memory: Memory,
    /// How long requests and the texts of calls are kept; for good where nothing is said.
    pub(crate) keep: Option<Duration>,
    models: crate::models::Models,
    outfitter: Outfitter,
    /// Tools by the names of the roles that have some.
    tools: HashMap<String, Vec<NamedTool>>,
    slots: Arc<Semaphore>,
    most: usize,
    pub(in crate::app) timeout: Duration,
    running: Mutex<HashMap<Uuid, Watch>>,
    closing: AtomicBool,
    pub(in crate::app) tasks: TaskTracker,
    /// Cancelled when the server goes down.
    pub(in crate::app) stop: CancellationToken,
}

impl Team {
    /// # Errors
    /// When a role or a model's settings cannot be used.
    pub fn new(
        settings: &TeamSettings,
        now: Now,
        seed: u64,
    ) -> std::result::Result<Self, TeamError> {
        let roles = match &settings.roles {
            Some(folder) => Roles::built_in().with_folder(folder)?,
            None => Roles::built_in(),
        };
        let outfitter = match &settings.mcp {
            Some(file) => Outfitter::new(McpSettings::read(file)?),
            None => Outfitter::default(),
        };
        let mut tools = HashMap::new();
        for role in roles.all().filter(|role| !role.tools.is_empty()) {
            let admitted = outfitter.admit(&role.name, &role.tools)?;
            tools.insert(role.name.clone(), admitted);
        }
        let names: Vec<&str> = roles.all().map(|role| role.name.as_str()).collect();
        let models =
            crate::models::Models::new(&settings.models, &names, &outfitter.secrets(), now, seed)?;
        Ok(Self {
            roles,
            built_in: Roles::built_in(),
            memory: settings.memory,
            keep: settings.keep,
            models,
            outfitter,
            tools,
            slots: Arc::new(Semaphore::new(settings.most_requests)),
            most: settings.most_requests,
            timeout: settings.timeout,
            running: Mutex::default(),
            closing: AtomicBool::new(false),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// Takes one of the places.
    pub(in crate::app) fn place(&self) -> Result<OwnedSemaphorePermit> {
        let slots = Arc::clone(&self.slots);
        slots.try_acquire_owned().map_err(|_| AppError::Busy {
            detail: format!(
                "{} requests are worked on, which is all that MAX_CONCURRENT_REQUESTS allows; try again in {AGAIN_AFTER_SECONDS} s",
                self.most
            ),
            after_seconds: AGAIN_AFTER_SECONDS,
        })
    }

    /// What is wrong with the servers of tools, as far as that is seen without asking them.
    pub(crate) fn tool_faults(&self) -> Vec<String> {
        self.outfitter.faults()
    }

    /// Says in the log what will fail when it is first asked.
    pub(crate) fn warn(&self) {
        for known in self.models.known() {
            if let Some(fault) = &known.fault {
                tracing::warn!(
                    model.name = known.name,
                    "a model of ORCH_MODELS cannot be asked: {fault}"
                );
            }
        }
        for fault in self.tool_faults() {
            tracing::warn!("a server of ORCH_MCP_SERVERS cannot be used: {fault}");
        }
    }

    /// The model of this name with the tools of a role. A project's role has of those that it names no others than the
    /// operator's role of its name.
    pub(in crate::app) fn equip(
        &self,
        role: &Role,
        (name, model): (&str, Arc<dyn Provider>),
        redact: &Redact,
    ) -> Arc<dyn Provider> {
        let theirs = self.tools.get(&role.name).map_or(&[][..], Vec::as_slice);
        let named = theirs
            .iter()
            .filter(|tool| role.tools.iter().any(|name| tool.is(name)));
        let named: Vec<NamedTool> = named.cloned().collect();
        match self.models.replayed(name) {
            // A recording has the tools, and what they answered.
            Some(replay) if !named.is_empty() => Arc::new(ReplayedTools::new(model, replay)),
            Some(_) | None => self.outfitter.equip(model, named, redact),
        }
    }

    /// The name of the model that a role asks first.
    #[must_use]
    pub fn model_name(&self, role: &Role) -> Option<String> {
        self.models.line(role)?.chain.into_iter().next()
    }

    pub(crate) fn models(&self) -> &crate::models::Models {
        &self.models
    }

    /// Ends all requests, because the server goes down.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.tasks.close();
        self.stop.cancel();
        for watch in self.lock().values() {
            watch.stop.cancel();
        }
    }

    /// Until nothing is worked on.
    pub(crate) async fn closed(&self) {
        self.tasks.wait().await;
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    pub(super) fn watch(&self, id: Uuid) -> Option<Watch> {
        self.lock().get(&id).cloned()
    }

    pub(super) fn note(&self, id: Uuid, watch: Watch) {
        let stop = watch.stop.clone();
        self.lock().insert(id, watch);
        if self.is_closing() {
            stop.cancel();
        }
    }

    pub(super) fn forget(&self, id: Uuid) {
        self.lock().remove(&id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Watch>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
