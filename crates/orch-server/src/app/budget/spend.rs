//! What was spent, added to the budgets that it counts at.

use orch_core::ids::ProjectId;
use orch_core::time::Timestamp;
use orch_model::Cost;
use orch_store::budget::{self as store, Levels};
use orch_store::{StoreError, Tx};
use serde_json::json;

use super::level::Level;
use super::period::rolled;
use super::wallet::pure;

/// What is charged or set aside is no larger: sums of sums stay numbers.
pub const LARGEST: u64 = 1_000_000_000_000_000;

/// Who spent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spender {
    /// A call that had money set aside for it: beyond a hard cap there is something wrong.
    Call,
    /// Whoever carries a run out: what it used is known afterwards alone.
    Run,
}

/// Adds what a run has spent to every budget of its levels.
///
/// # Errors
/// When the database fails.
pub async fn charge(tx: &mut Tx, levels: Levels, spent: Cost) -> Result<(), StoreError> {
    let now = tx.now();
    for row in store::of_levels(&mut tx.conn, levels).await? {
        spend(tx, row, spent, Spender::Run, now).await?;
    }
    Ok(())
}

/// Adds what was spent to one budget, and says so where a cap is passed by it.
pub(super) async fn spend(
    tx: &mut Tx,
    row: store::Budget,
    spent: Cost,
    spender: Spender,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = rolled(row, now);
    let Some(level) = Level::of(&row.scope, row.scope_id) else {
        return Ok(());
    };
    let before = pure(&row, 0);
    let mut one = [(level, before)];
    let settled = orch_model::settle(&mut one, Cost::ZERO, spent);
    let [(_, after)] = one;
    let start = Timestamp::from_micros(row.period_start);
    store::save_spent(&mut tx.conn, row.id, micros(after.spent), start).await?;
    let project = Some(ProjectId(row.project_id));
    let data = json!({
        "scope": level.scope(), "scope_id": level.id(), "spent_microusd": after.spent,
        "soft_cap_microusd": after.soft, "hard_cap_microusd": after.hard,
    });
    if !settled.over_soft.is_empty() {
        tracing::warn!(budget.level = %level, budget.spent = %after.spent, "a soft cap is reached");
        tx.record("budget.soft_cap_reached", project, data.clone());
    }
    let was_over = before.hard.is_some_and(|hard| before.spent > hard);
    match spender {
        Spender::Call if !settled.over_hard.is_empty() => {
            tracing::error!(budget.level = %level, budget.spent = %after.spent, "a hard cap was exceeded: a price or a bound is wrong");
            tx.record("budget.hard_cap_exceeded", project, data);
        }
        Spender::Run if !settled.over_hard.is_empty() && !was_over => {
            tracing::warn!(budget.level = %level, budget.spent = %after.spent, "a run went beyond a hard cap with its last request");
            tx.record("budget.hard_cap_exceeded", project, data);
        }
        Spender::Call | Spender::Run => {}
    }
    Ok(())
}

pub(super) fn cost(micros: i64) -> Cost {
    Cost::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// A cost as it is stored.
#[must_use]
pub fn micros(cost: Cost) -> i64 {
    whole(cost.micros())
}

/// A count as it is stored.
#[must_use]
pub fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A cost within that bound.
#[must_use]
pub fn bounded(cost: Cost) -> Cost {
    cost.min(Cost::from_micros(LARGEST))
}
