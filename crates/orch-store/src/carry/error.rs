//! Why an installation was not carried over. The target is as it was then.

use std::borrow::Cow;
use std::path::PathBuf;

use crate::StoreError;
use crate::schema::SchemaError;

/// Why nothing was carried.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    #[error("source and target are both {kind}")]
    SameKind { kind: &'static str },
    #[error("there is no database at {}", file.display())]
    NoSource { file: PathBuf },
    #[error("failed to open the source {database}")]
    Source {
        database: String,
        source: StoreError,
    },
    #[error("failed to open the target {database}")]
    Target {
        database: String,
        source: StoreError,
    },
    #[error("{servers} connections of servers are open to the source")]
    InUse { servers: i64 },
    #[error("the target is not empty: `{table}` has {rows} rows")]
    NotEmpty { table: String, rows: i64 },
    #[error("the source has {chunks} log chunks, and there is no log folder {}", folder.display())]
    NoLogs { folder: PathBuf, chunks: i64 },
    #[error("none of {chunks} log chunks can be read in {}", folder.display())]
    WrongLogs { folder: PathBuf, chunks: u64 },
    #[error("the target has no column `{column}` of `{table}`")]
    NoColumn { table: String, column: String },
    #[error("column `{column}` of `{table}` has the type `{kind}`, which cannot be carried")]
    UnknownType {
        table: String,
        column: String,
        kind: String,
    },
    #[error("tables of the target refer to each other in a circle")]
    Circle,
    #[error("failed to carry `{table}` over")]
    Table { table: String, source: StoreError },
    #[error("`{table}` has {from} rows in the source and {to} in the target")]
    Miscounted { table: String, from: i64, to: i64 },
    #[error("the audit chain is broken: {0}")]
    BrokenChain(String),
    #[error("failed to read or write {}", path.display())]
    Artifact {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CarryError {
    /// What to do about it, where something can be done.
    #[must_use]
    pub fn next_step(&self) -> Option<Cow<'static, str>> {
        if let Self::Source {
            source: StoreError::Reach(fault),
            ..
        }
        | Self::Target {
            source: StoreError::Reach(fault),
            ..
        } = self
        {
            return Some(fault.next_step());
        }
        self.plain_step().map(Cow::Borrowed)
    }

    const fn plain_step(&self) -> Option<&'static str> {
        Some(match self {
            Self::SameKind { .. } => {
                "name a SQLite file and a PostgreSQL database; copies of one kind are made with its own tools"
            }
            Self::NoSource { .. } => "check the path: sqlite:////absolute or sqlite:///relative",
            Self::Source {
                source: StoreError::Schema(SchemaError::Older { .. }),
                ..
            } => "bring the source forward with `codex-orchestrator migrate --database-url …`",
            Self::Source {
                source: StoreError::Schema(fault),
                ..
            }
            | Self::Target {
                source: StoreError::Schema(fault),
                ..
            } => fault.next_step(),
            Self::Source {
                source: StoreError::Log(_),
                ..
            }
            | Self::InUse { .. } => "stop every server of the source first",
            Self::Source { .. } | Self::Target { .. } => {
                "check that the database can be reached, and its user's rights"
            }
            Self::NotEmpty { .. } => "name a new, empty database",
            Self::NoLogs { .. } | Self::WrongLogs { .. } => {
                "name the source's log folder with --logs"
            }
            Self::BrokenChain(_) => {
                "see `codex-orchestrator audit verify`; a broken chain is not carried over"
            }
            Self::NoColumn { .. }
            | Self::UnknownType { .. }
            | Self::Circle
            | Self::Table { .. }
            | Self::Miscounted { .. }
            | Self::Artifact { .. }
            | Self::Store(_) => return None,
        })
    }

    pub(super) fn table(table: &str) -> impl FnOnce(StoreError) -> Self {
        let table = table.to_owned();
        move |source| Self::Table { table, source }
    }
}

impl From<sqlx::Error> for CarryError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
