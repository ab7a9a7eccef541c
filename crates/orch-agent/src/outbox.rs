//! What the agent has said and the server has not yet acknowledged.
//!
//! Bounded for each run, so that a run that writes faster than the server stores is slowed down.
//! Keeps each run's order and takes runs in turn, so that a loud one does not hold up the others.
//! What has gathered goes in one message, where the server reads that.
//! Never forgets a message before it is acknowledged or its run is lost.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use orch_api::proto::{Ack, AgentBatch, AgentMessage, Welcome, agent_message::Kind};
use prost::Message as _;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

/// What one run may have under way, in bytes.
const WINDOW_BYTES: u32 = 4 << 20;

/// The most messages in one.
const LARGEST_BATCH: usize = 1024;
/// A message is sent when it has so many bytes.
const BATCH_BYTES: usize = 256 * 1024;

/// A run under one hold of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RunKey {
    pub(crate) run_id: i64,
    pub(crate) epoch: u64,
}

/// What the server answered to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is on disk.
    Accepted,
    /// It changed nothing.
    Refused {
        /// Such as `stale_epoch`.
        code: String,
        /// For people.
        message: String,
    },
}

/// The hold on the run is over: nothing can be said about it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost;

/// All messages that wait for their acknowledgement.
#[derive(Default)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    posted: Notify,
    /// The server reads batches, and keeps each run's order.
    batches: AtomicBool,
    /// The server keeps refusals of the way out.
    refusals: AtomicBool,
    /// The server counts the tools that runs use.
    tools: AtomicBool,
    /// The server takes artifacts in pieces.
    artifacts: AtomicBool,
    /// The server charges what runs use of models.
    model_use: AtomicBool,
}

#[derive(Default)]
struct State {
    last_id: u64,
    entries: BTreeMap<u64, Entry>,
    unsent: HashMap<RunKey, VecDeque<u64>>,
    /// Runs with something unsent, the next one in front.
    turns: VecDeque<RunKey>,
}

struct Entry {
    posted: Instant,
    run: RunKey,
    kind: Kind,
    size_bytes: usize,
    answer: Option<oneshot::Sender<Answer>>,
    /// Room in the run's window, given back when the entry goes.
    _room: OwnedSemaphorePermit,
}

impl State {
    fn queue(&mut self, run: RunKey, id: u64) {
        let waiting = self.unsent.entry(run).or_default();
        if waiting.is_empty() {
            self.turns.push_back(run);
        }
        waiting.push_back(id);
    }

    /// What has gathered, as one message.
    fn gather(&mut self) -> Option<AgentMessage> {
        let (first, mut bytes) = self.pop()?;
        let mut messages = vec![first];
        while messages.len() < LARGEST_BATCH
            && bytes < BATCH_BYTES
            && let Some((next, size_bytes)) = self.pop()
        {
            bytes += size_bytes;
            messages.push(next);
        }
        if messages.len() == 1 {
            return messages.pop();
        }
        let kind = Some(Kind::Batch(AgentBatch { messages }));
        Some(AgentMessage { id: 0, kind })
    }

    /// The next message and its size.
    fn pop(&mut self) -> Option<(AgentMessage, usize)> {
        loop {
            let run = self.turns.pop_front()?;
            let Some(waiting) = self.unsent.get_mut(&run) else {
                continue;
            };
            let id = waiting.pop_front();
            if waiting.is_empty() {
                self.unsent.remove(&run);
            } else {
                self.turns.push_back(run);
            }
            if let Some((id, entry)) = id.and_then(|id| Some((id, self.entries.get(&id)?))) {
                let kind = Some(entry.kind.clone());
                return Some((AgentMessage { id, kind }, entry.size_bytes));
            }
        }
    }
}

impl Outbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the server of the new stream understands.
    pub(crate) fn speak(&self, welcome: &Welcome) {
        self.batches.store(welcome.batches, Ordering::Release);
        self.refusals.store(welcome.refusals, Ordering::Release);
        self.tools.store(welcome.tools, Ordering::Release);
        self.artifacts.store(welcome.artifacts, Ordering::Release);
        self.model_use.store(welcome.model_use, Ordering::Release);
    }

    /// How many messages wait for their acknowledgement, and for how long the oldest does.
    pub(crate) fn waiting(&self) -> (u64, Duration) {
        let state = self.state();
        let oldest = state.entries.values().next();
        let oldest = oldest.map_or(Duration::ZERO, |entry| entry.posted.elapsed());
        (state.entries.len() as u64, oldest)
    }

    fn has_batches(&self) -> bool {
        self.batches.load(Ordering::Acquire)
    }

    /// The next message to send; waits for one.
    pub(crate) async fn next(&self) -> AgentMessage {
        loop {
            let posted = self.posted.notified();
            let message = if self.has_batches() {
                self.state().gather()
            } else {
                self.state().pop().map(|(message, _)| message)
            };
            if let Some(message) = message {
                return message;
            }
            posted.await;
            // Whoever else is about to say something goes first.
            tokio::task::yield_now().await;
        }
    }

    /// The stream is lost: whatever is not acknowledged is to be sent again, under the same ids.
    pub(crate) fn rewind(&self) {
        orch_failpoint::pass("agent.outbox.rewound");
        let mut state = self.state();
        state.unsent.clear();
        state.turns.clear();
        let all: Vec<(u64, RunKey)> = state
            .entries
            .iter()
            .map(|(id, entry)| (*id, entry.run))
            .collect();
        for (id, run) in all {
            state.queue(run, id);
        }
        drop(state);
        self.posted.notify_one();
    }

    /// Takes an acknowledgement in; the run and the answer, unless the message is not known any
    /// more.
    pub(crate) fn acknowledge(&self, ack: Ack) -> Option<(RunKey, Answer)> {
        let entry = self.state().entries.remove(&ack.id)?;
        let answer = match ack.refused.is_empty() {
            true => Answer::Accepted,
            false => Answer::Refused {
                code: ack.refused,
                message: ack.message,
            },
        };
        if let Some(waiting) = entry.answer {
            // Whoever asked may have stopped waiting.
            let _ = waiting.send(answer.clone());
        }
        Some((entry.run, answer))
    }

    fn post(&self, entry: Entry) {
        let mut state = self.state();
        state.last_id += 1;
        let id = state.last_id;
        state.queue(entry.run, id);
        state.entries.insert(id, entry);
        drop(state);
        self.posted.notify_one();
    }

    fn forget(&self, run: RunKey) {
        let mut state = self.state();
        state.unsent.remove(&run);
        state.turns.retain(|turn| *turn != run);
        state.entries.retain(|_, entry| entry.run != run);
    }
}

/// One run's way to the server.
#[derive(Clone)]
pub(crate) struct RunLink {
    run: RunKey,
    outbox: Arc<Outbox>,
    window: Arc<Semaphore>,
}

impl RunLink {
    pub(crate) fn new(run: RunKey, outbox: Arc<Outbox>) -> Self {
        let window = Arc::new(Semaphore::new(WINDOW_BYTES as usize));
        Self {
            run,
            outbox,
            window,
        }
    }

    pub(crate) fn run(&self) -> RunKey {
        self.run
    }

    /// Whether the server reads which tools a run uses.
    pub(crate) fn reads_tools(&self) -> bool {
        self.outbox.tools.load(Ordering::Acquire)
    }

    /// Says something once there is room for it.
    pub(crate) async fn post(&self, kind: Kind) -> Result<(), Lost> {
        self.enter(kind, None).await
    }

    /// Whether the server would keep a refusal of the way out.
    pub(crate) fn keeps_refusals(&self) -> bool {
        self.outbox.refusals.load(Ordering::Acquire)
    }

    /// Whether the server takes artifacts in pieces.
    pub(crate) fn takes_artifacts(&self) -> bool {
        self.outbox.artifacts.load(Ordering::Acquire)
    }

    /// Whether the server charges what the run uses of models.
    pub(crate) fn charges_models(&self) -> bool {
        self.outbox.model_use.load(Ordering::Acquire)
    }

    /// Says something whose answer goes to somebody else.
    pub(crate) async fn post_for(
        &self,
        kind: Kind,
        answer: Option<oneshot::Sender<Answer>>,
    ) -> Result<(), Lost> {
        self.enter(kind, answer).await
    }

    /// Says something and waits for the answer.
    pub(crate) async fn ask(&self, kind: Kind) -> Result<Answer, Lost> {
        let (answer, answered) = oneshot::channel();
        self.enter(kind, Some(answer)).await?;
        answered.await.map_err(|_| Lost)
    }

    /// Waits until the last word of the run may be said: at once where the server takes a run's
    /// messages in their order, else once everything said so far is acknowledged.
    pub(crate) async fn may_end(&self) -> Result<(), Lost> {
        if self.outbox.has_batches() {
            return Ok(());
        }
        self.settled().await
    }

    /// Waits until everything said so far is acknowledged.
    async fn settled(&self) -> Result<(), Lost> {
        let all = self.window.acquire_many(WINDOW_BYTES).await;
        all.map(drop).map_err(|_| Lost)
    }

    /// Whether nothing waits for its acknowledgement.
    pub(crate) fn is_idle(&self) -> bool {
        self.window.available_permits() == WINDOW_BYTES as usize
    }

    /// Ends the link: whoever waits learns that the run is lost.
    pub(crate) fn close(&self) {
        self.window.close();
        self.outbox.forget(self.run);
    }

    async fn enter(&self, kind: Kind, answer: Option<oneshot::Sender<Answer>>) -> Result<(), Lost> {
        let message = AgentMessage {
            id: u64::MAX,
            kind: Some(kind),
        };
        let size_bytes = message.encoded_len();
        let wanted = u32::try_from(size_bytes).unwrap_or(WINDOW_BYTES);
        let room = Arc::clone(&self.window).acquire_many_owned(wanted.min(WINDOW_BYTES));
        let room = room.await.map_err(|_| Lost)?;
        let Some(kind) = message.kind else {
            return Ok(());
        };
        self.outbox.post(Entry {
            run: self.run,
            kind,
            posted: Instant::now(),
            size_bytes,
            answer,
            _room: room,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use orch_api::proto::{LogLine, Logs, Release};

    use super::*;

    fn link(outbox: &Arc<Outbox>, run_id: i64) -> RunLink {
        RunLink::new(RunKey { run_id, epoch: 1 }, Arc::clone(outbox))
    }

    fn logs(run_id: i64, message: &str) -> Kind {
        let line = LogLine {
            message: message.to_owned(),
            ..LogLine::default()
        };
        Kind::Logs(Logs {
            run_id,
            epoch: 1,
            lines: vec![line],
        })
    }

    fn accepted(id: u64) -> Ack {
        Ack {
            id,
            ..Ack::default()
        }
    }

    /// Ids and runs of all that can be sent.
    fn drain(outbox: &Outbox) -> Vec<(u64, i64)> {
        std::iter::from_fn(|| outbox.state().pop())
            .map(|(message, _)| match message.kind {
                Some(Kind::Logs(logs)) => (message.id, logs.run_id),
                other => panic!("unexpected {other:?}"),
            })
            .collect()
    }

    #[tokio::test]
    async fn runs_take_turns_and_each_keeps_its_order() {
        let outbox = Arc::new(Outbox::default());
        let (loud, quiet) = (link(&outbox, 1), link(&outbox, 2));
        for _ in 0..3 {
            loud.post(logs(1, "x")).await.unwrap();
        }
        quiet.post(logs(2, "y")).await.unwrap();
        assert_eq!(drain(&outbox), [(1, 1), (4, 2), (2, 1), (3, 1)]);
    }

    fn parts(message: AgentMessage) -> Vec<u64> {
        match message.kind {
            Some(Kind::Batch(batch)) => batch.messages.iter().map(|part| part.id).collect(),
            _ => vec![message.id],
        }
    }

    #[tokio::test]
    async fn what_has_gathered_goes_as_one_where_the_server_reads_that() {
        let outbox = Arc::new(Outbox::default());
        let (loud, quiet) = (link(&outbox, 1), link(&outbox, 2));
        for _ in 0..2 {
            loud.post(logs(1, "x")).await.unwrap();
        }
        quiet.post(logs(2, "y")).await.unwrap();
        assert_eq!(parts(outbox.next().await), [1]);
        outbox.speak(&Welcome {
            batches: true,
            ..Welcome::default()
        });
        assert_eq!(parts(outbox.next().await), [3, 2]);
    }

    #[tokio::test]
    async fn a_batch_ends_with_the_message_that_fills_it() {
        let outbox = Arc::new(Outbox::default());
        outbox.speak(&Welcome {
            batches: true,
            ..Welcome::default()
        });
        let run = link(&outbox, 1);
        let most = "x".repeat(BATCH_BYTES * 2 / 3);
        for _ in 0..3 {
            run.post(logs(1, &most)).await.unwrap();
        }
        assert_eq!(parts(outbox.next().await), [1, 2]);
        assert_eq!(parts(outbox.next().await), [3]);
    }

    #[tokio::test]
    async fn a_lost_stream_sends_again_what_was_not_acknowledged() {
        let outbox = Arc::new(Outbox::default());
        let run = link(&outbox, 1);
        for _ in 0..3 {
            run.post(logs(1, "x")).await.unwrap();
        }
        drain(&outbox);
        outbox.acknowledge(accepted(2)).unwrap();
        outbox.rewind();
        assert_eq!(drain(&outbox), [(1, 1), (3, 1)]);
        assert_eq!(outbox.acknowledge(accepted(2)), None);
    }

    #[tokio::test]
    async fn a_full_window_holds_the_run_up_until_the_server_has_stored() {
        let outbox = Arc::new(Outbox::default());
        let run = link(&outbox, 1);
        let half = "x".repeat(WINDOW_BYTES as usize / 2);
        run.post(logs(1, &half)).await.unwrap();
        let next = run.post(logs(1, &half));
        tokio::pin!(next);
        assert!(futures::poll!(&mut next).is_pending());
        outbox.acknowledge(accepted(1)).unwrap();
        next.await.unwrap();
        assert!(!run.is_idle());
        outbox.acknowledge(accepted(2)).unwrap();
        run.settled().await.unwrap();
        assert!(run.is_idle());
    }

    #[tokio::test]
    async fn a_closed_link_frees_whoever_waits_and_leaves_nothing_to_send() {
        let outbox = Arc::new(Outbox::default());
        let run = link(&outbox, 1);
        let asked = run.ask(Kind::Release(Release::default()));
        tokio::pin!(asked);
        assert!(futures::poll!(&mut asked).is_pending());
        run.close();
        assert_eq!(asked.await, Err(Lost));
        assert_eq!(run.post(logs(1, "x")).await, Err(Lost));
        assert_eq!(run.settled().await, Err(Lost));
        assert_eq!(drain(&outbox), []);
    }
}
