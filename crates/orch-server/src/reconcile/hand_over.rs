//! Tells agents of the runs that commits gave them.
//!
//! The store asks here for free slots while it commits, and says what it handed out; the telling
//! happens behind it. Runs that cannot be told are given back.

use std::collections::BTreeMap;
use std::time::Duration;

use orch_api::proto::{Assignment, ServerMessage, server_message};
use orch_core::ids::{AgentName, RunId};
use orch_core::run::Run;
use orch_core::work_item::WorkItem;
use orch_store::{Assigned, Free, Slots};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;

use super::assign;
use crate::app::agents::Outbox;
use crate::app::{App, Result, WeakApp, run};

/// An agent that takes nothing for so long does not get the run.
const TAKES_WITHIN: Duration = Duration::from_secs(10);

/// The agents of this server, as the store sees them.
struct Desk {
    /// The store holds this, and the application the store.
    app: WeakApp,
    /// Never more than there are slots.
    told: mpsc::UnboundedSender<Vec<Assigned>>,
}

impl Slots for Desk {
    fn free(&self, ended: &[RunId]) -> Vec<Free> {
        match self.app.upgrade() {
            // What runs may use the rest of a disk; nothing new is started on it.
            Some(app) if !self.told.is_closed() && !app.health().disk().is_scarce() => {
                app.agents().free(ended)
            }
            Some(_) | None => Vec::new(),
        }
    }

    fn settle(&self, ended: &[RunId], assigned: Vec<Assigned>) {
        if let Some(app) = self.app.upgrade() {
            app.agents().settle(ended, &assigned);
        }
        if !assigned.is_empty() {
            orch_failpoint::pass("server.dispatch.committed");
            // At shutdown nobody listens, and the streams end too.
            let _ = self.told.send(assigned);
        }
    }
}

/// From here on the store hands work to this server's agents.
pub fn open(app: &App) -> mpsc::UnboundedReceiver<Vec<Assigned>> {
    let (told, handed_out) = mpsc::unbounded_channel();
    let app_ref = app.downgrade();
    let desk = Desk { app: app_ref, told };
    app.store().dispatch_to(std::sync::Arc::new(desk));
    handed_out
}

/// Tells agents until shutdown; what is not told by then is given back.
pub async fn run(
    app: App,
    mut handed_out: mpsc::UnboundedReceiver<Vec<Assigned>>,
    shutdown: CancellationToken,
) {
    loop {
        let assigned = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(assigned) = handed_out.recv() => assigned,
        };
        let mut by_agent: BTreeMap<AgentName, Vec<(Run, WorkItem)>> = BTreeMap::new();
        for Assigned { agent, run, item } in assigned {
            by_agent.entry(agent).or_default().push((run, item));
        }
        for (agent, runs) in by_agent {
            let ids: Vec<(RunId, u64)> = runs.iter().map(|(run, _)| (run.id, run.epoch)).collect();
            if let Err(error) = tell(&app, &agent, runs).await {
                tracing::error!(error = &error as &dyn std::error::Error, agent.name = %agent, "runs could not be handed over");
                for (run, epoch) in ids {
                    give_back(&app, &agent, run, epoch).await;
                }
            }
        }
        orch_failpoint::pass("server.dispatch.sent");
    }
    handed_out.close();
    while let Some(assigned) = handed_out.recv().await {
        for Assigned { agent, run, .. } in assigned {
            give_back(&app, &agent, run.id, run.epoch).await;
        }
    }
}

async fn tell(app: &App, agent: &AgentName, runs: Vec<(Run, WorkItem)>) -> Result<()> {
    let Some(reached) = app.agents().reach(agent) else {
        for (run, _) in runs {
            give_back(app, agent, run.id, run.epoch).await;
        }
        return Ok(());
    };
    for (run, assignment) in assign::assignments(app, runs, reached.answers).await? {
        match assignment {
            Some(assignment) => send(app, agent, &reached.outbox, &run, assignment).await,
            // The item changed while it was handed out: look again.
            None => give_back(app, agent, run.id, run.epoch).await,
        }
    }
    Ok(())
}

/// An agent that does not take its messages must not keep others from theirs.
async fn send(app: &App, agent: &AgentName, outbox: &Outbox, run: &Run, assignment: Assignment) {
    let kind = Some(server_message::Kind::Assignment(Box::new(assignment)));
    match outbox.try_send(ServerMessage { kind }) {
        Ok(()) => {}
        Err(TrySendError::Closed(_)) => give_back(app, agent, run.id, run.epoch).await,
        Err(TrySendError::Full(message)) => {
            let (app, agent, outbox) = (app.clone(), agent.clone(), outbox.clone());
            let (run, epoch) = (run.id, run.epoch);
            tokio::spawn(async move {
                if outbox.send_timeout(message, TAKES_WITHIN).await.is_err() {
                    give_back(&app, &agent, run, epoch).await;
                }
            });
        }
    }
}

async fn give_back(app: &App, agent: &AgentName, run: RunId, epoch: u64) {
    app.agents().drop_hold(agent, run);
    if let Err(error) = run::release(app, "scheduler", run, Some(epoch)).await {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            run.id = run.get(),
            "a run was not given back"
        );
    }
}
