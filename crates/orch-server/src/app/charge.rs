//! What runs use of models that are asked by whoever carries them out: priced, charged to run, work item, plan and
//! project once, and whether more may be used.
//!
//! Runs tell sums. What came on top of the sums before is charged, in the transaction that keeps them, so that a sum that
//! comes again charges nothing.

use orch_core::engine::Refusal;
use orch_core::ids::{RunId, WorkItemId};
use orch_core::run::Run;
use orch_model::{Cost, Prices, Usage};
use orch_store::budget::Levels;
use orch_store::charge::{self as store, Meter, Used};
use orch_store::model_call::{self, NO_WORDS, NewModelCall, Sum};
use orch_store::{Tx, run};
use serde_json::{Map, Value, json};

use super::budget::{LARGEST, bounded, micros, whole};
use super::model_counts::Outcome;
use super::{App, AppError, Result, budget, pricing};

/// Counts of one run: conversations that began anew, and models.
const MOST_METERS: i64 = 200;
const LONGEST_NAME: usize = 200;
/// A model whose name nobody told.
const UNKNOWN: &str = "unknown";

/// What a run has used of a model up to now.
#[derive(Clone, Debug)]
pub struct Use {
    pub run: RunId,
    pub epoch: u64,
    /// The hold from which the sums count.
    pub since_epoch: u64,
    /// Who asked the model.
    pub source: String,
    /// Empty where it is not known.
    pub model: String,
    pub usage: Usage,
    /// What the program itself says that it cost.
    pub own_microusd: Option<u64>,
}

/// Takes what a run has used up to now, and charges what came on top of what it said before.
///
/// # Errors
/// When a value is wrong, the caller does not hold the run, it has too many counts, or the store fails.
pub async fn take(app: &App, actor: &str, told: Use) -> Result<()> {
    let source = name("source", &told.source)?.unwrap_or_else(|| "agent".to_owned());
    let model = name("model", &told.model)?.unwrap_or_else(|| UNKNOWN.to_owned());
    if told.since_epoch > told.epoch {
        let expected = format!("at most the epoch, {}", told.epoch);
        return Err(AppError::wrong("since_epoch", told.since_epoch, expected));
    }
    let prices = pricing::prices(app).await?;
    let mut tx = app.store().begin(actor).await?;
    let levels = held(&mut tx, told.run, told.epoch).await?;
    let meter = Meter {
        run: told.run,
        since: whole(told.since_epoch),
        source: &source,
        model: &model,
    };
    let before = store::used(&mut tx.conn, meter).await?;
    if before.is_none() && store::meters(&mut tx.conn, told.run).await? >= MOST_METERS {
        let message = format!(
            "run {} has {MOST_METERS} counts of tokens already",
            told.run
        );
        return Err(AppError::conflict("too_many_counts", message));
    }
    let before = before.unwrap_or_default();
    let now = grown(before, &told);
    if now == before {
        return Ok(());
    }
    store::set_used(&mut tx.conn, meter, now).await?;
    let more = More {
        usage: Usage {
            input_tokens: count(now.input_tokens - before.input_tokens),
            cached_tokens: count(now.cached_tokens - before.cached_tokens),
            output_tokens: count(now.output_tokens - before.output_tokens),
        },
        own: told
            .own_microusd
            .map(|_| count(now.own_microusd - before.own_microusd)),
    };
    charge(app, &mut tx, levels, (&source, &model), more, &prices).await?;
    tx.touch_run(told.run);
    tx.commit().await?;
    Ok(())
}

/// Takes what an agent says with the last words of a run, which told nothing before: nobody knows of which model.
///
/// # Errors
/// When the caller does not hold the run, or the store fails.
pub async fn take_last(
    app: &App,
    actor: &str,
    (run, epoch): (RunId, u64),
    told: &Map<String, Value>,
) -> Result<()> {
    let more = of_counts(told);
    if more.usage == Usage::default() {
        return Ok(());
    }
    let mut conn = app.store().peek().await?;
    let has_told = store::meters(&mut conn, run).await? > 0;
    drop(conn);
    if has_told {
        return Ok(());
    }
    let told = Use {
        run,
        epoch,
        since_epoch: 0,
        source: String::new(),
        model: String::new(),
        usage: more.usage,
        own_microusd: more.own,
    };
    take(app, actor, told).await
}

/// Charges what a summary counts on top of all that was told of its run before, in the transaction that keeps it.
///
/// # Errors
/// When the model's name is none, or the store fails.
pub async fn take_summary(
    app: &App,
    tx: &mut Tx,
    run: &Run,
    (model, told): (Option<&str>, &Map<String, Value>),
    prices: &Prices,
) -> Result<()> {
    let more = of_counts(told);
    let model = name("model", model.unwrap_or_default())?;
    if more.usage == Usage::default() {
        return Ok(());
    }
    let model = model.unwrap_or_else(|| UNKNOWN.to_owned());
    let levels = budget::of_run(&mut tx.conn, run).await?;
    charge(app, tx, levels, ("agent", &model), more, prices).await
}

/// Whether a model may be asked for a run now.
///
/// # Errors
/// When nothing is left of a hard cap on its way, the caller does not hold it, or the store fails.
pub async fn may_ask(app: &App, id: RunId, epoch: u64) -> Result<()> {
    let mut conn = app.store().peek().await?;
    let run = run::find(&mut conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("run", id.get()))?;
    run.check_writer(Some(epoch), app.store().now())
        .map_err(Refusal::from)?;
    let levels = budget::of_run(&mut conn, &run).await?;
    drop(conn);
    budget::check(app, levels).await
}

/// What a run has cost, by model.
///
/// # Errors
/// When the store fails.
pub async fn of_run(app: &App, id: RunId) -> Result<Vec<Sum>> {
    let mut conn = app.store().peek().await?;
    Ok(store::of_run(&mut conn, id).await?)
}

/// What all runs of a work item have cost, and what was asked for it beside them, by model.
///
/// # Errors
/// When the store fails.
pub async fn of_item(app: &App, id: WorkItemId) -> Result<Vec<Sum>> {
    let mut conn = app.store().peek().await?;
    Ok(store::of_item(&mut conn, id).await?)
}

/// What came on top.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct More {
    usage: Usage,
    own: Option<u64>,
}

async fn charge(
    app: &App,
    tx: &mut Tx,
    levels: Levels,
    (source, model): (&str, &str),
    more: More,
    prices: &Prices,
) -> Result<()> {
    let cost = match prices.of(model) {
        Ok(price) => Some(price.of(more.usage)),
        Err(_) => more.own.map(Cost::from_micros),
    };
    let cost = cost.map(bounded);
    let now = tx.now();
    let new = NewModelCall {
        orchestration_id: None,
        project_id: Some(levels.project.get()),
        plan_id: levels.plan,
        work_item_id: levels.work_item,
        run_id: levels.run,
        role: source,
        model,
        // Its words are in the run's log.
        ask: NO_WORDS,
        answer: None,
        error: None,
        input_tokens: whole(more.usage.input_tokens),
        cached_tokens: whole(more.usage.cached_tokens),
        output_tokens: whole(more.usage.output_tokens),
        cost_microusd: cost.map(micros),
        started_at: now,
        latency_us: 0,
    };
    model_call::insert(&mut tx.conn, &new).await?;
    if let Some(cost) = cost {
        budget::charge(tx, levels, cost).await?;
    }
    app.model_counts()
        .count(model, more.usage, new.cost_microusd, Outcome::Answered);
    let data = json!({
        "run_id": levels.run, "work_item_id": levels.work_item, "plan_id": levels.plan, "source": source, "model": model,
        "input_tokens": more.usage.input_tokens, "cached_tokens": more.usage.cached_tokens,
        "output_tokens": more.usage.output_tokens, "cost_microusd": cost,
    });
    tx.record("model.used", Some(levels.project), data);
    Ok(())
}

/// Where the cost of a run counts, for whoever holds it or held it last.
async fn held(tx: &mut Tx, id: RunId, epoch: u64) -> Result<Levels> {
    let run = run::find(&mut tx.conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("run", id.get()))?;
    run.check_logger(Some(epoch), tx.now())
        .map_err(Refusal::from)?;
    budget::of_run(&mut tx.conn, &run).await
}

/// Sums only grow: one that came late or is smaller changes nothing.
fn grown(before: Used, told: &Use) -> Used {
    let most = |before: i64, told: u64| before.max(whole(told.min(LARGEST)));
    let usage = told.usage;
    Used {
        input_tokens: most(before.input_tokens, usage.input_tokens),
        cached_tokens: most(
            before.cached_tokens,
            usage.cached_tokens.min(usage.input_tokens),
        ),
        output_tokens: most(before.output_tokens, usage.output_tokens),
        own_microusd: most(before.own_microusd, told.own_microusd.unwrap_or(0)),
    }
}

/// Counts by the names that agents give them.
fn of_counts(told: &Map<String, Value>) -> More {
    let count = |name: &str| told.get(name).and_then(Value::as_u64);
    let tokens = |name: &str| count(name).unwrap_or(0).min(LARGEST);
    let input_tokens = tokens("input_tokens");
    More {
        usage: Usage {
            input_tokens,
            cached_tokens: tokens("cached_input_tokens").min(input_tokens),
            output_tokens: tokens("output_tokens"),
        },
        own: count("cost_usd_micros").map(|micros| micros.min(LARGEST)),
    }
}

/// A name within its bounds; none where it is empty.
fn name(field: &'static str, text: &str) -> Result<Option<String>> {
    let text = text.trim();
    if text.chars().count() > LONGEST_NAME || text.chars().any(char::is_control) {
        let message = format!("must be a name of at most {LONGEST_NAME} characters on one line");
        return Err(AppError::invalid(field, message));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn count(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

#[cfg(test)]
#[path = "charge_tests.rs"]
mod tests;
