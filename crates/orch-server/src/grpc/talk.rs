//! An agent's messages: those of a run are taken in their order, and acknowledged once they are on
//! disk; runs do not wait for each other.
//!
//! Logs and step reports of a run may be under way together, and a completion with nothing but a
//! verdict right behind them: the writer decides them in their order. Everything else begins once all that the run said
//! before is on disk. When the store fails the stream ends
//! with nothing more begun: the agent comes back and says again what was not acknowledged. On a full
//! disk the stream stays, and messages wait here for space.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use orch_api::proto::{Ack, AgentMessage, Logs, Ping, agent_message, server_message};
use orch_core::ids::RunId;
use orch_store::{Command, Follows, Pending, StoreError};
use prost::Message as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use super::peer::{Peer, completion_of, has_summary, message, run_of};
use super::service::refusal;
use super::unary::{lines_of, report_of};
use crate::app::agents::{Outbox, STREAM_GRACE};
use crate::app::seen::{Copy, Ended, Seen};
use crate::app::{AppError, step};

/// Messages of one stream that may wait for the disk; one batch may go beyond it.
const UNDER_WAY: usize = 1024;
/// Bytes of one stream that may wait for the disk; one message may go beyond it.
const UNDER_WAY_BYTES: usize = 32 << 20;
/// The most messages of one batch.
const LARGEST_BATCH: usize = 4096;
/// What was not stored on a full disk is tried again after so long.
const REST: Duration = Duration::from_secs(1);

type Handled = Pin<Box<dyn Future<Output = Done> + Send>>;

/// The talk on one stream.
pub struct Talk {
    peer: Arc<Peer>,
    outbox: Outbox,
    actor: String,
    under_way: FuturesUnordered<Handled>,
    lanes: HashMap<RunId, Lane>,
    held: Held,
    seen: Arc<Seen>,
    /// How many messages of runs came.
    count: u64,
    /// The disk is full: nothing begins before.
    rest_until: Option<Instant>,
}

/// What was read and not answered.
#[derive(Default)]
struct Held {
    messages: usize,
    bytes: usize,
}

/// What one run said and is not answered.
#[derive(Default)]
struct Lane {
    under_way: usize,
    /// What is under way is with the writer, which decides it before what comes later.
    with_writer: bool,
    waiting: VecDeque<Said>,
}

/// A message about a run.
struct Said {
    /// Its place among all of the stream.
    place: u64,
    id: u64,
    run: RunId,
    size_bytes: usize,
    kind: agent_message::Kind,
}

/// A message that was dealt with.
struct Done {
    id: u64,
    run: RunId,
    size_bytes: usize,
    ends_hold: bool,
    /// The message, where the disk is so full that it may have to be tried again.
    again: Option<Box<Said>>,
    result: Result<(), AppError>,
}

impl Said {
    /// Whether it goes to the writer as it is: it may be decided right behind what is there. Such is
    /// an end with nothing to keep but the verdict.
    fn is_for_writer(&self) -> bool {
        match &self.kind {
            agent_message::Kind::Logs(_) | agent_message::Kind::Step(_) => true,
            kind => is_plain_completion(kind),
        }
    }
}

impl Lane {
    /// Puts a message back to where it was.
    fn put_back(&mut self, said: Said) {
        let at = self
            .waiting
            .partition_point(|other| other.place < said.place);
        self.waiting.insert(at, said);
    }
}

impl Talk {
    pub fn new(peer: Peer, outbox: Outbox, seen: Arc<Seen>) -> Self {
        Self {
            actor: peer.actor(),
            peer: Arc::new(peer),
            outbox,
            under_way: FuturesUnordered::new(),
            lanes: HashMap::new(),
            held: Held::default(),
            seen,
            count: 0,
            rest_until: None,
        }
    }

    /// Talks until the stream ends.
    pub async fn run(&mut self, mut incoming: Streaming<AgentMessage>, streams: CancellationToken) {
        let (peer, outbox) = (Arc::clone(&self.peer), self.outbox.clone());
        let mut ping = peer.app.agents().pings();
        let mut heard = Instant::now();
        loop {
            let room = self.held.messages < UNDER_WAY && self.held.bytes < UNDER_WAY_BYTES;
            tokio::select! {
                biased;
                () = streams.cancelled() => return,
                () = outbox.closed() => return,
                Some(done) = self.under_way.next() => {
                    if self.answer(done).await.is_break() {
                        return;
                    }
                }
                next = incoming.next(), if room => {
                    let Some(Ok(next)) = next else { return };
                    heard = Instant::now();
                    if self.take(next).await.is_break() {
                        return;
                    }
                }
                () = rested(self.rest_until), if self.rest_until.is_some() => self.resume().await,
                _ = ping.tick() => {
                    if heard.elapsed() > STREAM_GRACE {
                        tracing::warn!(agent.name = %peer.name, "agent is silent: its stream is given up");
                        return;
                    }
                    // A full outbox is as good as a ping.
                    let _ = outbox.try_send(message(server_message::Kind::Ping(Ping {})));
                }
            }
        }
    }

    /// The stream is over: sees what was under way to its end, however long the store takes, for
    /// a copy of it on the next stream waits for that.
    pub async fn settle(self) {
        let Self {
            outbox,
            mut under_way,
            seen,
            ..
        } = self;
        // The agent sees the end at once.
        drop(outbox);
        while let Some(done) = under_way.next().await {
            done.note();
            seen.settle(std::iter::once(done.ended()));
        }
    }

    async fn take(&mut self, next: AgentMessage) -> ControlFlow<()> {
        let messages = match next.kind {
            Some(agent_message::Kind::Batch(batch)) => batch.messages,
            Some(_) => vec![next],
            None => return ControlFlow::Continue(()),
        };
        if messages.len() > LARGEST_BATCH {
            tracing::warn!(agent.name = %self.peer.name, messages = messages.len(), "a batch is too large: the stream is given up");
            return ControlFlow::Break(());
        }
        for AgentMessage { id, kind } in messages {
            let Some(kind) = kind else { continue };
            let Some(run) = run_of(&kind) else {
                self.peer.hear(&kind);
                continue;
            };
            let kind = Some(kind);
            let said = AgentMessage { id, kind };
            let size_bytes = said.encoded_len();
            let Some(kind) = said.kind else { continue };
            self.held.messages += 1;
            self.held.bytes += size_bytes;
            self.count += 1;
            let lane = self.lanes.entry(run).or_default();
            lane.waiting.push_back(Said {
                place: self.count,
                id,
                run,
                size_bytes,
                kind,
            });
            self.go_on(run).await;
        }
        ControlFlow::Continue(())
    }

    /// Begins whatever of a run may begin.
    async fn go_on(&mut self, run: RunId) {
        if self.rest_until.is_some() {
            return;
        }
        while let Some(lane) = self.lanes.get_mut(&run) {
            let Some(next) = lane.waiting.front() else {
                if lane.under_way == 0 {
                    self.lanes.remove(&run);
                }
                return;
            };
            if lane.under_way > 0 && !(lane.with_writer && next.is_for_writer()) {
                return;
            }
            let Some(said) = lane.waiting.pop_front() else {
                return;
            };
            lane.under_way += 1;
            let (handled, with_writer) = self.begin(said).await;
            if let Some(lane) = self.lanes.get_mut(&run) {
                lane.with_writer = with_writer;
            }
            self.under_way.push(handled);
        }
    }

    /// There may be space again.
    async fn resume(&mut self) {
        self.rest_until = None;
        let runs: Vec<RunId> = self.lanes.keys().copied().collect();
        for run in runs {
            self.go_on(run).await;
        }
    }

    /// Answers whether the writer has it already, so that it decides it before what comes later.
    async fn begin(&mut self, said: Said) -> (Handled, bool) {
        let again = self.peer.app.is_short_of_space().then(|| {
            Box::new(Said {
                kind: said.kind.clone(),
                ..said
            })
        });
        let Said {
            place: _,
            id,
            run,
            size_bytes,
            kind,
        } = said;
        let done = move |ends_hold, result| Done {
            id,
            run,
            size_bytes,
            ends_hold,
            again,
            result,
        };
        match kind {
            agent_message::Kind::Logs(logs) => {
                let woken = match self.seen.take(id) {
                    Copy::Stored => {
                        let handled = std::future::ready(done(false, Ok(())));
                        return (Box::pin(handled), true);
                    }
                    Copy::New => None,
                    Copy::UnderWay(woken) => Some(woken),
                };
                let command = log(&self.peer, run, logs);
                if let Some(woken) = woken {
                    let (peer, seen) = (Arc::clone(&self.peer), Arc::clone(&self.seen));
                    let stored = async move {
                        done(
                            false,
                            peer.log_unless_stored(&seen, id, woken, command).await,
                        )
                    };
                    return (Box::pin(stored), false);
                }
                // Here, so that the writer has a run's logs in their order.
                let pending = self.peer.app.store().queue(&self.actor, command).await;
                (
                    Box::pin(answered(pending, move |result| done(false, result))),
                    true,
                )
            }
            agent_message::Kind::Step(report) => {
                let command = report_of(report).and_then(|report| step::command(run, report));
                let command = match command {
                    Ok(command) => command,
                    Err(error) => {
                        let refused = std::future::ready(done(false, Err(error)));
                        return (Box::pin(refused), true);
                    }
                };
                let pending = self.peer.app.store().queue(&self.actor, command).await;
                (
                    Box::pin(answered(pending, move |result| done(false, result))),
                    true,
                )
            }
            agent_message::Kind::Completion(completion) if !has_summary(&completion) => {
                let command = Command::Complete {
                    run,
                    done: completion_of(completion),
                    follows: Follows::QueuedLogs,
                };
                let pending = self.peer.app.store().queue(&self.actor, command).await;
                (
                    Box::pin(answered(pending, move |result| done(true, result))),
                    true,
                )
            }
            kind => {
                let peer = Arc::clone(&self.peer);
                let acted = async move {
                    let (ends_hold, result) = peer.act(kind).await;
                    done(ends_hold, result)
                };
                (Box::pin(acted), false)
            }
        }
    }

    /// Answers what is done, with all else that is by now.
    async fn answer(&mut self, first: Done) -> ControlFlow<()> {
        let mut all = vec![first];
        while all.len() < UNDER_WAY
            && let Some(Some(done)) = self.under_way.next().now_or_never()
        {
            all.push(done);
        }
        self.seen.settle(all.iter().map(Done::ended));
        let mut lost = Vec::new();
        let mut acks = Vec::with_capacity(all.len());
        let mut flow = ControlFlow::Continue(());
        for done in &mut all {
            if let Some(lane) = self.lanes.get_mut(&done.run) {
                lane.under_way -= 1;
                if let Some(said) = done.tried_again() {
                    // The run's hold and its order are kept: it waits here for space.
                    lane.put_back(said);
                    self.rest_until = Some(Instant::now() + REST);
                    continue;
                }
            }
            self.held.messages -= 1;
            self.held.bytes -= done.size_bytes;
            done.note();
            if let Err(AppError::Store(error)) = &done.result
                && !error.is_unreadable()
            {
                flow = ControlFlow::Break(());
                continue;
            }
            let (refused, text) = done.result.as_ref().err().map(refusal).unwrap_or_default();
            let is_lost = matches!(
                refused.as_str(),
                "stale_epoch" | "run_finished" | "lease_lapsed" | "taken_over" | "unreadable_row"
            );
            if (done.ends_hold && done.result.is_ok()) || is_lost {
                lost.push(done.run);
            }
            if done.id != 0 {
                acks.push(Ack {
                    id: done.id,
                    refused,
                    message: text,
                });
            }
        }
        if !lost.is_empty() {
            // Slots of runs that ended were filled again in the commit that ended them.
            if self.peer.app.agents().drop_holds(&self.peer.name, &lost) > 0 {
                self.peer.app.store().signals().wake_scheduler();
            }
        }
        for ack in acks {
            let _ = self
                .outbox
                .send(message(server_message::Kind::Ack(ack)))
                .await;
        }
        if flow.is_continue() {
            for done in &all {
                self.go_on(done.run).await;
            }
        }
        flow
    }
}

fn is_plain_completion(kind: &agent_message::Kind) -> bool {
    matches!(kind, agent_message::Kind::Completion(done) if !has_summary(done))
}

async fn rested(until: Option<Instant>) {
    if let Some(until) = until {
        tokio::time::sleep_until(until).await;
    }
}

impl Done {
    /// The message, where it was not stored for lack of space alone.
    fn tried_again(&mut self) -> Option<Said> {
        match &self.result {
            Err(AppError::Store(error))
                if error.is_no_space() || matches!(error, StoreError::LogNotStored) =>
            {
                self.again.take().map(|said| *said)
            }
            Ok(()) | Err(_) => None,
        }
    }

    /// What is remembered of it: a message that was refused is refused again when it comes again.
    fn ended(&self) -> (u64, Ended) {
        let ended = match self.result {
            Ok(()) => Ended::Stored,
            Err(_) => Ended::NotStored,
        };
        (self.id, ended)
    }

    /// Says what failed.
    fn note(&self) {
        if let Err(error @ AppError::Store(_)) = &self.result {
            tracing::error!(
                error = error as &dyn std::error::Error,
                run.id = self.run.get(),
                "a message of an agent failed"
            );
        }
    }
}

/// What the writer answers, once it does.
async fn answered(
    pending: Result<Pending, StoreError>,
    done: impl FnOnce(Result<(), AppError>) -> Done,
) -> Done {
    let stored = match pending {
        Ok(pending) => pending.answer().await.map(drop),
        Err(error) => Err(error),
    };
    done(stored.map_err(AppError::from))
}

fn log(peer: &Peer, run: RunId, logs: Logs) -> Command {
    let now = peer.app.store().now();
    Command::Log {
        run,
        epoch: Some(logs.epoch),
        lines: lines_of(logs.lines, now),
    }
}

#[cfg(test)]
#[path = "talk_tests.rs"]
mod tests;
