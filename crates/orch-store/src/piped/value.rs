//! Values on their way to the shared database: one by one, or a column of many rows as an array.

use std::error::Error;
use std::sync::Arc;

use bytes::{BufMut as _, BytesMut};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::bulk::{Cell, Kind};
use crate::conn::Ids;

type Written = Result<IsNull, Box<dyn Error + Sync + Send>>;

/// A value of a statement.
#[derive(Debug)]
pub(crate) enum Value {
    One(Cell),
    /// Where SQLite gets JSON.
    Ids(Vec<i64>),
}

macro_rules! from_cells {
    ($($type:ty),+) => {
        $(impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::One(Cell::from(value))
            }
        })+
    };
}

from_cells!(
    i64,
    Option<i64>,
    String,
    &str,
    Option<&str>,
    Option<String>,
    Vec<u8>,
    &[u8]
);

impl From<Ids> for Value {
    fn from(ids: Ids) -> Self {
        Self::Ids(ids.into_inner())
    }
}

impl Value {
    pub(super) fn of_type(&self) -> Type {
        match self {
            Self::One(cell) => one(cell.kind()),
            Self::Ids(_) => Type::INT8_ARRAY,
        }
    }
}

const fn one(kind: Kind) -> Type {
    match kind {
        Kind::Int => Type::INT8,
        Kind::Text => Type::TEXT,
        Kind::Bytes => Type::BYTEA,
    }
}

const fn many(kind: Kind) -> Type {
    match kind {
        Kind::Int => Type::INT8_ARRAY,
        Kind::Text => Type::TEXT_ARRAY,
        Kind::Bytes => Type::BYTEA_ARRAY,
    }
}

impl ToSql for Value {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Written {
        match self {
            Self::One(cell) => write(cell, out),
            Self::Ids(ids) => ids.to_sql(of, out),
        }
    }

    /// The statement was prepared for the type that it has.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn write(cell: &Cell, out: &mut BytesMut) -> Written {
    match cell {
        Cell::Int(value) => value.to_sql(&Type::INT8, out),
        Cell::Text(value) => value.to_sql(&Type::TEXT, out),
        Cell::Bytes(value) => value.to_sql(&Type::BYTEA, out),
    }
}

/// Rows of cells, taken apart into columns.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    cells: Arc<[Cell]>,
    kinds: &'static [Kind],
}

/// All values of one column.
#[derive(Debug)]
pub(super) struct Column {
    of: Columns,
    place: usize,
}

impl Columns {
    pub(crate) fn new(cells: Vec<Cell>, kinds: &'static [Kind]) -> Self {
        Self {
            cells: cells.into(),
            kinds,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.cells.len() / self.kinds.len().max(1)
    }

    pub(super) fn types(&self) -> Vec<Type> {
        self.kinds.iter().map(|kind| many(*kind)).collect()
    }

    pub(super) fn each(&self) -> Vec<Column> {
        let of = |place| Column {
            of: self.clone(),
            place,
        };
        (0..self.kinds.len()).map(of).collect()
    }
}

impl ToSql for Column {
    /// An array of one dimension: its header, then each value behind its length.
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Written {
        let (width, kind) = (self.of.kinds.len(), self.of.kinds[self.place]);
        let values = self.of.cells.iter().skip(self.place).step_by(width);
        let may_hold_null = 1;
        out.put_i32(1);
        out.put_i32(may_hold_null);
        out.put_u32(one(kind).oid());
        out.put_i32(i32::try_from(self.of.rows())?);
        out.put_i32(1);
        for value in values {
            let at = out.len();
            out.put_i32(-1);
            if let IsNull::No = write(value, out)? {
                let length = i32::try_from(out.len() - at - 4)?;
                out[at..at + 4].copy_from_slice(&length.to_be_bytes());
            }
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &dyn ToSql, of: &Type) -> Vec<u8> {
        let mut out = BytesMut::new();
        value.to_sql_checked(of, &mut out).expect("it is written");
        out.to_vec()
    }

    /// The elements; whether a null may be among them is a hint that PostgreSQL does not trust.
    fn elements(array: &[u8]) -> &[u8] {
        &array[8..]
    }

    #[test]
    fn a_column_is_written_as_the_driver_writes_an_array() {
        static KINDS: [Kind; 3] = [Kind::Int, Kind::Text, Kind::Bytes];
        let (ints, texts, bytes) = (
            [Some(1_i64), None],
            [None, Some("it's \u{1F600}".to_owned())],
            [Some(vec![0_u8, 255]), Some(Vec::new())],
        );
        let mut cells = Vec::new();
        for row in 0..2 {
            cells.push(Cell::Int(ints[row]));
            cells.push(Cell::Text(texts[row].clone()));
            cells.push(Cell::Bytes(bytes[row].clone()));
        }
        let columns = Columns::new(cells, &KINDS);
        assert_eq!(columns.rows(), 2);
        let arrays: [&dyn ToSql; 3] = [&ints.to_vec(), &texts.to_vec(), &bytes.to_vec()];
        for ((column, array), of) in columns.each().iter().zip(arrays).zip(columns.types()) {
            assert_eq!(
                elements(&written(column, &of)),
                elements(&written(array, &of))
            );
        }
    }
}
