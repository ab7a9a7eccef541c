//! Choosing among ready work, and handing it to agents with free slots: in the commit that makes it
//! ready, or on its own when an agent comes or an entry falls due.

use std::sync::Arc;
use std::time::Duration;

use orch_core::engine::{self, Reach};
use orch_core::ids::{AgentName, RunId};
use orch_core::run::Run;
use orch_core::work_item::WorkItem;

use crate::ahead;
use crate::conn::Link;
use crate::load::Starts;
use crate::writer::{ATTEMPTS, Envelope};
use crate::{Command, Needs, Reply, Store, StoreError, Tx, quarantine, queue, run};

/// The most entries of one project that a tick starts in one commit.
const TICK_STEP: i64 = 1024;
/// The most runs that are handed out in one commit: others wait for the writer meanwhile.
const FILL_STEP: usize = 1024;

/// An agent that can take more.
#[derive(Clone, Debug)]
pub struct Free {
    pub agent: AgentName,
    pub slots: usize,
    /// Of the lease on each run.
    pub ttl: Duration,
}

/// A run that a commit handed to an agent.
#[derive(Clone, Debug)]
pub struct Assigned {
    pub agent: AgentName,
    pub run: Run,
    pub item: WorkItem,
}

/// Who knows the agents and their slots. Asked and told while the writer waits, one at a time, so
/// that no slot is filled twice: neither may block.
pub trait Slots: Send + Sync {
    /// Agents with free slots, where these runs have ended.
    fn free(&self, ended: &[RunId]) -> Vec<Free>;

    /// A commit ended runs and handed others out.
    fn settle(&self, ended: &[RunId], assigned: Vec<Assigned>);
}

/// What a commit does to the slots of agents.
#[derive(Default)]
pub(crate) struct Turnover {
    pub ended: Vec<RunId>,
    pub assigned: Vec<Assigned>,
}

/// Decides one command that chooses among ready entries.
pub(crate) async fn schedule(store: &Store, envelope: &Envelope) -> Result<Reply, StoreError> {
    match &envelope.command {
        Command::Fill => again(|| fill(store)).await,
        Command::Dispatch { slots, reach, .. } => {
            let slots = i64::try_from(*slots).unwrap_or(i64::MAX);
            again(|| schedule_once(store, envelope, slots, *reach)).await
        }
        _ => {
            let mut started = Vec::new();
            loop {
                let step = || schedule_once(store, envelope, TICK_STEP, Reach::QueueToo);
                let Reply::Runs(runs) = again(step).await? else {
                    return Ok(Reply::Runs(started));
                };
                if runs.is_empty() {
                    return Ok(Reply::Runs(started));
                }
                started.extend(runs);
            }
        }
    }
}

/// Acts in one transaction, and once more where its connection was lost and nothing was done.
async fn again<A: Future<Output = Result<Reply, StoreError>>>(
    act: impl Fn() -> A,
) -> Result<Reply, StoreError> {
    for _ in 1..ATTEMPTS {
        match act().await {
            Err(error) if error.is_lost_connection() => {}
            acted => return acted,
        }
    }
    act().await
}

async fn schedule_once(
    store: &Store,
    envelope: &Envelope,
    most: i64,
    reach: Reach,
) -> Result<Reply, StoreError> {
    let mut tx = store.begin("system").await?;
    let started = matches!(envelope.command, Command::Dispatch { .. });
    let Some(needs) = candidates(store, &mut tx, most, started, reach).await? else {
        return Ok(Reply::Runs(Vec::new()));
    };
    let Some(mut w) = quarantine::load(store, &mut tx, needs).await? else {
        drop(tx);
        return Box::pin(schedule_once(store, envelope, most, reach)).await;
    };
    let rules = store.rules_arc();
    let reply = tx.decide_as(&mut w, &envelope.actor, &rules, |w, ctx| {
        envelope.command.apply(w, ctx)
    })?;
    tx.save(w).await?;
    tx.commit_here().await?;
    orch_failpoint::pass("store.schedule.committed");
    Ok(reply)
}

/// The first `most` ready and due entries of each project and, where `started`, the runs that nobody
/// holds; `None` where there is neither.
async fn candidates(
    store: &Store,
    tx: &mut Tx,
    most: i64,
    started: bool,
    reach: Reach,
) -> Result<Option<Needs>, StoreError> {
    let (aside, now) = (store.quarantine(), tx.now());
    let mut needs = Needs {
        starts: Starts::Some,
        ..Needs::default()
    };
    if let (Link::Piped(piped), true, Reach::QueueToo) = (tx.conn.link(), started, reach) {
        let (runs, entries) = ahead::candidates(piped, now, aside.more(most)).await?;
        needs.runs = aside.runs(runs);
        needs.entries = aside.entries(entries);
        let none = needs.runs.is_empty() && needs.entries.is_empty();
        return Ok((!none).then_some(needs));
    }
    if started {
        let unclaimed = run::unclaimed(&mut tx.conn, aside.more(most)).await?;
        needs.runs = aside.runs(unclaimed);
    }
    if reach == Reach::QueueToo {
        let ready = queue::ready(&mut tx.conn, now, aside.more(most)).await?;
        needs.entries = aside.entries(ready);
    }
    let none = needs.runs.is_empty() && needs.entries.is_empty();
    Ok((!none).then_some(needs))
}

/// Fills the free slots of all agents once; answers whether there may be more to hand out.
async fn fill(store: &Store) -> Result<Reply, StoreError> {
    let nothing = Ok(Reply::Filled(Left::Nothing));
    let Some(slots) = store.slots() else {
        return nothing;
    };
    let mut tx = store.begin("system").await?;
    let (free, most) = portions(slots.free(&[]));
    if free.is_empty() {
        return nothing;
    }
    let Some(needs) = candidates(store, &mut tx, most, true, Reach::QueueToo).await? else {
        return nothing;
    };
    let Some(w) = quarantine::load(store, &mut tx, needs).await? else {
        drop(tx);
        return Box::pin(fill(store)).await;
    };
    let left = hand_out(store, &mut tx, w, &free).await?;
    tx.commit_here().await?;
    orch_failpoint::pass("store.fill.committed");
    Ok(Reply::Filled(left))
}

/// Whether a dispatch left something that another one may hand out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    Nothing,
    PerhapsMore,
}

/// The same within the transaction that ends runs or makes entries ready. What goes wrong with the
/// rows of others must not keep it from committing: the dispatcher looks at those.
pub(crate) async fn fill_too(
    store: &Store,
    tx: &mut Tx,
    ended: Vec<RunId>,
) -> Result<(), StoreError> {
    let Some(slots) = store.slots() else {
        return Ok(());
    };
    let (free, most) = portions(slots.free(&ended));
    tx.end_holds(ended);
    if free.is_empty() {
        tx.note_filled();
        return Ok(());
    }
    let Some(needs) = candidates(store, tx, most, true, Reach::QueueToo).await? else {
        tx.note_filled();
        return Ok(());
    };
    match tx.load(needs).await {
        Ok(w) => {
            if hand_out(store, tx, w, &free).await? == Left::Nothing {
                tx.note_filled();
            }
            Ok(())
        }
        Err(error) if error.is_unreadable() => Ok(()),
        Err(error) => Err(error),
    }
}

/// As many of the free slots as one commit fills, and how many these are.
fn portions(mut free: Vec<Free>) -> (Vec<Free>, i64) {
    let mut room = FILL_STEP;
    for there in &mut free {
        there.slots = there.slots.min(room);
        room -= there.slots;
    }
    free.retain(|there| there.slots > 0);
    let most = i64::try_from(FILL_STEP - room).unwrap_or(i64::MAX);
    (free, most)
}

async fn hand_out(
    store: &Store,
    tx: &mut Tx,
    mut w: engine::Working,
    free: &[Free],
) -> Result<Left, StoreError> {
    let rules = store.rules_arc();
    let mut assigned = Vec::new();
    for Free { agent, slots, ttl } in free {
        let actor = format!("agent:{agent}");
        let runs = tx.decide_as(&mut w, &actor, &rules, |w, ctx| {
            engine::dispatch(w, ctx, agent, *slots, *ttl, Reach::QueueToo)
        });
        let was_enough = runs.len() < *slots;
        for run in runs {
            let item = w.item(run.work_item_id)?.clone();
            assigned.push(Assigned {
                agent: agent.clone(),
                run,
                item,
            });
        }
        if was_enough {
            // The next agent would find nothing.
            break;
        }
    }
    let left = match assigned.len() {
        FILL_STEP.. => Left::PerhapsMore,
        _ => Left::Nothing,
    };
    tx.save(w).await?;
    tx.assign(assigned);
    Ok(left)
}

impl Store {
    /// From now on, what becomes ready is handed to agents whose slots are known here. Once for a
    /// store.
    pub fn dispatch_to(&self, slots: Arc<dyn Slots>) {
        if self.slots.set(slots).is_err() {
            tracing::error!("invariant: a store has one dispatcher");
        }
    }

    pub(crate) fn slots(&self) -> Option<&dyn Slots> {
        self.slots.get().map(AsRef::as_ref)
    }
}
