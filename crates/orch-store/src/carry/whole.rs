//! The whole of it: all tables in one transaction, then the proof that they arrived.

use serde::Serialize;

use super::bytes::{self, Bytes};
use super::plan::{self, BLOB, LOG_CHUNK, Plan};
use super::side::{self, Open, Side};
use super::{CarryError, catalogue, counters, logs, rows};
use crate::audit_check::{self, SignedHeads};

/// How far a table is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    pub table: &'a str,
    pub done: u64,
    /// As counted in the beginning.
    pub of: i64,
}

/// So many rows pass between two words of progress.
const ROWS_PER_WORD: u64 = 50_000;

/// Counts rows, and says so from time to time.
pub(super) struct Meter<'a> {
    table: &'a str,
    of: i64,
    done: u64,
    tell: &'a mut (dyn FnMut(Progress<'_>) + Send),
}

impl Meter<'_> {
    pub fn one(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(ROWS_PER_WORD) {
            self.tell();
        }
    }

    fn tell(&mut self) {
        let Self {
            table, of, done, ..
        } = *self;
        (self.tell)(Progress { table, done, of });
    }
}

/// The rows of a table on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counted {
    pub table: String,
    pub source: i64,
    pub target: i64,
}

/// What was carried over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Carried {
    pub tables: Vec<Counted>,
    /// Entries of the audit chain, each checked on the target.
    pub audit_entries: i64,
    /// The hash of the last one; 64 hex digits.
    pub audit_head: String,
    /// What did not come along, and what is left to do.
    pub notes: Vec<String>,
}

/// Carries an installation into an empty database of the other kind, whose schema is brought
/// forward first. A failure leaves it empty.
///
/// # Errors
/// When a side cannot be used, or what arrived is not what was sent.
pub async fn carry(
    from: &Side,
    to: &Side,
    tell: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Carried, CarryError> {
    let kind = from.database.kind();
    if kind == to.database.kind() {
        return Err(CarryError::SameKind { kind });
    }
    let mut source = side::source(from).await?;
    let mut target = side::target(to).await?;
    let mark = target.files.as_mut().map(|files| files.writer.mark());
    match everything(&mut source, &mut target, tell).await {
        Ok(carried) => {
            if let Some(files) = &mut target.files {
                files.writer.sync().map_err(crate::StoreError::from)?;
            }
            target.conn.commit().await?;
            Ok(carried)
        }
        Err(error) => {
            if let (Some(files), Some(mark)) = (&mut target.files, mark)
                && let Err(error) = files.writer.rollback_to(mark)
            {
                // Lines that no row names cost space alone.
                tracing::warn!(%error, "log lines of the attempt were left in the log folder");
            }
            Err(error)
        }
    }
}

async fn everything(
    source: &mut Open,
    target: &mut Open,
    tell: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Carried, CarryError> {
    let plan = plan::plan(&mut source.conn, &mut target.conn).await?;
    plan::require_empty(&mut target.conn, &plan).await?;
    let mut notes = Vec::new();
    for table in &plan.tables {
        let mut meter = Meter {
            table: &table.name,
            of: table.rows,
            done: 0,
            tell,
        };
        if table.name == LOG_CHUNK {
            let unread = logs::copy(source, target, table, &mut meter).await?;
            if unread > 0 {
                notes.push(format!(
                    "{unread} log chunks cannot be read in the source; readers are told so on the target, too"
                ));
            }
        } else {
            rows::copy(&mut source.conn, &mut target.conn, table, &mut meter)
                .await
                .map_err(CarryError::table(&table.name))?;
        }
        meter.tell();
    }
    let bytes = carry_bytes(source, target, &plan, tell, &mut notes).await?;
    let checked = audit_check::chain(&mut target.conn, &SignedHeads::new()).await?;
    if let Some(bad) = checked.first_bad {
        return Err(CarryError::BrokenChain(bad));
    }
    counters::set(&mut source.conn, &mut target.conn, &plan, checked.head).await?;
    for table in &plan.left_behind {
        notes.push(format!(
            "`{table}` of the source has no counterpart and was left there"
        ));
    }
    Ok(Carried {
        tables: counted(target, &plan, bytes).await?,
        audit_entries: checked.head.seq,
        audit_head: hex::encode(checked.head.hash),
        notes,
    })
}

async fn carry_bytes(
    source: &mut Open,
    target: &mut Open,
    plan: &Plan,
    tell: &mut (dyn FnMut(Progress<'_>) + Send),
    notes: &mut Vec<String>,
) -> Result<Option<Bytes>, CarryError> {
    if !plan.blobs {
        notes.push(
            "artifact bytes stay in files: start the server with the same data folder".to_owned(),
        );
        return Ok(None);
    }
    let of: (i64,) = rows::fetch_one(
        &mut source.conn,
        "SELECT count(DISTINCT sha256) FROM artifact".to_owned(),
    )
    .await?;
    let mut meter = Meter {
        table: BLOB,
        of: of.0,
        done: 0,
        tell,
    };
    let bytes = bytes::copy(source, target, &mut meter).await?;
    meter.tell();
    for sha256 in &bytes.lost {
        notes.push(format!(
            "the bytes of the artifact {sha256} are damaged or gone in the source"
        ));
    }
    Ok(Some(bytes))
}

/// Counts both sides again, table by table.
async fn counted(
    target: &mut Open,
    plan: &Plan,
    bytes: Option<Bytes>,
) -> Result<Vec<Counted>, CarryError> {
    let mut tables = Vec::new();
    for table in &plan.tables {
        tables.push(Counted {
            table: table.name.clone(),
            source: table.rows,
            target: catalogue::count(&mut target.conn, &table.name).await?,
        });
    }
    if let Some(bytes) = bytes {
        let stored = match target.files {
            None => catalogue::count(&mut target.conn, BLOB).await?,
            Some(_) => bytes.carried,
        };
        tables.push(Counted {
            table: BLOB.to_owned(),
            source: bytes.carried,
            target: stored,
        });
    }
    for counted in &tables {
        if counted.source != counted.target {
            return Err(CarryError::Miscounted {
                table: counted.table.clone(),
                from: counted.source,
                to: counted.target,
            });
        }
    }
    Ok(tables)
}
