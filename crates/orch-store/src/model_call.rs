//! What models were asked and answered, in the database: evidence, and the basis of what work has cost.

use orch_core::ids::ProjectId;
use orch_core::time::Timestamp;

use crate::conn::{all, execute, one, sql};
use crate::inline::row;
use crate::stored::{Lenient, nouns, stored};
use crate::sum::total;
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
        pub project_id: Option<i64>,
        pub plan_id: Option<i64>,
        pub work_item_id: Option<i64>,
        pub run_id: Option<i64>,
    }
}

stored!(ModelCall, "model_call" by id => ModelCall, json: ask answer);

/// A call that is over.
#[derive(Clone, Debug)]
pub struct NewModelCall<'a> {
    pub orchestration_id: Option<i64>,
    pub project_id: Option<i64>,
    pub plan_id: Option<i64>,
    pub work_item_id: Option<i64>,
    pub run_id: Option<i64>,
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

/// The `ask` of a call whose words are not kept.
pub const NO_WORDS: &str = r#"{"system":"","messages":[]}"#;

/// Keeps a call.
///
/// # Errors
/// When the database fails.
pub async fn insert(conn: &mut Conn, call: &NewModelCall<'_>) -> Result<(), StoreError> {
    execute!(
        conn,
        "INSERT INTO model_call (orchestration_id, role, model, ask, answer, error, input_tokens, cached_tokens, output_tokens,
                                 cost_microusd, started_at, latency_us, project_id, plan_id, work_item_id, run_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
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
        call.latency_us,
        call.project_id,
        call.plan_id,
        call.work_item_id,
        call.run_id
    )?;
    Ok(())
}

/// Forgets what was said in calls before; who was asked, tokens and cost stay. Tells how many.
///
/// # Errors
/// When the database fails.
pub async fn forget_texts_before(conn: &mut Conn, then: Timestamp) -> Result<u64, StoreError> {
    execute!(
        conn,
        "UPDATE model_call SET ask = $2, answer = NULL WHERE started_at < $1 AND (answer IS NOT NULL OR length(ask) > 40)",
        then.as_micros(),
        NO_WORDS
    )
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

row! {
    /// Calls added up under one name: a role, a model, a number or a day; `-` for those that belong to none.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Sum {
        pub name: String,
        pub calls: i64,
        pub failed: i64,
        pub input_tokens: i64,
        pub cached_tokens: i64,
        pub output_tokens: i64,
        /// Of calls whose model had a price.
        pub cost_microusd: i64,
        /// Calls whose model had none.
        pub unpriced: i64,
    }
}

/// Which calls of a project are added up.
#[derive(Clone, Copy, Debug)]
pub struct Summed<'a> {
    pub project: ProjectId,
    /// `role`, `model`, `plan`, `work_item`, `run`, `day` (days since 1970), or anything else for all in one.
    pub by: &'a str,
    pub since: Timestamp,
    /// Before then.
    pub until: Timestamp,
    pub limit: i64,
}

/// What a project's calls have cost, the dearest first.
///
/// # Errors
/// When the database fails.
pub async fn sums(conn: &mut Conn, of: &Summed<'_>) -> Result<Vec<Sum>, StoreError> {
    all!(
        conn,
        Sum,
        sql!(concat!(
            "SELECT name, count(*) AS calls, CAST(SUM(failed) AS BIGINT) AS failed, ",
            total!("input_tokens"),
            " AS input_tokens, ",
            total!("cached_tokens"),
            " AS cached_tokens, ",
            total!("output_tokens"),
            " AS output_tokens, ",
            total!("cost"),
            " AS cost_microusd, CAST(SUM(unpriced) AS BIGINT) AS unpriced
           FROM (SELECT CASE CAST($2 AS TEXT)
                             WHEN 'role' THEN role WHEN 'model' THEN model
                             WHEN 'plan' THEN COALESCE(CAST(plan_id AS TEXT), '-')
                             WHEN 'work_item' THEN COALESCE(CAST(work_item_id AS TEXT), '-')
                             WHEN 'run' THEN COALESCE(CAST(run_id AS TEXT), '-')
                             WHEN 'day' THEN CAST(started_at / 86400000000 AS TEXT)
                             ELSE '' END AS name,
                        CASE WHEN error IS NULL THEN 0 ELSE 1 END AS failed, input_tokens, cached_tokens, output_tokens,
                        COALESCE(cost_microusd, 0) AS cost, CASE WHEN cost_microusd IS NULL THEN 1 ELSE 0 END AS unpriced
                   FROM model_call WHERE project_id = $1 AND started_at >= $3 AND started_at < $4) AS calls_of_project
          GROUP BY name ORDER BY cost_microusd DESC, name LIMIT $5"
        )),
        of.project.get(),
        of.by,
        of.since.as_micros(),
        of.until.as_micros(),
        of.limit
    )
}

/// What the calls of one scope of a project have cost since then: `plan`, `work_item`, `run`, or the whole project.
///
/// # Errors
/// When the database fails.
pub async fn spent(
    conn: &mut Conn,
    project: ProjectId,
    scope: &str,
    id: Option<i64>,
    since: Timestamp,
) -> Result<i64, StoreError> {
    let (spent,) = one!(
        conn,
        (i64,),
        sql!(concat!(
            "SELECT ",
            total!("cost_microusd"),
            " FROM model_call
          WHERE project_id = $1 AND started_at >= $4
            AND CASE CAST($2 AS TEXT) WHEN 'plan' THEN plan_id WHEN 'work_item' THEN work_item_id WHEN 'run' THEN run_id
                     ELSE CAST($3 AS BIGINT) END = CAST($3 AS BIGINT)"
        )),
        project.get(),
        scope,
        id.unwrap_or_default(),
        since.as_micros()
    )?;
    Ok(spent)
}
