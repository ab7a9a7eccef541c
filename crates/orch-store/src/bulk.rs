//! Statements over many rows, with typed values.
//!
//! The connection that writes to PostgreSQL gets each column as one array, `FROM unnest($1, $2)`.
//! SQLite's, which is in this process and on this thread, is given the rows one by one. Others get
//! `VALUES ($1, $2), ($3, $4), …` in groups of a power of two, so that a few prepared statements
//! serve every number of rows; SQLite with `?` in place of `$1`: it looks names up one after
//! another, which would make a statement's cost grow with the square of its values.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use sqlx::AssertSqlSafe;

use crate::conn::Link;
use crate::piped::Columns;
use crate::{Conn, StoreError};

/// The largest group is 2^(SIZES-1) rows.
const SIZES: usize = 8;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Text,
    Bytes,
}

/// A value of a row. The databases need to know the type of what is absent, too.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Cell {
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Int(_) => Kind::Int,
            Self::Text(_) => Kind::Text,
            Self::Bytes(_) => Kind::Bytes,
        }
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Cell {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<Option<&str>> for Cell {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}

impl From<Option<String>> for Cell {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<&[u8]> for Cell {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}

impl From<Vec<u8>> for Cell {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(Some(value))
    }
}

impl From<Option<Vec<u8>>> for Cell {
    fn from(value: Option<Vec<u8>>) -> Self {
        Self::Bytes(value)
    }
}

impl rusqlite::ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Self::Int(value) => value.to_sql(),
            Self::Text(value) => value.to_sql(),
            Self::Bytes(value) => value.to_sql(),
        }
    }
}

/// A statement whose rows stand between `head` and `tail`.
pub(crate) struct Bulk {
    head: Cow<'static, str>,
    tail: &'static str,
    /// The same for one row, where there is a shorter way; its values are `?1`, `?2`, ….
    one: Option<&'static str>,
    width: usize,
    /// What the columns hold, where that is known beforehand.
    kinds: &'static [Kind],
    arrays: OnceLock<Arc<str>>,
    sqlite: [OnceLock<Arc<str>>; SIZES],
    postgres: [OnceLock<Arc<str>>; SIZES],
}

/// How a value is written.
#[derive(Clone, Copy)]
enum Placeholder {
    Anonymous,
    Numbered,
}

impl Bulk {
    pub(crate) const fn new(
        head: &'static str,
        kinds: &'static [Kind],
        tail: &'static str,
    ) -> Self {
        let mut known = Self::of(Cow::Borrowed(head), kinds.len(), tail);
        known.kinds = kinds;
        known
    }

    /// A statement whose columns are known at run time alone.
    pub(crate) const fn of(head: Cow<'static, str>, width: usize, tail: &'static str) -> Self {
        Self {
            head,
            tail,
            one: None,
            width,
            kinds: &[],
            arrays: OnceLock::new(),
            sqlite: [const { OnceLock::new() }; SIZES],
            postgres: [const { OnceLock::new() }; SIZES],
        }
    }

    /// With a shorter text for a single row on SQLite.
    pub(crate) const fn or_one(mut self, text: &'static str) -> Self {
        self.one = Some(text);
        self
    }

    fn text(&self, size: usize, placeholder: Placeholder) -> Arc<str> {
        let texts = match placeholder {
            Placeholder::Anonymous => &self.sqlite,
            Placeholder::Numbered => &self.postgres,
        };
        let made = texts[size].get_or_init(|| {
            let mut text = String::from(&*self.head);
            for row in 0..1_usize << size {
                text.push_str(if row == 0 { "(" } else { "), (" });
                for column in 0..self.width {
                    if column > 0 {
                        text.push_str(", ");
                    }
                    match placeholder {
                        Placeholder::Anonymous => text.push('?'),
                        Placeholder::Numbered => {
                            text.push('$');
                            text.push_str(&(row * self.width + column + 1).to_string());
                        }
                    }
                }
            }
            text.push(')');
            text.push_str(self.tail);
            Arc::from(text)
        });
        Arc::clone(made)
    }

    /// The text whose columns are arrays.
    pub(crate) fn over_arrays(&self) -> Arc<str> {
        let made = self.arrays.get_or_init(|| {
            let each = |of: &dyn Fn(usize) -> String| {
                let all: Vec<String> = (1..=self.width).map(of).collect();
                all.join(", ")
            };
            let columns = each(&|place| match self.kinds[place - 1] {
                Kind::Int => format!("CAST(${place} AS BIGINT[])"),
                Kind::Text => format!("CAST(${place} AS TEXT[])"),
                Kind::Bytes => format!("CAST(${place} AS BYTEA[])"),
            });
            let text = match self.head.strip_suffix("(VALUES ") {
                // The names that SQLite gives to the columns of VALUES.
                Some(head) => {
                    let tail = self.tail.strip_prefix(") v").unwrap_or(self.tail);
                    let names = each(&|place| format!("column{place}"));
                    format!("{head}unnest({columns}) AS v ({names}){tail}")
                }
                None => {
                    let head = self.head.trim_end_matches("VALUES ");
                    format!("{head}SELECT * FROM unnest({columns}){}", self.tail)
                }
            };
            Arc::from(text)
        });
        Arc::clone(made)
    }

    /// The shorter text for one row on SQLite.
    #[cfg(test)]
    pub(crate) const fn one(&self) -> Option<&'static str> {
        self.one
    }

    /// The statement for one row, to be prepared by the test of all statements.
    #[cfg(test)]
    pub(crate) fn one_row(&self) -> (Arc<str>, Arc<str>) {
        (
            self.text(0, Placeholder::Anonymous),
            self.text(0, Placeholder::Numbered),
        )
    }

    /// Runs the statement over all rows; `cells` holds them one after another.
    pub(crate) async fn run(&self, conn: &mut Conn, cells: Vec<Cell>) -> Result<(), StoreError> {
        debug_assert!(
            cells.len().is_multiple_of(self.width),
            "a row has {} cells",
            self.width
        );
        if cells.is_empty() {
            return Ok(());
        }
        if let Link::Piped(piped) = conn.link() {
            debug_assert!(
                cells
                    .chunks(self.width)
                    .all(|row| row.iter().map(Cell::kind).eq(self.kinds.iter().copied())),
                "the kinds of {} are others",
                self.head
            );
            let columns = Columns::new(cells, self.kinds);
            return Ok(piped.send_columns(&self.over_arrays(), columns).await?);
        }
        if let Link::Inline(inline) = conn.link() {
            let whole;
            let text = match self.one {
                Some(text) => text,
                None => {
                    whole = self.text(0, Placeholder::Anonymous);
                    &whole
                }
            };
            return Ok(inline.execute_each(text, self.width, &cells)?);
        }
        let mut cells = cells.into_iter();
        while cells.len() > 0 {
            let rows = cells.len() / self.width;
            let size = (rows.ilog2() as usize).min(SIZES - 1);
            let group = cells.by_ref().take(self.width << size);
            match conn.link() {
                Link::Inline(_) | Link::Piped(_) => {
                    unreachable!("invariant: it was given its rows above")
                }
                Link::Sqlite(link) => {
                    let text = AssertSqlSafe(self.text(size, Placeholder::Anonymous));
                    let query = group.fold(sqlx::query(text), |query, cell| match cell {
                        Cell::Int(value) => query.bind(value),
                        Cell::Text(value) => query.bind(value),
                        Cell::Bytes(value) => query.bind(value),
                    });
                    query.execute(link).await.map(drop)?;
                }
                Link::Postgres(link) => {
                    let text = AssertSqlSafe(self.text(size, Placeholder::Numbered));
                    let query = group.fold(sqlx::query(text), |query, cell| match cell {
                        Cell::Int(value) => query.bind(value),
                        Cell::Text(value) => query.bind(value),
                        Cell::Bytes(value) => query.bind(value),
                    });
                    query.execute(link).await.map(drop)?;
                }
            }
        }
        Ok(())
    }
}

/// Several values as cells.
macro_rules! cells {
    ($to:expr; $($value:expr),* $(,)?) => {
        $to.extend([$($crate::bulk::Cell::from($value)),*])
    };
}

/// Declares bulk statements and notes them for the test that prepares all statements. The kinds of
/// the columns stand between head and tail.
macro_rules! bulk {
    ($(#[$doc:meta])* $name:ident, $head:expr, [$($kind:ident),+ $(,)?], $tail:expr $(, one: $one:expr)?) => {
        $(#[$doc])*
        static $name: $crate::bulk::Bulk =
            $crate::bulk::Bulk::new($head, &[$($crate::bulk::Kind::$kind),+], $tail)$(.or_one($one))?;
        #[cfg(test)]
        const _: () = {
            #[linkme::distributed_slice($crate::bulk::BULKS)]
            static NOTED: &$crate::bulk::Bulk = &$name;
        };
    };
}

/// Every bulk statement of this crate, for the test that prepares them.
#[cfg(test)]
#[linkme::distributed_slice]
pub(crate) static BULKS: [&Bulk];

pub(crate) use {bulk, cells};
