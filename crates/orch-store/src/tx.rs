//! A transaction: rows, audit entries and log lines that become durable together.

use std::collections::BTreeMap;
use std::sync::Arc;

use orch_core::engine::{Ctx, Working};
use orch_core::entropy::Entropy;
use orch_core::event::{Data, Event};
use orch_core::ids::{ProjectId, RunId};
use orch_core::time::Timestamp;
use tokio::sync::OwnedMutexGuard;

use crate::ahead::Asked;
use crate::log::LogSink;
use crate::schedule::{Assigned, Turnover};
use crate::segment::LogLine;
use crate::store::WriterState;
use crate::{Conn, Needs, Reservation, Store, StoreError, audit, load, log, postgres, save};

/// An open transaction. Dropping it changes nothing.
pub struct Tx {
    store: Store,
    /// Before the state: it is given back before the next transaction may begin.
    pub conn: Conn,
    state: OwnedMutexGuard<WriterState>,
    actor: String,
    now: Timestamp,
    events: Vec<(String, Event)>,
    entropy: Entropy,
    next: orch_core::engine::NextIds,
    next_seq: BTreeMap<i64, u64>,
    /// Runs' next lines, as loaded.
    known_lines: BTreeMap<i64, u64>,
    /// What the load that comes first will need.
    asked: Option<Asked>,
    touched: Vec<RunId>,
    schedule: Schedule,
    turnover: Turnover,
    reservation: Option<Arc<Reservation>>,
}

/// Whether the commit wakes the scheduler.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Schedule {
    Unchanged,
    /// What is ready was handed out as far as slots are free; entries may fall due.
    Filled,
    Changed,
}

impl Tx {
    pub(crate) fn new(
        store: Store,
        state: OwnedMutexGuard<WriterState>,
        conn: Conn,
        asked: Option<Asked>,
        actor: &str,
    ) -> Self {
        let now = store.now();
        let (entropy, next) = (state.entropy.clone(), state.next);
        Self {
            store,
            state,
            conn,
            actor: actor.to_owned(),
            now,
            events: Vec::new(),
            entropy,
            next,
            next_seq: BTreeMap::new(),
            known_lines: BTreeMap::new(),
            asked,
            touched: Vec::new(),
            schedule: Schedule::Unchanged,
            turnover: Turnover::default(),
            reservation: Reservation::current(),
        }
    }

    /// The instant that everything in this transaction happens at.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    #[must_use]
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// Adds an audit entry.
    pub fn record(
        &mut self,
        kind: &'static str,
        project: Option<ProjectId>,
        data: impl Into<Data>,
    ) {
        self.events.push((
            self.actor.clone(),
            Event {
                kind,
                project_id: project,
                data: data.into(),
            },
        ));
    }

    /// The same of another actor, whose command is decided here with others.
    pub(crate) fn record_as(
        &mut self,
        actor: &str,
        kind: &'static str,
        project: Option<ProjectId>,
        data: impl Into<Data>,
    ) {
        let event = Event {
            kind,
            project_id: project,
            data: data.into(),
        };
        self.events.push((actor.to_owned(), event));
    }

    /// Loads what a decision of the engine needs.
    ///
    /// # Errors
    /// When the database fails or holds what cannot be read.
    pub async fn load(&mut self, needs: Needs) -> Result<Working, StoreError> {
        let rules = self.store.rules_arc();
        let asked = self.asked.take();
        let (w, ahead) = load::load(&mut self.conn, self.next, needs, &rules, asked).await?;
        self.known_lines.extend(ahead.next_lines);
        Ok(w)
    }

    /// Lets the engine decide over a working set, as this transaction's actor.
    pub fn decide<T>(
        &mut self,
        w: &mut Working,
        decide: impl FnOnce(&mut Working, &mut Ctx<'_>) -> T,
    ) -> T {
        let rules = self.store.rules_arc();
        let actor = self.actor.clone();
        self.decide_as(w, &actor, &rules, decide)
    }

    pub(crate) fn decide_as<T>(
        &mut self,
        w: &mut Working,
        actor: &str,
        rules: &orch_core::rules::Rules,
        decide: impl FnOnce(&mut Working, &mut Ctx<'_>) -> T,
    ) -> T {
        let mut ctx = Ctx {
            now: self.now,
            actor,
            rules,
            entropy: &mut self.entropy,
        };
        decide(w, &mut ctx)
    }

    /// Saves what the engine changed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save(&mut self, mut w: Working) -> Result<(), StoreError> {
        if w.changes.is_empty() {
            return Ok(());
        }
        let changes = std::mem::take(&mut w.changes);
        let voided = save::save(&mut self.conn, &w, &changes, self.now).await?;
        self.touched.extend(changes.runs.iter().copied());
        if !changes.entries.is_empty() || !changes.runs.is_empty() {
            self.schedule = Schedule::Changed;
        }
        self.events.extend(changes.events);
        let actor = self.actor.clone();
        self.events
            .extend(voided.into_iter().map(|event| (actor.clone(), event)));
        self.next = w.next;
        Ok(())
    }

    /// Appends lines to the logs of several runs; answers the number of each one's first line.
    ///
    /// # Errors
    /// When the files or the database fail.
    pub async fn append_logs(
        &mut self,
        logs: &[(RunId, Vec<LogLine>)],
    ) -> Result<Vec<u64>, StoreError> {
        let known = |tx: &Self, run: i64| {
            tx.next_seq
                .get(&run)
                .or_else(|| tx.state.next_seq.get(&run))
                .or_else(|| tx.known_lines.get(&run))
                .copied()
        };
        let unknown: Vec<i64> = logs
            .iter()
            .map(|(run, _)| run.get())
            .filter(|run| known(self, *run).is_none())
            .collect();
        if !unknown.is_empty() {
            self.next_seq
                .extend(log::next_seqs(&mut self.conn, &unknown).await?);
        }
        let mut rows = Vec::new();
        let mut firsts = Vec::with_capacity(logs.len());
        for (run, lines) in logs {
            let first = known(self, run.get()).unwrap_or(1);
            let sink = self.state.logs.as_mut().ok_or(StoreError::Closed)?;
            let next = log::append(sink, &mut rows, *run, first, lines)?;
            self.next_seq.insert(run.get(), next);
            self.touched.push(*run);
            firsts.push(first);
        }
        if !rows.is_empty() {
            log::index(&mut self.conn, rows).await?;
        }
        Ok(firsts)
    }

    /// Wakes followers of a run when this commits.
    pub fn touch_run(&mut self, run: RunId) {
        self.touched.push(run);
    }

    /// Wakes the scheduler when this commits.
    pub fn touch_queue(&mut self) {
        self.schedule = Schedule::Changed;
    }

    /// Nothing that is ready is left for the slots that are free.
    pub(crate) fn note_filled(&mut self) {
        if self.schedule == Schedule::Changed {
            self.schedule = Schedule::Filled;
        }
    }

    /// Runs that end when this commits.
    pub(crate) fn end_holds(&mut self, runs: Vec<RunId>) {
        self.turnover.ended.extend(runs);
    }

    /// Runs that agents get when this commits.
    pub(crate) fn assign(&mut self, assigned: Vec<Assigned>) {
        self.turnover.assigned.extend(assigned);
    }

    /// Makes everything durable, then wakes whom it concerns.
    ///
    /// # Errors
    /// When the database or the log files fail; nothing was changed then, unless the machine
    /// itself lost the answer.
    pub async fn commit(self) -> Result<(), StoreError> {
        // In a task of its own: a caller that goes away must not leave a commit half done. The
        // embedded database waits for the disk on the thread that it is given.
        let committing = match self.conn {
            Conn::SqliteInline(_) => {
                let runtime = tokio::runtime::Handle::current();
                tokio::task::spawn_blocking(move || runtime.block_on(self.commit_noted()))
            }
            _ => tokio::spawn(self.commit_noted()),
        };
        if orch_failpoint::has_fault("ack_before_commit") {
            return Ok(());
        }
        committing.await.map_err(|_| StoreError::Closed)?
    }

    /// The same on this thread, where it is the writer's, which stays and may wait for the disk.
    /// A transaction with an idempotency key is that of somebody's task.
    pub(crate) async fn commit_here(self) -> Result<(), StoreError> {
        if self.reservation.is_some() || orch_failpoint::has_fault("ack_before_commit") {
            return self.commit().await;
        }
        self.commit_noted().await
    }

    async fn commit_noted(self) -> Result<(), StoreError> {
        let vitals = Arc::clone(&self.store.vitals);
        let committed = self.commit_inner().await;
        vitals.note(&committed);
        committed
    }

    async fn commit_inner(mut self) -> Result<(), StoreError> {
        orch_failpoint::slow_commit();
        if !self.next_seq.is_empty() {
            orch_failpoint::check("store.log.appended").map_err(sqlx::Error::from)?;
            self.sync_logs()?;
            orch_failpoint::check("store.log.synced").map_err(sqlx::Error::from)?;
        }
        let events = std::mem::take(&mut self.events);
        let head = audit::append(&mut self.conn, self.state.head, self.now, events).await?;
        if let Some(reservation) = &self.reservation
            && (head != self.state.head || !self.next_seq.is_empty())
        {
            let before = self.state.head;
            reservation
                .take(&mut self.conn, before, head, self.now)
                .await?;
        }
        if let Conn::PostgresPiped(_) = self.conn {
            let (me, lead) = (self.state.me, self.state.clock_lead_us);
            postgres::leave_word(&mut self.conn, me, head, self.next, lead).await?;
        }
        // Until the answer is in, what the state says is not certain.
        self.state.stale = true;
        orch_failpoint::check("store.commit.before").map_err(sqlx::Error::from)?;
        if let Err(error) = self.conn.commit().await {
            self.store
                .settle_commit(self.state.head, head, error)
                .await?;
        }
        orch_failpoint::check("store.commit.after").map_err(sqlx::Error::from)?;
        let state = &mut *self.state;
        state.stale = false;
        state.head = head;
        *self
            .store
            .head
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = head;
        state.next = self.next;
        state.entropy = self.entropy;
        if state.next_seq.len() > log::REMEMBERED_RUNS {
            state.next_seq.clear();
        }
        state.next_seq.extend(self.next_seq);
        if let Some(slots) = self.store.slots() {
            // Before the next transaction may ask for free slots.
            let Turnover { ended, assigned } = self.turnover;
            slots.settle(&ended, assigned);
        }
        let signals = self.store.signals();
        signals.wake_runs(&self.touched);
        match self.schedule {
            Schedule::Changed => signals.wake_scheduler(),
            Schedule::Filled => signals.note_filled(),
            Schedule::Unchanged => {}
        }
        Ok(())
    }

    /// Waits for the disk.
    fn sync_logs(&mut self) -> Result<(), StoreError> {
        match self.state.logs.as_mut().ok_or(StoreError::Closed)? {
            LogSink::Files(segments) => Ok(segments.sync()?),
            LogSink::Rows => Ok(()),
        }
    }
}
