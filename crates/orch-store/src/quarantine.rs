//! Work that is set aside because one of its rows cannot be read, so that all other work goes on.
//!
//! Known to this process alone: whoever loads many rows finds the culprits, leaves them out and
//! names them. What can be read again is taken up again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use orch_core::engine::{NextIds, Working};
use orch_core::ids::{ProjectId, QueueEntryId, RunId, WorkItemId};
use orch_core::rules::Rules;

use crate::load::{self, Starts};
use crate::{Conn, Needs, PipedError, Store, StoreError, Tx, project, queue, run, work_item};

/// What is set aside, with the row that is to blame.
#[derive(Debug, Default)]
pub struct Quarantine(Mutex<BTreeMap<Work, Unreadable>>);

/// A unit of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Entry(QueueEntryId),
    Run(RunId),
}

/// A row that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unreadable {
    pub table: &'static str,
    pub id: i64,
    /// What is wrong with it.
    pub what: String,
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
    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<Work, Unreadable>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every row that work is set aside for.
    #[must_use]
    pub fn rows(&self) -> BTreeSet<Unreadable> {
        self.locked().values().cloned().collect()
    }

    #[must_use]
    pub fn has_run(&self, id: RunId) -> bool {
        self.locked().contains_key(&Work::Run(id))
    }

    /// Without what is set aside.
    pub(crate) fn runs(&self, mut ids: BTreeSet<RunId>) -> BTreeSet<RunId> {
        let aside = self.locked();
        ids.retain(|id| !aside.contains_key(&Work::Run(*id)));
        ids
    }

    /// Without what is set aside.
    pub(crate) fn entries(&self, mut ids: BTreeSet<QueueEntryId>) -> BTreeSet<QueueEntryId> {
        let aside = self.locked();
        ids.retain(|id| !aside.contains_key(&Work::Entry(*id)));
        ids
    }

    /// How many to ask for, so that `most` are left.
    pub(crate) fn more(&self, most: i64) -> i64 {
        most.saturating_add(i64::try_from(self.locked().len()).unwrap_or(i64::MAX))
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
                if self.locked().remove(&work).is_some() {
                    tracing::info!(?work, "work can be read again and is taken up");
                }
                Ok(false)
            }
            Err(error) if error.is_unreadable() => {
                let row = blame(conn, work, &error).await?;
                let known = self.locked().insert(work, row.clone());
                if known.is_none() {
                    tracing::error!(
                        row.table,
                        row.id,
                        row.what,
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
        let aside: Vec<Work> = self.quarantine.locked().keys().copied().collect();
        if aside.is_empty() {
            return Ok(());
        }
        let mut conn = self.read().await?;
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

/// The row that is to blame.
async fn blame(conn: &mut Conn, work: Work, error: &StoreError) -> Result<Unreadable, StoreError> {
    let row = |table, id, what: &StoreError| Unreadable {
        table,
        id,
        what: said(what),
    };
    let mut item = None;
    let entry = match work {
        Work::Run(id) => match readable(run::by_ids(conn, &BTreeSet::from([id])).await)? {
            Ok(runs) => {
                item = runs.first().map(|run| run.work_item_id);
                runs.first().map(|run| run.entry_id)
            }
            Err(what) => return Ok(row("run", id.get(), &what)),
        },
        Work::Entry(id) => Some(id),
    };
    if let Some(id) = entry {
        match readable(queue::by_ids(conn, &BTreeSet::from([id])).await)? {
            Ok(entries) => item = item.or(entries.first().map(|entry| entry.work_item_id)),
            Err(what) => return Ok(row("queue_entry", id.get(), &what)),
        }
    }
    let mut of: Option<ProjectId> = None;
    if let Some(id) = item {
        let id: WorkItemId = id;
        match readable(work_item::by_ids(conn, &BTreeSet::from([id])).await)? {
            Ok(items) => of = items.first().map(|item| item.project_id),
            Err(what) => return Ok(row("work_item", id.get(), &what)),
        }
    }
    if let Some(id) = of {
        let read = project::by_ids(conn, &BTreeSet::from([id])).await;
        if let Err(what) = readable(read)? {
            return Ok(row("project", id.get(), &what));
        }
    }
    // Something that belongs to it, such as an approval or a dependent.
    Ok(match work {
        Work::Run(id) => row("run", id.get(), error),
        Work::Entry(id) => row("queue_entry", id.get(), error),
    })
}

/// What was read or cannot be, apart from failures of the database.
fn readable<T>(read: Result<T, StoreError>) -> Result<Result<T, StoreError>, StoreError> {
    match read {
        Ok(read) => Ok(Ok(read)),
        Err(error) if error.is_unreadable() => Ok(Err(error)),
        Err(error) => Err(error),
    }
}

fn said(error: &StoreError) -> String {
    match error {
        StoreError::Database(source) => source.to_string(),
        StoreError::Piped(PipedError::Unreadable(source)) => source.to_string(),
        other => other.to_string(),
    }
}
