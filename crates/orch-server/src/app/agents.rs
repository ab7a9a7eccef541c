//! Agents with an open stream: who they are, what they hold, how many slots are free.
//!
//! What is here is a view of the stream alone; leases in the store are the truth.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orch_api::proto::{Revoked, ServerMessage, server_message};
use orch_core::ids::{AgentName, RunId};
use orch_store::{Assigned, Free, agent, run, shared};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval};

use super::pings::Pings;
use super::seen::Seen;
use super::{App, Result};

/// A hold ends when the stream stays lost for so long.
pub const STREAM_GRACE: Duration = Duration::from_secs(5);
/// A built-in agent's lease, unless it asks for another.
pub const STREAM_TTL: Duration = Duration::from_secs(15);

/// Where messages to an agent go.
pub type Outbox = mpsc::Sender<ServerMessage>;

/// Every agent that is connected, or was a moment ago.
#[derive(Default)]
pub struct Agents(Mutex<Registry>);

#[derive(Default)]
struct Registry {
    sessions: HashMap<AgentName, Session>,
    generations: u64,
    pings: Pings,
}

struct Session {
    generation: u64,
    /// `None` while the stream is lost.
    outbox: Option<Outbox>,
    slots: usize,
    ttl: Duration,
    answers: Answers,
    steering: Steering,
    held: BTreeMap<RunId, u64>,
    /// What the agent says of its own outbox.
    unsent: Unsent,
    /// Shared with the streams of the same process.
    seen: Arc<Seen>,
}

/// Messages of an agent that it has no acknowledgement of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsent {
    pub messages: u64,
    pub oldest: Duration,
}

/// Whether an agent presented the secret that lets it read answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    Readable,
    Sealed,
}

/// Whether an agent can be told what people say to its runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steering {
    Heard,
    NotOffered,
}

/// Why nothing can be said to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deaf {
    /// No stream of this server holds it.
    NotHere,
    /// Whoever holds it cannot be told.
    NotOffered,
    /// It does not take its messages at the moment.
    Busy,
}

/// How an agent is reached.
#[derive(Clone)]
pub struct Reached {
    pub answers: Answers,
    pub outbox: Outbox,
}

/// What an agent says of itself when it connects.
pub struct Arrival {
    pub agent: AgentName,
    pub slots: usize,
    pub ttl: Duration,
    pub answers: Answers,
    pub steering: Steering,
    pub outbox: Outbox,
    pub held: BTreeMap<RunId, u64>,
}

impl Agents {
    fn locked(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many streams are open to this server.
    pub fn connected_here(&self) -> usize {
        self.locked()
            .sessions
            .values()
            .filter(|session| session.outbox.is_some())
            .count()
    }

    /// Whether an agent with a stream to this server works on a run.
    pub fn holds(&self, run: RunId) -> bool {
        let registry = self.locked();
        let mut open = registry.sessions.values();
        open.any(|session| session.outbox.is_some() && session.held.contains_key(&run))
    }

    /// When one more stream is to be pinged.
    pub fn pings(&self) -> Interval {
        self.locked().pings.of_one_more(Instant::now())
    }

    /// Takes a stream in; an older one of the same agent is superseded. Answers its generation,
    /// and which messages of the same process came before.
    pub fn arrive(&self, arrival: Arrival) -> (u64, Arc<Seen>) {
        let mut registry = self.locked();
        registry.generations += 1;
        let generation = registry.generations;
        // A process that comes back holds its runs still, and counts its messages on.
        let same_process = !arrival.held.is_empty();
        let Arrival {
            agent,
            slots,
            ttl,
            answers,
            steering,
            outbox,
            held,
        } = arrival;
        let before = registry.sessions.remove(&agent).filter(|_| same_process);
        let seen = before.map(|session| session.seen).unwrap_or_default();
        let known = Arc::clone(&seen);
        let session = Session {
            generation,
            outbox: Some(outbox),
            slots,
            ttl,
            answers,
            steering,
            held,
            unsent: Unsent::default(),
            seen,
        };
        registry.sessions.insert(agent, session);
        (generation, known)
    }

    /// Notes what an agent says of its outbox.
    pub fn note_unsent(&self, agent: &AgentName, unsent: Unsent) {
        if let Some(session) = self.locked().sessions.get_mut(agent) {
            session.unsent = unsent;
        }
    }

    /// What connected agents say of their outboxes.
    pub fn outboxes(&self) -> Vec<(AgentName, Unsent)> {
        let registry = self.locked();
        let connected = registry
            .sessions
            .iter()
            .filter(|(_, session)| session.outbox.is_some());
        connected
            .map(|(agent, session)| (agent.clone(), session.unsent))
            .collect()
    }

    /// Whether an agent with an open stream holds a run.
    pub fn is_held(&self, run: RunId) -> bool {
        let registry = self.locked();
        let mut sessions = registry.sessions.values();
        sessions.any(|session| session.outbox.is_some() && session.held.contains_key(&run))
    }

    /// Notes that a stream is lost; `false` when a newer one took its place.
    pub fn lose(&self, agent: &AgentName, generation: u64) -> bool {
        let mut registry = self.locked();
        match registry.sessions.get_mut(agent) {
            Some(session) if session.generation == generation => {
                session.outbox = None;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Forgets an agent whose stream stayed lost; answers what it held.
    pub fn forget(&self, agent: &AgentName, generation: u64) -> Vec<RunId> {
        let mut registry = self.locked();
        let gone = registry
            .sessions
            .get(agent)
            .is_some_and(|session| session.generation == generation && session.outbox.is_none());
        if !gone {
            return Vec::new();
        }
        let session = registry.sessions.remove(agent);
        session
            .map(|session| session.held.into_keys().collect())
            .unwrap_or_default()
    }

    /// Agents that can take more, where these runs have ended.
    pub fn free(&self, ended: &[RunId]) -> Vec<Free> {
        let registry = self.locked();
        let free = registry.sessions.iter().filter_map(|(agent, session)| {
            session.outbox.as_ref()?;
            let over = ended.iter().filter(|run| session.held.contains_key(run));
            let held = session.held.len() - over.count();
            let slots = session.slots.saturating_sub(held);
            (slots > 0).then(|| Free {
                agent: agent.clone(),
                slots,
                ttl: session.ttl,
            })
        });
        free.collect()
    }

    /// Notes that runs ended, and that others were handed out.
    pub fn settle(&self, ended: &[RunId], assigned: &[Assigned]) {
        let mut registry = self.locked();
        for session in registry.sessions.values_mut() {
            for run in ended {
                session.held.remove(run);
            }
        }
        for Assigned { agent, run, .. } in assigned {
            if let Some(session) = registry.sessions.get_mut(agent) {
                session.held.insert(run.id, run.epoch);
            }
        }
    }

    /// How an agent is reached now; `None` while its stream is lost.
    pub fn reach(&self, agent: &AgentName) -> Option<Reached> {
        let registry = self.locked();
        let session = registry.sessions.get(agent)?;
        Some(Reached {
            answers: session.answers,
            outbox: session.outbox.clone()?,
        })
    }

    /// An agent is shutting down: nothing more is handed to it.
    pub fn retire(&self, agent: &AgentName) {
        if let Some(session) = self.locked().sessions.get_mut(agent) {
            session.slots = 0;
        }
    }

    /// Notes that an agent holds a run no more.
    pub fn drop_hold(&self, agent: &AgentName, run: RunId) {
        if let Some(session) = self.locked().sessions.get_mut(agent) {
            session.held.remove(&run);
        }
    }

    /// Notes that an agent holds several runs no more; answers how many it held.
    pub fn drop_holds(&self, agent: &AgentName, runs: &[RunId]) -> usize {
        let mut registry = self.locked();
        let Some(session) = registry.sessions.get_mut(agent) else {
            return 0;
        };
        let held = runs.iter().filter(|run| session.held.remove(run).is_some());
        held.count()
    }

    /// Agents that hold something, with what.
    pub fn holding(&self) -> Vec<(AgentName, Duration, Vec<RunId>)> {
        let registry = self.locked();
        let holding = registry
            .sessions
            .iter()
            .filter(|(_, session)| !session.held.is_empty());
        holding
            .map(|(agent, session)| {
                (
                    agent.clone(),
                    session.ttl,
                    session.held.keys().copied().collect(),
                )
            })
            .collect()
    }

    /// Every run that is held through this server, with its epoch.
    pub fn held(&self) -> Vec<(RunId, u64)> {
        let registry = self.locked();
        let sessions = registry.sessions.values();
        sessions
            .flat_map(|session| session.held.iter().map(|(run, epoch)| (*run, *epoch)))
            .collect()
    }

    /// Revokes a run, unless it was handed out again since under another epoch.
    pub fn revoke_epoch(&self, run: RunId, epoch: Option<u64>, reason: &str) {
        let held = self.held().into_iter().find(|(held, _)| *held == run);
        if held.map(|(_, epoch)| epoch) == epoch {
            self.revoke(run, reason);
        }
    }

    /// A place in the outbox of whoever holds a run under this epoch, for what a person says to it.
    ///
    /// # Errors
    /// Why it cannot be told.
    pub fn ear(
        &self,
        run: RunId,
        epoch: u64,
    ) -> std::result::Result<mpsc::OwnedPermit<ServerMessage>, Deaf> {
        let registry = self.locked();
        let mut sessions = registry.sessions.values();
        let session = sessions.find(|session| session.held.get(&run) == Some(&epoch));
        let session = session.ok_or(Deaf::NotHere)?;
        if session.steering == Steering::NotOffered {
            return Err(Deaf::NotOffered);
        }
        let outbox = session.outbox.clone().ok_or(Deaf::Busy)?;
        outbox.try_reserve_owned().map_err(|_| Deaf::Busy)
    }

    /// Tells whoever works a run that it is over for it.
    pub fn revoke(&self, run: RunId, reason: &str) {
        let mut registry = self.locked();
        for session in registry.sessions.values_mut() {
            if session.held.remove(&run).is_some()
                && let Some(outbox) = &session.outbox
            {
                let revoked = Revoked {
                    run_id: run.get(),
                    reason: reason.to_owned(),
                };
                let kind = Some(server_message::Kind::Revoked(revoked));
                // A full outbox means a stuck agent; its lease ends the hold then.
                let _ = outbox.try_send(ServerMessage { kind });
            }
        }
    }
}

impl App {
    /// How many agents are connected, to this server or, as of the last look, to others on its
    /// database.
    pub fn connected_agents(&self) -> usize {
        self.agents().connected_here() + self.health().agents_elsewhere()
    }
}

/// An agent as it is listed.
pub struct Listed {
    pub agent: agent::Agent,
    pub connected: bool,
    pub holding: Vec<i64>,
}

/// All agents that ever registered.
pub async fn list(app: &App) -> Result<Vec<Listed>> {
    let mut conn = app.store().read().await?;
    let elsewhere = shared::agents_elsewhere(app.store()).await?;
    let mut listed = Vec::new();
    for agent in app.store().named(agent::list(&mut conn).await?).rows {
        let Some(name) = AgentName::parse(&agent.name) else {
            continue;
        };
        let holding = run::held_by(&mut conn, &name).await?;
        let is_here = app
            .agents()
            .locked()
            .sessions
            .get(&name)
            .is_some_and(|session| session.outbox.is_some());
        let connected = is_here || elsewhere.contains(&agent.name);
        listed.push(Listed {
            agent,
            connected,
            holding: holding.iter().map(|id| id.get()).collect(),
        });
    }
    Ok(listed)
}
