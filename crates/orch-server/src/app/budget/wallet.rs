//! The purse of one call: it knows the levels at which the call's cost counts, and what came of each attempt.
//!
//! Whatever a call costs reaches every budget of its levels exactly once: with the settlement of each attempt, and,
//! for budgets that were set meanwhile, when the call is kept.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use orch_core::time::Timestamp;
use orch_model::{Budget, Cost, OverCap, Purse, Reservation, Reserving, Settling, Spent};
use orch_store::budget::{self as store, Levels, NewReservation, Reserved};
use orch_store::{Conn, Store, StoreError, Tx};
use serde_json::json;

use super::level::{Level, OverBudget};
use super::period::rolled;
use super::spend::{Spender, bounded, cost, micros, spend};

/// Whether a hard cap stands somewhere on a call's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    /// Costs are counted alone.
    Open,
    /// What has no price is not asked.
    Capped,
}

/// The purse of one call.
#[derive(Debug)]
pub struct Wallet {
    store: Store,
    actor: String,
    /// None where nothing is charged.
    levels: Option<Levels>,
    /// A reservation counts no longer than this, should the server die.
    held_for: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: i64,
    /// Amounts by the numbers given out here.
    held: BTreeMap<i64, Held>,
    /// Settled, by model.
    costs: BTreeMap<String, Cost>,
    /// What of it reached which budget.
    credited: BTreeMap<i64, Cost>,
    /// Rows that are to be let go of with what is kept: their attempts were given up.
    left: Vec<i64>,
    refused: Option<OverCap<Level>>,
}

#[derive(Clone, Debug)]
struct Held {
    model: String,
    /// In the database, where a budget binds.
    row: Option<i64>,
}

impl Wallet {
    /// A purse for one call; nothing is set aside yet.
    #[must_use]
    pub fn new(store: Store, actor: &str, levels: Option<Levels>, held_for: Duration) -> Self {
        Self {
            store,
            actor: actor.to_owned(),
            levels,
            held_for,
            state: Mutex::default(),
        }
    }

    /// Whether a hard cap stands on the way now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn limits(&self) -> Result<Limits, StoreError> {
        let Some(levels) = self.levels else {
            return Ok(Limits::Open);
        };
        let mut conn = self.store.peek().await?;
        let budgets = store::of_levels(&mut conn, levels).await?;
        let capped = budgets.iter().any(|budget| budget.hard_microusd.is_some());
        Ok(match capped {
            true => Limits::Capped,
            false => Limits::Open,
        })
    }

    /// The cap that let the last attempt not pass.
    #[must_use]
    pub fn refused(&self) -> Option<OverBudget> {
        self.state().refused.map(OverBudget)
    }

    /// What attempts with a model have cost so far.
    #[must_use]
    pub fn cost_of(&self, model: &str) -> Cost {
        self.state().costs.get(model).copied().unwrap_or(Cost::ZERO)
    }

    /// Carries to the budgets what has not reached them, in the transaction that keeps the call.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let Some(levels) = self.levels else {
            return Ok(());
        };
        let (left, total, credited) = {
            let mut state = self.state();
            let total: Cost = state.costs.values().copied().sum();
            (
                std::mem::take(&mut state.left),
                total,
                state.credited.clone(),
            )
        };
        for row in left {
            store::release(&mut tx.conn, row).await?;
        }
        if total == Cost::ZERO {
            return Ok(());
        }
        let now = tx.now();
        for row in store::of_levels(&mut tx.conn, levels).await? {
            let missing = total.less(credited.get(&row.id).copied().unwrap_or(Cost::ZERO));
            if missing > Cost::ZERO {
                spend(tx, row, missing, Spender::Call, now).await?;
            }
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self, model: &str, row: Option<i64>) -> Reservation {
        let mut state = self.state();
        state.last += 1;
        let number = state.last;
        let model = model.to_owned();
        state.held.insert(number, Held { model, row });
        Reservation(number)
    }

    async fn set_aside(&self, model: &str, amount: Cost) -> Result<Reservation, Refused> {
        let Some(levels) = self.levels else {
            return Ok(self.hold(model, None));
        };
        let mut conn = self.store.peek().await?;
        let is_bound = !store::of_levels(&mut conn, levels).await?.is_empty();
        drop(conn);
        if !is_bound {
            return Ok(self.hold(model, None));
        }
        let mut tx = self.store.begin(&self.actor).await?;
        let now = tx.now();
        let mut standing: Vec<(Level, Budget)> = standing(&mut tx.conn, levels, now)
            .await?
            .into_iter()
            .map(|(level, budget, _)| (level, budget))
            .collect();
        if let Err(over) = orch_model::reserve(&mut standing, amount) {
            let data = json!({
                "scope": over.level.scope(), "scope_id": over.level.id(), "model": model,
                "wanted_microusd": over.amount, "hard_cap_microusd": over.hard,
                "spent_microusd": over.spent, "reserved_microusd": over.reserved,
            });
            tx.record("budget.refused", Some(levels.project), data);
            tx.commit().await?;
            self.state().refused = Some(over);
            return Err(Refused::Over(over));
        }
        let new = NewReservation {
            levels,
            model,
            amount_microusd: micros(bounded(amount)),
            now,
            expires_at: now.plus(self.held_for),
        };
        let row = store::reserve(&mut tx.conn, &new).await?;
        tx.commit().await?;
        Ok(self.hold(model, Some(row)))
    }

    /// Takes an attempt's cost into account here; tells what was held for it.
    fn count(&self, reservation: Reservation, spent: Spent) -> Option<Held> {
        let mut state = self.state();
        let held = state.held.remove(&reservation.0)?;
        let cost = state.costs.entry(held.model.clone()).or_default();
        *cost += spent.cost;
        Some(held)
    }

    async fn carry(&self, row: i64, spent: Spent) -> Result<(), StoreError> {
        let Some(levels) = self.levels else {
            return Ok(());
        };
        let mut tx = self.store.begin(&self.actor).await?;
        let now = tx.now();
        store::release(&mut tx.conn, row).await?;
        let mut reached = Vec::new();
        for budget in store::of_levels(&mut tx.conn, levels).await? {
            reached.push(budget.id);
            spend(&mut tx, budget, spent.cost, Spender::Call, now).await?;
        }
        tx.commit().await?;
        let mut state = self.state();
        for id in reached {
            *state.credited.entry(id).or_default() += spent.cost;
        }
        Ok(())
    }
}

/// Why nothing was set aside.
enum Refused {
    Over(OverCap<Level>),
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Refused {
    fn said(self) -> String {
        match self {
            Self::Over(over) => over.to_string(),
            Self::Store(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "no money could be set aside for a model"
                );
                "the budget could not be read, so that no money was set aside; the server's log says why"
                    .to_owned()
            }
        }
    }
}

impl Purse for Wallet {
    fn reserve<'a>(&'a self, model: &'a str, amount: Cost) -> Reserving<'a> {
        Box::pin(async move { self.set_aside(model, amount).await.map_err(Refused::said) })
    }

    fn settle(&self, reservation: Reservation, spent: Spent) -> Settling<'_> {
        Box::pin(async move {
            let Some(held) = self.count(reservation, spent) else {
                return;
            };
            let Some(row) = held.row else { return };
            if let Err(error) = self.carry(row, spent).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a model's cost could not be settled; it is tried again with what is kept of the call"
                );
                self.state().left.push(row);
            }
        })
    }

    fn abandon(&self, reservation: Reservation, spent: Spent) {
        if let Some(Held { row: Some(row), .. }) = self.count(reservation, spent) {
            self.state().left.push(row);
        }
    }
}

/// Whoever gave the call up without keeping it has spent all the same.
impl Drop for Wallet {
    fn drop(&mut self) {
        let state = std::mem::take(self.state.get_mut().unwrap_or_else(PoisonError::into_inner));
        if state.left.is_empty() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let wallet = Self {
            store: self.store.clone(),
            actor: self.actor.clone(),
            levels: self.levels,
            held_for: self.held_for,
            state: Mutex::new(state),
        };
        runtime.spawn(async move {
            let carried = async {
                let mut tx = wallet.store.begin(&wallet.actor).await?;
                wallet.finish(&mut tx).await?;
                tx.commit().await
            };
            if let Err(error) = carried.await {
                // Not again: this is the second time.
                wallet.state().left.clear();
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the cost of a call that was given up could not be settled"
                );
            }
        });
    }
}

/// The budgets that bind a call, as they stand.
pub(super) async fn standing(
    conn: &mut Conn,
    levels: Levels,
    now: Timestamp,
) -> Result<Vec<(Level, Budget, store::Budget)>, StoreError> {
    let rows = store::of_levels(conn, levels).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let reserved = store::reserved(conn, levels, now).await?;
    let stands = |row: store::Budget| {
        let row = rolled(row, now);
        let level = Level::of(&row.scope, row.scope_id)?;
        Some((level, pure(&row, at(level, reserved)), row))
    };
    Ok(rows.into_iter().filter_map(stands).collect())
}

const fn at(level: Level, reserved: Reserved) -> i64 {
    match level {
        Level::Project(_) => reserved.project,
        Level::Plan(_) => reserved.plan,
        Level::WorkItem(_) => reserved.work_item,
        Level::Run(_) => reserved.run,
    }
}

pub(super) fn pure(row: &store::Budget, reserved: i64) -> Budget {
    Budget {
        hard: row.hard_microusd.map(cost),
        soft: row.soft_microusd.map(cost),
        spent: cost(row.spent_microusd),
        reserved: cost(reserved),
    }
}

#[cfg(test)]
#[path = "wallet_tests.rs"]
mod tests;
