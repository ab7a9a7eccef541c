//! Rows that are read one by one, so that one which cannot be read hides no other.
//!
//! Whoever lists takes what can be read, and has the rest named; whoever decides takes all or
//! nothing.

use serde::de::IgnoredAny;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow as SqlxRow, Row as _};

use crate::inline::FromRow;
use crate::{Key, Page, StoreError, Unreadable};

/// A row of a table, and what it stands for.
pub(crate) trait Stored: FromRow {
    const TABLE: &'static str;
    /// The column that names the row.
    const KEY: &'static str;
    type Noun;

    fn key(&self) -> Key;

    /// # Errors
    /// When a column holds what cannot be.
    fn noun(self) -> Result<Self::Noun, StoreError>;
}

/// Says which table a row is of, and which of its texts are JSON.
macro_rules! stored {
    ($row:ty, $table:literal by $key:ident => $noun:ty $(, json: $($text:ident)+)?) => {
        impl $crate::stored::Stored for $row {
            const TABLE: &'static str = $table;
            const KEY: &'static str = stringify!($key);
            type Noun = $noun;

            fn key(&self) -> $crate::Key {
                $crate::Key::from(&self.$key)
            }

            fn noun(self) -> Result<$noun, $crate::StoreError> {
                $($($crate::stored::Json::check(&self.$text, stringify!($text))?;)+)?
                <$noun>::try_from(self).map_err($crate::StoreError::from)
            }
        }
    };
}

pub(crate) use stored;

/// A text that is JSON.
pub(crate) trait Json {
    fn check(&self, column: &'static str) -> Result<(), StoreError>;
}

impl Json for String {
    fn check(&self, column: &'static str) -> Result<(), StoreError> {
        match serde_json::from_str::<IgnoredAny>(self) {
            Ok(_) => Ok(()),
            Err(_) => Err(StoreError::no_json(column)),
        }
    }
}

impl Json for Option<String> {
    fn check(&self, column: &'static str) -> Result<(), StoreError> {
        self.as_ref().map_or(Ok(()), |text| text.check(column))
    }
}

/// A row, or why its columns cannot be read.
pub(crate) struct Lenient<R>(Result<R, Box<Unreadable>>);

impl<R: Stored> Lenient<R> {
    fn key(&self) -> Key {
        match &self.0 {
            Ok(row) => row.key(),
            Err(unreadable) => unreadable.key.clone(),
        }
    }

    /// What the row stands for.
    pub(crate) fn noun(self) -> Result<R::Noun, Box<Unreadable>> {
        let row = self.0?;
        let key = row.key();
        row.noun().map_err(|error| {
            let (column, what) = match error {
                StoreError::Corrupt { column, what } => (Some(column.to_owned()), what),
                other => (None, other.to_string()),
            };
            Box::new(Unreadable {
                table: R::TABLE,
                key,
                column,
                what,
            })
        })
    }

    fn unreadable(key: Key, column: Option<String>, what: String) -> Self {
        Self(Err(Box::new(Unreadable {
            table: R::TABLE,
            key,
            column,
            what,
        })))
    }
}

/// All of them, or the first that cannot be read.
pub(crate) fn nouns<R: Stored>(rows: Vec<Lenient<R>>) -> Result<Vec<R::Noun>, StoreError> {
    let mut nouns = Vec::with_capacity(rows.len());
    for row in rows {
        nouns.push(row.noun()?);
    }
    Ok(nouns)
}

/// One row's, where there is one.
pub(crate) fn noun<R: Stored>(row: Option<Lenient<R>>) -> Result<Option<R::Noun>, StoreError> {
    Ok(row.map(Lenient::noun).transpose()?)
}

/// What was found: what of it can be read, and which rows cannot.
#[must_use]
#[derive(Debug)]
pub struct Found<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) unreadable: Vec<Unreadable>,
    /// Where the next page begins.
    pub(crate) next: Option<i64>,
}

/// What was found and can be read; what cannot has been named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    pub rows: Vec<T>,
    /// The cursor of the next page, where this one is full: rows that cannot be read count.
    pub next: Option<i64>,
}

impl<T> Found<T> {
    pub(crate) fn of<R: Stored<Noun = T>>(rows: Vec<Lenient<R>>) -> Self {
        let mut found = Self {
            rows: Vec::with_capacity(rows.len()),
            unreadable: Vec::new(),
            next: None,
        };
        for row in rows {
            match row.noun() {
                Ok(noun) => found.rows.push(noun),
                Err(unreadable) => found.unreadable.push(*unreadable),
            }
        }
        found
    }

    pub(crate) fn page<R: Stored<Noun = T>>(rows: Vec<Lenient<R>>, page: Page) -> Self {
        let is_full = i64::try_from(rows.len()).is_ok_and(|read| read >= page.limit);
        let last = rows.last().filter(|_| is_full).map(Lenient::key);
        let next = match last {
            Some(Key::Number(id)) => Some(id),
            Some(Key::Name(_)) | None => None,
        };
        Self {
            next,
            ..Self::of(rows)
        }
    }

    /// All of it, for whoever decides.
    ///
    /// # Errors
    /// The first row that cannot be read.
    pub fn whole(self) -> Result<Vec<T>, StoreError> {
        match self.unreadable.into_iter().next() {
            Some(unreadable) => Err(StoreError::Unreadable(Box::new(unreadable))),
            None => Ok(self.rows),
        }
    }

    /// The cursor of the next page, where this one is full.
    #[must_use]
    pub const fn next(&self) -> Option<i64> {
        self.next
    }

    /// The rows that cannot be read.
    #[must_use]
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }
}

impl<R: Stored> FromRow for Lenient<R> {
    const COLUMNS: &'static [&'static str] = R::COLUMNS;

    fn read(row: &rusqlite::Row<'_>, places: &[usize]) -> rusqlite::Result<Self> {
        let (at, what) = match R::read(row, places) {
            Ok(read) => return Ok(Self(Ok(read))),
            Err(rusqlite::Error::InvalidColumnType(at, _, found)) => {
                (at, format!("holds {found} where another type belongs"))
            }
            Err(rusqlite::Error::FromSqlConversionFailure(at, _, cause)) => {
                (at, format!("holds what cannot be read: {cause}"))
            }
            Err(rusqlite::Error::Utf8Error(at, cause)) => {
                (at, format!("holds what cannot be read: {cause}"))
            }
            Err(error) => return Err(error),
        };
        let key = R::COLUMNS.iter().position(|column| *column == R::KEY);
        let key = key.and_then(|key| row.get_ref(*places.get(key)?).ok());
        let key = match key {
            Some(rusqlite::types::ValueRef::Integer(id)) => Key::Number(id),
            Some(rusqlite::types::ValueRef::Text(name)) => {
                Key::Name(String::from_utf8_lossy(name).into_owned())
            }
            Some(_) | None => Key::unknown(),
        };
        let column = row.as_ref().column_name(at).ok().map(str::to_owned);
        Ok(Self::unreadable(key, column, what))
    }

    fn read_piped(
        row: &tokio_postgres::Row,
        places: &[usize],
    ) -> Result<Self, tokio_postgres::Error> {
        let error = match R::read_piped(row, places) {
            Ok(read) => return Ok(Self(Ok(read))),
            Err(error) => error,
        };
        let key = match (row.try_get(R::KEY), row.try_get(R::KEY)) {
            (Ok(id), _) => Key::Number(id),
            (_, Ok(name)) => Key::Name(name),
            (Err(_), Err(_)) => Key::unknown(),
        };
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let what = cause.unwrap_or_else(|| error.to_string());
        Ok(Self::unreadable(
            key,
            None,
            format!("a column holds what cannot be read: {what}"),
        ))
    }
}

impl<'r, R: Stored + SqlxRow<'r, SqliteRow>> SqlxRow<'r, SqliteRow> for Lenient<R> {
    fn from_row(row: &'r SqliteRow) -> sqlx::Result<Self> {
        let key = || match (row.try_get(R::KEY), row.try_get(R::KEY)) {
            (Ok(id), _) => Key::Number(id),
            (_, Ok(name)) => Key::Name(name),
            (Err(_), Err(_)) => Key::unknown(),
        };
        lenient(R::from_row(row), key)
    }
}

impl<'r, R: Stored + SqlxRow<'r, PgRow>> SqlxRow<'r, PgRow> for Lenient<R> {
    fn from_row(row: &'r PgRow) -> sqlx::Result<Self> {
        let key = || match (row.try_get(R::KEY), row.try_get(R::KEY)) {
            (Ok(id), _) => Key::Number(id),
            (_, Ok(name)) => Key::Name(name),
            (Err(_), Err(_)) => Key::unknown(),
        };
        lenient(R::from_row(row), key)
    }
}

fn lenient<R: Stored>(
    read: sqlx::Result<R>,
    key: impl FnOnce() -> Key,
) -> sqlx::Result<Lenient<R>> {
    match read {
        Ok(row) => Ok(Lenient(Ok(row))),
        Err(sqlx::Error::ColumnDecode { index, source }) => {
            let column = index.trim_matches('"').to_owned();
            let what = format!("holds what cannot be read: {source}");
            Ok(Lenient::unreadable(key(), Some(column), what))
        }
        Err(sqlx::Error::Decode(source)) => {
            let what = format!("a column holds what cannot be read: {source}");
            Ok(Lenient::unreadable(key(), None, what))
        }
        Err(error) => Err(error),
    }
}
