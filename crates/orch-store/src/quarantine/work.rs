//! What is known of rows that cannot be read, and work that is set aside because of one, so that all
//! other work goes on. Whoever loads many rows finds the culprits, leaves them out and names them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use orch_core::engine::{NextIds, Working};
use orch_core::ids::{QueueEntryId, RunId};
use orch_core::rules::Rules;

use crate::load::{self, Starts};
use crate::{Conn, Key, Needs, PipedError, Store, StoreError, Tx, Unreadable};

/// The most rows that are named: whoever reads so far knows that the database is broken.
const MOST: usize = 1000;

/// What is set aside, and the rows that cannot be read.
#[derive(Debug, Default)]
pub struct Quarantine(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Work that is not scheduled, with the row that is to blame.
    work: BTreeMap<Work, Unreadable>,
    /// Rows that somebody met.
    rows: BTreeMap<Place, Unreadable>,
    /// Rows that somebody may have met.
    suspects: BTreeSet<Place>,
    /// What the other servers were not told of.
    news: BTreeSet<Place>,
}

/// Table and key.
pub(super) type Place = (&'static str, Key);

/// A unit of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Entry(QueueEntryId),
    Run(RunId),
}

/// A decision that is not made needs no numbers.
const NO_IDS: NextIds = NextIds {
    work_item: 0,
    entry: 0,
    run: 0,
};

impl Work {
    fn needs(self) -> Needs {
        let mut needs = Needs {
            starts: Starts::Some,
            ..Needs::default()
        };
        match self {
            Self::Entry(id) => needs.entries.insert(id),
            Self::Run(id) => needs.finishing.insert(id),
        };
        needs
    }
}

impl Quarantine {
    fn locked(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every row that is known to be unreadable.
    #[must_use]
    pub fn rows(&self) -> BTreeSet<Unreadable> {
        let inner = self.locked();
        let mut known: BTreeMap<Place, &Unreadable> = BTreeMap::new();
        for row in inner.rows.values().chain(inner.work.values()) {
            known.entry((row.table, row.key.clone())).or_insert(row);
        }
        known.into_values().cloned().collect()
    }

    #[must_use]
    pub fn has_run(&self, id: RunId) -> bool {
        self.locked().work.contains_key(&Work::Run(id))
    }

    /// The row for which an entry is not scheduled.
    #[must_use]
    pub fn of_entry(&self, id: QueueEntryId) -> Option<Unreadable> {
        self.locked().work.get(&Work::Entry(id)).cloned()
    }

    /// Names a row, once.
    pub(super) fn note(&self, row: Unreadable) {
        let place = (row.table, row.key.clone());
        let mut inner = self.locked();
        if inner.rows.len() >= MOST && !inner.rows.contains_key(&place) {
            return;
        }
        if inner.rows.insert(place.clone(), row.clone()).is_none() {
            inner.news.insert(place);
            drop(inner);
            tracing::error!(
                row.table,
                row.id = %row.key,
                row.column = row.column,
                problem = row.what,
                "a row cannot be read: lists leave it out"
            );
        }
    }

    pub(super) fn forget(&self, table: &'static str, key: &Key) {
        let mut inner = self.locked();
        if inner.rows.remove(&(table, key.clone())).is_some() {
            tracing::info!(row.table = table, row.id = %key, "a row can be read again, or is gone");
        }
    }

    pub(super) fn suspect(&self, table: &'static str, key: Key) {
        let mut inner = self.locked();
        let place = (table, key);
        if inner.suspects.len() < MOST && !inner.rows.contains_key(&place) {
            inner.suspects.insert(place);
        }
    }

    pub(super) fn take_suspects(&self) -> BTreeSet<Place> {
        std::mem::take(&mut self.locked().suspects)
    }

    pub(super) fn take_news(&self) -> BTreeSet<Place> {
        std::mem::take(&mut self.locked().news)
    }

    /// The rows that somebody met.
    pub(super) fn named_rows(&self) -> Vec<Place> {
        self.locked().rows.keys().cloned().collect()
    }

    /// Without what is set aside.
    pub(crate) fn runs(&self, mut ids: BTreeSet<RunId>) -> BTreeSet<RunId> {
        let aside = self.locked();
        ids.retain(|id| !aside.work.contains_key(&Work::Run(*id)));
        ids
    }

    /// Without what is set aside.
    pub(crate) fn entries(&self, mut ids: BTreeSet<QueueEntryId>) -> BTreeSet<QueueEntryId> {
        let aside = self.locked();
        ids.retain(|id| !aside.work.contains_key(&Work::Entry(*id)));
        ids
    }

    /// How many to ask for, so that `most` are left.
    pub(crate) fn more(&self, most: i64) -> i64 {
        most.saturating_add(i64::try_from(self.locked().work.len()).unwrap_or(i64::MAX))
    }

    /// Sets a run aside where it cannot be loaded; answers whether it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn examine_run(
        &self,
        conn: &mut Conn,
        rules: &Rules,
        id: RunId,
    ) -> Result<bool, StoreError> {
        self.examine(conn, rules, Work::Run(id)).await
    }

    async fn examine(
        &self,
        conn: &mut Conn,
        rules: &Rules,
        work: Work,
    ) -> Result<bool, StoreError> {
        match load::load(conn, NO_IDS, work.needs(), rules, None).await {
            Ok(_) => {
                if self.locked().work.remove(&work).is_some() {
                    tracing::info!(?work, "work can be read again and is taken up");
                }
                Ok(false)
            }
            Err(error) if error.is_unreadable() => {
                let row = blame(work, &error);
                let mut inner = self.locked();
                if inner.work.insert(work, row.clone()).is_none() {
                    inner.news.insert((row.table, row.key.clone()));
                    drop(inner);
                    tracing::error!(
                        row.table,
                        row.id = %row.key,
                        row.column = row.column,
                        problem = row.what,
                        ?work,
                        "a row cannot be read: its work is set aside"
                    );
                }
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }
}

impl Store {
    #[must_use]
    pub fn quarantine(&self) -> &Quarantine {
        &self.quarantine
    }

    /// Takes up again what can be read by now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recheck_quarantine(&self) -> Result<(), StoreError> {
        self.tell_of_unreadable();
        let (aside, is_empty) = {
            let inner = self.quarantine.locked();
            let aside: Vec<Work> = inner.work.keys().copied().collect();
            let is_empty = aside.is_empty() && inner.rows.is_empty();
            (aside, is_empty)
        };
        if is_empty {
            return Ok(());
        }
        let mut conn = self.read().await?;
        self.recheck_rows(&mut conn).await?;
        for work in aside {
            let rules = self.rules();
            if !self.quarantine.examine(&mut conn, rules, work).await? {
                self.signals().wake_scheduler();
            }
        }
        Ok(())
    }
}

/// Loads what may be scheduled; `None` where something was set aside, and what takes its place is to
/// be chosen.
pub(crate) async fn load(
    store: &Store,
    tx: &mut Tx,
    needs: Needs,
) -> Result<Option<Working>, StoreError> {
    let error = match tx.load(needs.clone()).await {
        Err(error) if error.is_unreadable() => error,
        loaded => return loaded.map(Some),
    };
    let quarantine = store.quarantine();
    let runs = needs.runs.into_iter().map(Work::Run);
    let all: Vec<Work> = runs
        .chain(needs.entries.into_iter().map(Work::Entry))
        .collect();
    let mut found = false;
    for work in all {
        found |= quarantine
            .examine(&mut tx.conn, store.rules(), work)
            .await?;
    }
    if found { Ok(None) } else { Err(error) }
}

/// The row that is to blame; the work's own, where the error names none.
fn blame(work: Work, error: &StoreError) -> Unreadable {
    let (table, id) = match (error, work) {
        (StoreError::Unreadable(row), _) => return (**row).clone(),
        (_, Work::Run(id)) => ("run", id.get()),
        (_, Work::Entry(id)) => ("queue_entry", id.get()),
    };
    let what = match error {
        StoreError::Database(source) => source.to_string(),
        StoreError::Piped(PipedError::Unreadable(source)) => source.to_string(),
        other => other.to_string(),
    };
    Unreadable {
        table,
        key: Key::Number(id),
        column: None,
        what,
    }
}
