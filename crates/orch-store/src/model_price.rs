//! Prices of models that people set, in micro-dollars for a million tokens.

use orch_core::time::Timestamp;

use crate::conn::{all, execute, one};
use crate::inline::row;
use crate::stored::{Lenient, nouns, stored};
use crate::{Conn, StoreError};

row! {
    /// The price of a model and of all whose names begin so.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ModelPrice {
        pub id: i64,
        pub model: String,
        pub input: i64,
        pub cached: i64,
        pub output: i64,
        pub updated_at: i64,
        pub updated_by: String,
    }
}

stored!(ModelPrice, "model_price" by id => ModelPrice);

/// A price as somebody sets it.
#[derive(Clone, Copy, Debug)]
pub struct NewPrice<'a> {
    pub model: &'a str,
    pub input: i64,
    pub cached: i64,
    pub output: i64,
    pub by: &'a str,
    pub now: Timestamp,
}

/// Sets a price, in place of the one before.
///
/// # Errors
/// When the database fails.
pub async fn set(conn: &mut Conn, new: &NewPrice<'_>) -> Result<ModelPrice, StoreError> {
    one!(
        conn,
        ModelPrice,
        "INSERT INTO model_price (model, input, cached, output, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (model) DO UPDATE SET input = excluded.input, cached = excluded.cached, output = excluded.output,
                updated_at = excluded.updated_at, updated_by = excluded.updated_by
         RETURNING *",
        new.model,
        new.input,
        new.cached,
        new.output,
        new.now.as_micros(),
        new.by
    )
}

/// Takes a price back; tells whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn remove(conn: &mut Conn, model: &str) -> Result<bool, StoreError> {
    let removed = execute!(conn, "DELETE FROM model_price WHERE model = $1", model)?;
    Ok(removed > 0)
}

/// How many there are.
///
/// # Errors
/// When the database fails.
pub async fn count(conn: &mut Conn) -> Result<i64, StoreError> {
    let (count,) = one!(conn, (i64,), "SELECT count(*) FROM model_price")?;
    Ok(count)
}

/// All of them, by name.
///
/// # Errors
/// When the database fails, or one cannot be read.
pub async fn list(conn: &mut Conn) -> Result<Vec<ModelPrice>, StoreError> {
    nouns::<ModelPrice>(all!(
        conn,
        Lenient<ModelPrice>,
        "SELECT * FROM model_price ORDER BY model"
    )?)
}
