//! What the control plane does for a caller, whatever protocol it came by: load, decide, save.

pub mod agents;
pub mod approval;
pub mod artifact;
pub mod attachment;
pub mod budget;
pub mod charge;
pub mod checks;
pub mod cost;
pub mod dry_run;
pub mod egress;
mod error;
pub mod follow;
pub mod health;
pub mod import;
pub mod info_request;
pub mod log;
pub mod model_call;
mod model_counts;
pub mod model_trial;
pub mod observability;
pub mod orchestrate;
mod pings;
pub mod plan;
pub mod plans;
pub mod pricing;
pub mod project;
pub mod queue;
mod report_counts;
pub mod requirements;
pub mod role;
pub mod run;
pub mod run_token;
pub mod secret;
pub mod seen;
pub mod source;
pub mod steer;
pub mod step;
mod suggestion;
pub mod summary;
#[cfg(test)]
pub mod testing;
pub mod tool_request;
pub mod tool_use;
pub mod upload;
pub mod vision;
pub mod work_item;

use std::sync::{Arc, Weak};
use std::time::Instant;

use orch_core::rules::Scheduling;
use orch_model::Heavy;
use orch_store::Store;
use orch_store::blob::Blobs;

use crate::config::SchedulingMode;
use crate::vault::Vault;
use agents::Agents;
use follow::Feeds;
use health::Health;

pub use error::AppError;

/// The result of every operation.
pub type Result<T> = std::result::Result<T, AppError>;

/// Proposals, plans and the like that wait for a core; more are refused for a while.
const MOST_WAITING: usize = 16;
/// Who is refused may come back after so long.
const THINK_AGAIN_AFTER_SECONDS: u64 = 5;

/// The application: the store and what lives beside it. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// An application that may be gone.
pub struct WeakApp(Weak<Inner>);

impl WeakApp {
    pub fn upgrade(&self) -> Option<App> {
        self.0.upgrade().map(App)
    }
}

struct Inner {
    store: Store,
    blobs: Blobs,
    vault: Vault,
    agents: Agents,
    feeds: Feeds,
    tool_use: tool_use::ToolUse,
    report_counts: report_counts::ReportCounts,
    model_counts: model_counts::ModelCounts,
    health: Health,
    team: orchestrate::Team,
    texts: Heavy,
    thinking: Heavy,
    scheduling: SchedulingMode,
    started: Instant,
}

impl App {
    pub(crate) fn new(
        store: Store,
        blobs: Blobs,
        vault: Vault,
        scheduling: SchedulingMode,
        health: Health,
        team: orchestrate::Team,
    ) -> Self {
        let agents = Agents::default();
        Self(Arc::new(Inner {
            store,
            blobs,
            vault,
            agents,
            feeds: Feeds::default(),
            tool_use: tool_use::ToolUse::default(),
            report_counts: report_counts::ReportCounts::default(),
            model_counts: model_counts::ModelCounts::default(),
            health,
            team,
            texts: Heavy::of_cores(usize::MAX >> 1),
            thinking: Heavy::of_cores(MOST_WAITING),
            scheduling,
            started: Instant::now(),
        }))
    }

    pub(crate) fn downgrade(&self) -> WeakApp {
        WeakApp(Arc::downgrade(&self.0))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn blobs(&self) -> &Blobs {
        &self.0.blobs
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(crate) fn agents(&self) -> &Agents {
        &self.0.agents
    }

    pub(crate) fn feeds(&self) -> &Feeds {
        &self.0.feeds
    }

    pub(crate) fn tool_use(&self) -> &tool_use::ToolUse {
        &self.0.tool_use
    }

    pub(crate) fn report_counts(&self) -> &report_counts::ReportCounts {
        &self.0.report_counts
    }

    pub(crate) fn model_counts(&self) -> &model_counts::ModelCounts {
        &self.0.model_counts
    }

    pub(crate) fn health(&self) -> &Health {
        &self.0.health
    }

    pub(crate) fn team(&self) -> &orchestrate::Team {
        &self.0.team
    }

    /// Where long texts are rendered, and searched for secrets. Their number is bounded by that of requests.
    pub(crate) fn texts(&self) -> &Heavy {
        &self.0.texts
    }

    /// Where the core thinks long: proposals, plans, simulations. None of it runs on the threads that serve.
    pub(crate) async fn think<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match self.0.thinking.admit(work).await {
            Ok(thought) => thought,
            Err(crowded) => Err(AppError::Busy {
                detail: format!(
                    "{crowded}, which is all that may; try again in {THINK_AGAIN_AFTER_SECONDS} s"
                ),
                after_seconds: THINK_AGAIN_AFTER_SECONDS,
            }),
        }
    }

    /// Whether the disk has no room for more than what is under way: it is full, or nearly.
    pub(crate) fn is_short_of_space(&self) -> bool {
        self.store().is_full() || self.health().disk().is_scarce()
    }

    /// Lets new work pass where there is room for it.
    pub(crate) fn check_room(&self) -> Result<()> {
        match self.health().disk().space().shortage() {
            Some(shortage) => Err(AppError::NoSpace(shortage)),
            None => Ok(()),
        }
    }

    pub(crate) fn uptime(&self) -> std::time::Duration {
        self.0.started.elapsed()
    }

    /// Whether ready work starts without a tick, as things stand.
    pub(crate) fn scheduling(&self) -> Scheduling {
        match self.0.scheduling {
            SchedulingMode::Every(_) | SchedulingMode::OnWakeUp => Scheduling::Background,
            SchedulingMode::OnTick if self.connected_agents() > 0 => Scheduling::Background,
            SchedulingMode::OnTick => Scheduling::OnTick,
        }
    }
}
