//! A list of ids as one value of a statement: JSON, for
//! `IN (SELECT CAST(value AS BIGINT) FROM json_each($1))`. The connection that writes to PostgreSQL
//! turns this into `= ANY($1)` and sends an array: that is planned and run much faster.

use std::error::Error;

use sqlx::encode::IsNull;
use sqlx::{Encode, Postgres, Sqlite, Type};

/// Ids, as a value.
#[derive(Clone, Debug)]
pub(crate) struct Ids(Vec<i64>);

/// Collects ids.
pub(crate) fn json_ids(ids: impl IntoIterator<Item = i64>) -> Ids {
    Ids(ids.into_iter().collect())
}

impl Ids {
    pub(crate) fn into_inner(self) -> Vec<i64> {
        self.0
    }

    fn to_json(&self) -> String {
        serde_json::to_string(&self.0).expect("invariant: integers serialise")
    }
}

impl rusqlite::ToSql for Ids {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(self.to_json().into())
    }
}

macro_rules! as_json {
    ($database:ty) => {
        impl Type<$database> for Ids {
            fn type_info() -> <$database as sqlx::Database>::TypeInfo {
                <String as Type<$database>>::type_info()
            }
        }

        impl<'q> Encode<'q, $database> for Ids {
            fn encode_by_ref(
                &self,
                buffer: &mut <$database as sqlx::Database>::ArgumentBuffer,
            ) -> Result<IsNull, Box<dyn Error + Send + Sync>> {
                <String as Encode<'q, $database>>::encode(self.to_json(), buffer)
            }
        }
    };
}

as_json!(Sqlite);
as_json!(Postgres);

/// The text for a connection that is given ids as an array, where SQLite gets them as JSON.
pub(crate) fn for_arrays(text: &str) -> String {
    const IN: &str = "IN (SELECT CAST(value AS BIGINT) FROM json_each(";
    const FROM: &str = "json_each(";
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(FROM) {
        let (before, after) = rest.split_at(at + FROM.len());
        let (place, after) = after
            .split_once(')')
            .expect("invariant: a call of json_each is closed");
        if let Some(before) = before.strip_suffix(IN) {
            written.extend([before, "= ANY(", place, ")"]);
            rest = after
                .strip_prefix(')')
                .expect("invariant: the list of ids is all of the subquery");
        } else {
            let before = before.strip_suffix(FROM).unwrap_or(before);
            written.extend([before, "unnest(CAST(", place, " AS BIGINT[]))"]);
            rest = match after.strip_prefix(" j") {
                Some(after) => {
                    written.push_str(" AS j(value)");
                    after
                }
                None => after,
            };
        }
    }
    written.push_str(rest);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_an_array_where_they_were_json() {
        let list = "DELETE FROM t WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND x = $2";
        assert_eq!(
            for_arrays(list),
            "DELETE FROM t WHERE id = ANY($1) AND x = $2"
        );
        let table = "SELECT CAST(j.value AS BIGINT) FROM json_each($1) j UNION SELECT 1";
        assert_eq!(
            for_arrays(table),
            "SELECT CAST(j.value AS BIGINT) FROM unnest(CAST($1 AS BIGINT[])) AS j(value) UNION SELECT 1"
        );
        assert_eq!(for_arrays("SELECT 1"), "SELECT 1");
    }
}
