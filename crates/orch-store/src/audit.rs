//! The audit chain in the database: appended to in the transaction of what it records.

use orch_core::audit::{Entry, GENESIS, Head};
use orch_core::event::Event;
use orch_core::ids::ProjectId;
use orch_core::time::Timestamp;

use crate::bulk::{bulk, cells};
use crate::conn::{all, listing, optional};
use crate::inline::row;
use crate::stored::{Lenient, stored};
use crate::{Conn, Found, Page, StoreError};

row! {
    pub(crate) struct Row {
        seq: i64,
        at: i64,
        actor: String,
        kind: String,
        project_id: Option<i64>,
        body: String,
        hash: Vec<u8>,
    }
}

/// A stored entry with its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub entry: Entry,
    pub hash: Vec<u8>,
}

stored!(Row, "audit" by seq => Stored, json: body);

impl From<Row> for Stored {
    fn from(row: Row) -> Self {
        let Row {
            seq,
            at,
            actor,
            kind,
            project_id,
            body,
            hash,
        } = row;
        Self {
            entry: Entry {
                seq,
                at_us: at,
                actor,
                kind,
                project_id,
                body,
            },
            hash,
        }
    }
}

/// The chain's end.
pub(crate) async fn head(conn: &mut Conn) -> Result<Head, StoreError> {
    let last = optional!(
        conn,
        (i64, Vec<u8>),
        "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1"
    )?;
    Ok(last.map_or(Head::EMPTY, |(seq, hash)| Head {
        seq,
        hash: hash.try_into().unwrap_or(GENESIS),
    }))
}

bulk!(
    APPEND,
    "INSERT INTO audit (seq, at, actor, kind, project_id, body, hash) VALUES ",
    [Int, Int, Text, Text, Int, Text, Bytes],
    ""
);

/// Appends events; answers the new end.
pub(crate) async fn append(
    conn: &mut Conn,
    mut head: Head,
    now: Timestamp,
    events: Vec<(String, Event)>,
) -> Result<Head, StoreError> {
    if events.is_empty() {
        return Ok(head);
    }
    let mut rows = Vec::with_capacity(events.len() * 7);
    for (actor, event) in events {
        let entry = Entry {
            seq: head.seq + 1,
            at_us: now.as_micros(),
            actor,
            kind: event.kind.to_owned(),
            project_id: event.project_id.map(ProjectId::get),
            body: event.data.into_text(),
        };
        head = head.append(&entry);
        cells!(rows;
            entry.seq,
            entry.at_us,
            entry.actor,
            entry.kind,
            entry.project_id,
            entry.body,
            head.hash.to_vec(),
        );
    }
    APPEND.run(conn, rows).await?;
    Ok(head)
}

/// Which entries to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub project: Option<ProjectId>,
    pub kind: Option<String>,
    pub actor: Option<String>,
}

/// Entries that match, by place in the chain.
///
/// # Errors
/// When the database fails.
pub async fn list(
    conn: &mut Conn,
    filter: &Filter,
    page: Page,
) -> Result<Found<Stored>, StoreError> {
    let sql = listing!(
        page,
        "SELECT * FROM audit WHERE (CAST($1 AS BIGINT) IS NULL OR project_id = $1) AND (CAST($2 AS TEXT) IS NULL OR kind = $2)
            AND (CAST($3 AS TEXT) IS NULL OR actor = $3)",
        "seq",
        "$4",
        "$5"
    );
    let rows = all!(
        conn,
        Lenient<Row>,
        sql,
        filter.project.map(ProjectId::get),
        filter.kind.clone(),
        filter.actor.clone(),
        page.after,
        page.limit
    )?;
    Ok(Found::page::<Row>(rows, page))
}
