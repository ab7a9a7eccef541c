//! The table of prices: those of files, and over them those that people set.
//!
//! A price counts for calls that begin after it was set; what a call has cost never changes.

use orch_model::{Price, Prices};
use orch_store::model_price::{self as store, ModelPrice, NewPrice};
use orch_store::{StoreError, Tx};
use serde_json::json;

use super::{App, AppError, Result, checks};

/// Entries that may be set.
const MOST: usize = 500;
/// A million dollars for a million tokens.
const DEAREST: u64 = 1_000_000_000_000;
const LONGEST_NAME: usize = 200;

/// An entry as it holds: set by somebody, or of a file.
#[derive(Clone, Debug)]
pub struct Entry {
    pub model: String,
    pub price: Price,
    pub set: Option<ModelPrice>,
}

/// A price as somebody wants it.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub input: u64,
    pub cached: Option<u64>,
    pub output: u64,
}

/// The prices that hold now.
pub(crate) async fn prices(app: &App) -> std::result::Result<Prices, StoreError> {
    let mut conn = app.store().peek().await?;
    let set = store::list(&mut conn).await?;
    drop(conn);
    let rows = set.into_iter().map(|row| {
        let price = of_row(&row);
        (row.model, price)
    });
    Ok(app.team().models().prices(rows))
}

fn of_row(row: &ModelPrice) -> Price {
    let micros = |value: i64| u64::try_from(value).unwrap_or(0);
    Price {
        input: micros(row.input),
        cached: micros(row.cached),
        output: micros(row.output),
    }
}

/// The whole table, by name.
///
/// # Errors
/// When the store fails.
pub async fn table(app: &App) -> Result<Vec<Entry>> {
    let mut conn = app.store().peek().await?;
    let set = store::list(&mut conn).await?;
    drop(conn);
    let models = app.team().models();
    let rows = set.iter().map(|row| (row.model.clone(), of_row(row)));
    let entries = models.entries(rows);
    let prices = models.filled(entries.clone());
    let entry = |(model, price): (&str, Price)| {
        // A model under a name of its own may have its price from the entry of its provider's name.
        let from = entries.entry_of(model).or_else(|| {
            let known = models.known().iter().find(|known| known.name == model)?;
            entries.entry_of(&known.model)
        });
        Entry {
            model: model.to_owned(),
            price,
            set: set.iter().find(|row| Some(&*row.model) == from).cloned(),
        }
    };
    Ok(prices.entries().map(entry).collect())
}

/// Sets the price of a model and of all whose names begin so.
///
/// # Errors
/// When a value is wrong, the table is full, or the store fails.
pub async fn set(app: &App, actor: &str, model: &str, wanted: Wanted) -> Result<Entry> {
    let mut tx = app.store().begin(actor).await?;
    let entry = put(&mut tx, model, wanted).await?;
    if usize::try_from(store::count(&mut tx.conn).await?).unwrap_or(usize::MAX) > MOST {
        return Err(AppError::conflict(
            "too_many_prices",
            format!("{MOST} prices are set already; take back one that is not needed"),
        ));
    }
    tx.commit().await?;
    Ok(entry)
}

/// Takes a price back that was set; that of a file, where there is one, holds again.
///
/// # Errors
/// When none was set, or the store fails.
pub async fn remove(app: &App, actor: &str, model: &str) -> Result<()> {
    let mut tx = app.store().begin(actor).await?;
    if !store::remove(&mut tx.conn, model).await? {
        return Err(AppError::NotFound(format!(
            "no price was set for {model:?}; those of files are changed there"
        )));
    }
    tx.record("model.price_removed", None, json!({"model": model}));
    tx.commit().await?;
    Ok(())
}

/// Puts a table in place of all prices that were set.
///
/// # Errors
/// When an entry is wrong or stands twice, or the store fails.
pub async fn replace(app: &App, actor: &str, wanted: Vec<(String, Wanted)>) -> Result<Vec<Entry>> {
    if wanted.len() > MOST {
        let expected = format!("at most {MOST} entries");
        return Err(AppError::wrong("prices", wanted.len(), expected));
    }
    let mut tx = app.store().begin(actor).await?;
    for row in store::list(&mut tx.conn).await? {
        if wanted.iter().all(|(model, _)| *model != row.model) {
            store::remove(&mut tx.conn, &row.model).await?;
            tx.record("model.price_removed", None, json!({"model": row.model}));
        }
    }
    for (at, (model, price)) in wanted.iter().enumerate() {
        if wanted[..at].iter().any(|(other, _)| other == model) {
            let field = format!("prices[{at}].model");
            return Err(AppError::wrong(
                field,
                format!("`{model}`"),
                "each model once",
            ));
        }
        put(&mut tx, model, *price).await?;
    }
    tx.commit().await?;
    table(app).await
}

async fn put(tx: &mut Tx, model: &str, wanted: Wanted) -> Result<Entry> {
    checks::text("model", model, LONGEST_NAME)?;
    if model.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(AppError::invalid(
            "model",
            "must not hold spaces or control characters",
        ));
    }
    let cached = wanted.cached.unwrap_or(wanted.input);
    for (field, value) in [
        ("input", wanted.input),
        ("cached", cached),
        ("output", wanted.output),
    ] {
        if value > DEAREST {
            let expected = format!("micro-dollars for a million tokens, 0 to {DEAREST}");
            return Err(AppError::wrong(field, value, expected));
        }
    }
    let by = tx.actor().to_owned();
    let stored = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let new = NewPrice {
        model,
        input: stored(wanted.input),
        cached: stored(cached),
        output: stored(wanted.output),
        by: &by,
        now: tx.now(),
    };
    let row = store::set(&mut tx.conn, &new).await?;
    tx.record(
        "model.price_set",
        None,
        json!({"model": model, "input": wanted.input, "cached": cached, "output": wanted.output}),
    );
    Ok(Entry {
        model: row.model.clone(),
        price: of_row(&row),
        set: Some(row),
    })
}
