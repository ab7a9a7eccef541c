//! What models were asked and answered, in the database: evidence, and the basis of what work has cost.

use orch_core::time::Timestamp;

use crate::conn::{all, execute};
use crate::inline::row;
use crate::stored::{Lenient, nouns, stored};
use crate::{Conn, StoreError};

row! {
    /// A call; `ask` and `answer` are JSON. Costs are millionths of a dollar, none where no price is known.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ModelCall {
        pub id: i64,
        pub orchestration_id: Option<i64>,
        pub role: String,
        pub model: String,
        pub ask: String,
        pub answer: Option<String>,
        pub error: Option<String>,
        pub input_tokens: i64,
        pub cached_tokens: i64,
        pub output_tokens: i64,
        pub cost_microusd: Option<i64>,
        pub started_at: i64,
        pub latency_us: i64,
    }
}

stored!(ModelCall, "model_call" by id => ModelCall, json: ask answer);

/// A call that is over.
#[derive(Clone, Debug)]
pub struct NewModelCall<'a> {
    pub orchestration_id: Option<i64>,
    pub role: &'a str,
    pub model: &'a str,
    pub ask: &'a str,
    pub answer: Option<&'a str>,
    pub error: Option<&'a str>,
    pub input_tokens: i64,
    pub cached_tokens: i64,
    pub output_tokens: i64,
    pub cost_microusd: Option<i64>,
    pub started_at: Timestamp,
    pub latency_us: i64,
}

/// Keeps a call.
///
/// # Errors
/// When the database fails.
pub async fn insert(conn: &mut Conn, call: &NewModelCall<'_>) -> Result<(), StoreError> {
    execute!(
        conn,
        "INSERT INTO model_call (orchestration_id, role, model, ask, answer, error, input_tokens, cached_tokens, output_tokens,
                                 cost_microusd, started_at, latency_us)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        call.orchestration_id,
        call.role,
        call.model,
        call.ask,
        call.answer,
        call.error,
        call.input_tokens,
        call.cached_tokens,
        call.output_tokens,
        call.cost_microusd,
        call.started_at.as_micros(),
        call.latency_us
    )?;
    Ok(())
}

/// The calls of a request, in order.
///
/// # Errors
/// When the database fails, or one cannot be read.
pub async fn of_orchestration(
    conn: &mut Conn,
    orchestration: i64,
) -> Result<Vec<ModelCall>, StoreError> {
    nouns::<ModelCall>(all!(
        conn,
        Lenient<ModelCall>,
        "SELECT * FROM model_call WHERE orchestration_id = $1 ORDER BY id",
        orchestration
    )?)
}
