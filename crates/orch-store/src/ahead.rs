//! A working set in one round trip: what follows from the ids that a decision names, found by the
//! database, where each kind of row would otherwise be asked for once the one before is known.
//!
//! For a connection that sends without awaiting, and few ids: their subqueries are run once for
//! each kind of row. What is missing afterwards is loaded kind by kind.

use std::collections::BTreeSet;

use orch_core::engine::Working;
use orch_core::ids::{QueueEntryId, RunId, WorkItemId};
use orch_core::time::Timestamp;

use crate::conn::sql;
use crate::load::{Needs, Starts, insert_entry};
use crate::piped::{Piped, Ticket, Value};
use crate::stored::nouns;
use crate::{StoreError, log, project, queue, run, work_item};

/// With more ids than this, asking for each kind of row once is less work.
const FEW: usize = 64;

/// Dependencies on the items of some runs, or on some items.
macro_rules! dependents {
    ($columns:literal, $finishing:literal, $of:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM queue_dependency WHERE met = 0 AND depends_on IN (
                 SELECT unnest(CAST(",
            $of,
            " AS BIGINT[])) UNION ALL SELECT work_item_id FROM run WHERE id = ANY(",
            $finishing,
            "))"
        )
    };
}

/// Entries that are named, those of some runs, and dependents.
macro_rules! entry_ids {
    ($entries:literal, $runs:literal, $finishing:literal, $of:literal) => {
        concat!(
            "SELECT unnest(CAST(",
            $entries,
            " AS BIGINT[])) UNION SELECT entry_id FROM run WHERE id = ANY(",
            $runs,
            ") UNION ",
            dependents!("entry_id", $finishing, $of)
        )
    };
}

const EDGES: crate::conn::Dialect = sql!(postgres: dependents!("depends_on, entry_id", "$1", "$2"));
const ENTRIES: crate::conn::Dialect = sql!(
    postgres: concat!("SELECT * FROM queue_entry WHERE id IN (", entry_ids!("$1", "$2", "$3", "$4"), ")"),
);
const ITEMS: crate::conn::Dialect = sql!(
    postgres: concat!(
        "SELECT * FROM work_item WHERE id IN (
             SELECT unnest(CAST($5 AS BIGINT[])) UNION SELECT work_item_id FROM run WHERE id = ANY($2)
              UNION SELECT work_item_id FROM queue_entry WHERE id IN (",
        entry_ids!("$1", "$2", "$3", "$4"),
        "))"
    ),
);
const PROJECTS: crate::conn::Dialect = sql!(
    postgres: concat!(
        "SELECT * FROM project WHERE id IN (
             SELECT unnest(CAST($6 AS BIGINT[])) UNION SELECT project_id FROM run WHERE id = ANY($2)
              UNION SELECT project_id FROM work_item WHERE id = ANY($5)
              UNION SELECT project_id FROM queue_entry WHERE id IN (",
        entry_ids!("$1", "$2", "$3", "$4"),
        "))"
    ),
);
/// The same of entries alone, as a dispatch asks: the short way costs a fifth.
const ENTRIES_ALONE: crate::conn::Dialect = sql!(
    postgres: "SELECT * FROM queue_entry WHERE id = ANY($1)",
);
const ITEMS_OF_ENTRIES: crate::conn::Dialect = sql!(
    postgres: "SELECT i.* FROM work_item i JOIN queue_entry e ON e.work_item_id = i.id WHERE e.id = ANY($1)",
);
const PROJECTS_OF_ENTRIES: crate::conn::Dialect = sql!(
    postgres: "SELECT * FROM project WHERE id IN (SELECT project_id FROM queue_entry WHERE id = ANY($1))",
);

/// Where the answers to questions about a working set will be.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    needs: Needs,
    runs: Option<Ticket>,
    edges: Option<Ticket>,
    entries: Option<Ticket>,
    open: Option<Ticket>,
    items: Option<Ticket>,
    projects: Option<Ticket>,
    virtual_time: Option<Ticket>,
    next_lines: Option<Ticket>,
}

/// What was loaded besides the rows of the working set.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    /// Everything that depends on these items was asked for.
    pub dependents_of: Dependents,
    /// Items whose open entries were asked for.
    pub open_of: BTreeSet<WorkItemId>,
    pub virtual_time: Option<u64>,
    /// The next lines of runs that are logged to.
    pub next_lines: Vec<(i64, u64)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dependents {
    #[default]
    Unknown,
    Known,
}

impl Asked {
    /// Whether the answers are those to the same question.
    pub fn is_about(&self, needs: &Needs) -> bool {
        self.needs == *needs
    }
}

/// Asks for everything, where it is little; awaits nothing once the statements are prepared.
pub(crate) async fn ask(piped: &mut Piped, needs: &Needs) -> Result<Option<Asked>, StoreError> {
    if needs.entries.len() + ids_besides_entries(needs) > FEW {
        return Ok(None);
    }
    let runs: Vec<i64> = needs
        .runs
        .union(&needs.finishing)
        .map(|id| id.get())
        .collect();
    let finishing: Vec<i64> = needs.finishing.iter().map(|id| id.get()).collect();
    let entries: Vec<i64> = needs.entries.iter().map(|id| id.get()).collect();
    let items: Vec<i64> = needs.items.iter().map(|id| id.get()).collect();
    let of: Vec<i64> = needs.dependents_of.iter().map(|id| id.get()).collect();
    let projects: Vec<i64> = needs.projects.iter().map(|id| id.get()).collect();
    let all =
        || [&entries, &runs, &finishing, &of, &items, &projects].map(|ids| Value::Ids(ids.clone()));
    let of_entries = || Vec::from(all()).into_iter().take(4).collect::<Vec<_>>();
    let of_items = || Vec::from(all()).into_iter().take(5).collect::<Vec<_>>();
    let ids = |ids: &Vec<i64>| vec![Value::Ids(ids.clone())];
    let has_dependents = !finishing.is_empty() || !of.is_empty();
    let has_entries = has_dependents || !entries.is_empty() || !runs.is_empty();
    let has_items = has_entries || !items.is_empty();
    let mut asked = Asked {
        needs: needs.clone(),
        ..Asked::default()
    };
    if needs.starts == Starts::Some {
        asked.virtual_time = Some(piped.ask(project::VIRTUAL_TIME, Vec::new()).await?);
    }
    let alone = ids_besides_entries(needs) == 0 && projects.is_empty() && needs.logged.is_empty();
    if alone && has_entries {
        let of = || vec![Value::Ids(entries.clone())];
        asked.entries = Some(piped.ask(ENTRIES_ALONE.postgres, of()).await?);
        asked.items = Some(piped.ask(ITEMS_OF_ENTRIES.postgres, of()).await?);
        asked.projects = Some(piped.ask(PROJECTS_OF_ENTRIES.postgres, of()).await?);
        return Ok(Some(asked));
    }
    if !runs.is_empty() {
        asked.runs = Some(piped.ask(run::BY_IDS, ids(&runs)).await?);
    }
    if has_dependents {
        let values = vec![Value::Ids(finishing.clone()), Value::Ids(of.clone())];
        asked.edges = Some(piped.ask(EDGES.postgres, values).await?);
    }
    if has_entries {
        asked.entries = Some(piped.ask(ENTRIES.postgres, of_entries()).await?);
    }
    if !items.is_empty() {
        asked.open = Some(piped.ask(queue::OPEN_OF, ids(&items)).await?);
    }
    if has_items {
        asked.items = Some(piped.ask(ITEMS.postgres, of_items()).await?);
    }
    if has_items || !projects.is_empty() {
        asked.projects = Some(piped.ask(PROJECTS.postgres, all().into()).await?);
    }
    if !needs.logged.is_empty() {
        let logged = needs.logged.iter().map(|id| id.get()).collect();
        asked.next_lines = Some(piped.ask(log::NEXT_SEQS, ids(&logged)).await?);
    }
    Ok(Some(asked))
}

fn ids_besides_entries(needs: &Needs) -> usize {
    needs.runs.len() + needs.finishing.len() + needs.items.len() + needs.dependents_of.len()
}

/// The first unclaimed runs and ready entries of each project, asked for together.
pub(crate) async fn candidates(
    piped: &mut Piped,
    now: Timestamp,
    most: i64,
) -> Result<(BTreeSet<RunId>, BTreeSet<QueueEntryId>), StoreError> {
    let values = vec![Value::from(most)];
    let runs = piped.ask(run::UNCLAIMED.postgres, values).await?;
    let values = queue::ready_at(now, most).map(Value::from);
    let entries = piped.ask(queue::READY.postgres, values.into()).await?;
    let runs = piped.answer::<(i64,)>(runs).await?;
    let entries = piped.answer::<(i64,)>(entries).await?;
    Ok((
        runs.into_iter().map(|(id,)| RunId(id)).collect(),
        entries.into_iter().map(|(id,)| QueueEntryId(id)).collect(),
    ))
}

/// Takes the answers into the working set.
pub(crate) async fn take(
    piped: &mut Piped,
    asked: Asked,
    w: &mut Working,
) -> Result<Ahead, StoreError> {
    let mut ahead = Ahead::default();
    if let Some(ticket) = asked.runs {
        for run in nouns::<run::Row>(piped.answer(ticket).await?)? {
            w.runs.insert(run.id, run);
        }
    }
    if let Some(ticket) = asked.edges {
        ahead.dependents_of = Dependents::Known;
        for (on, entry) in piped.answer::<(i64, i64)>(ticket).await? {
            let waiting = w.dependents.entry(WorkItemId(on)).or_default();
            waiting.insert(QueueEntryId(entry));
        }
    }
    if let Some(ticket) = asked.entries {
        for entry in nouns::<queue::Row>(piped.answer(ticket).await?)? {
            insert_entry(w, entry);
        }
    }
    if let Some(ticket) = asked.open {
        ahead.open_of = asked.needs.items;
        for entry in nouns::<queue::Row>(piped.answer(ticket).await?)? {
            insert_entry(w, entry);
        }
    }
    if let Some(ticket) = asked.items {
        for item in nouns::<work_item::Row>(piped.answer(ticket).await?)? {
            w.items.insert(item.id, item);
        }
    }
    if let Some(ticket) = asked.projects {
        for project in nouns::<project::Row>(piped.answer(ticket).await?)? {
            w.projects.insert(project.id, project);
        }
    }
    if let Some(ticket) = asked.virtual_time {
        let pass = piped.answer::<(Option<i64>,)>(ticket).await?;
        ahead.virtual_time = Some(project::time_of(pass.first().and_then(|(pass,)| *pass)));
    }
    if let Some(ticket) = asked.next_lines {
        ahead.next_lines = log::next_lines(piped.answer(ticket).await?);
    }
    Ok(ahead)
}
