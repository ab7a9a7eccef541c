//! The arithmetic of budgets, pure: whoever keeps them loads the levels, decides here, and saves.
//!
//! What is set aside counts as spent until it is settled, so that requests in flight cannot exceed a cap
//! together.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Cost;

/// What one level may spend and has spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// Nothing is asked that could exceed this.
    pub hard: Option<Cost>,
    /// Somebody is told when this is exceeded.
    pub soft: Option<Cost>,
    /// Settled.
    pub spent: Cost,
    /// Set aside for requests that are under way.
    pub reserved: Cost,
}

impl Budget {
    /// What is spent or set aside.
    #[must_use]
    pub fn committed(&self) -> Cost {
        self.spent + self.reserved
    }

    /// What may still be set aside; no bound where there is no cap.
    #[must_use]
    pub fn left(&self) -> Option<Cost> {
        self.hard.map(|hard| hard.less(self.committed()))
    }

    /// Whether more was spent than somebody wanted to know of.
    #[must_use]
    pub fn is_over_soft(&self) -> bool {
        self.soft.is_some_and(|soft| self.spent > soft)
    }
}

/// A request that could exceed a cap; `level` is the first one, of those in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "{}the budget of {level} has {} left of {} ({} spent, {} set aside): raise the cap, or wait for what is under way",
    wanted(.amount), shown(.left), shown(.hard), shown(.spent), shown(.reserved)
)]
pub struct OverCap<L: fmt::Display + fmt::Debug> {
    pub level: L,
    pub amount: Cost,
    pub left: Cost,
    pub hard: Cost,
    pub spent: Cost,
    pub reserved: Cost,
}

/// Nothing is asked for where a budget is used up before anything begins.
fn wanted(amount: &Cost) -> String {
    match *amount {
        Cost::ZERO => String::new(),
        amount => format!("the request may cost {amount}, and "),
    }
}

/// An amount to its last place; a zero that is one is not taken for a small amount.
fn shown(amount: &Cost) -> String {
    match *amount {
        Cost::ZERO => "nothing".to_owned(),
        amount => amount.to_string(),
    }
}

/// Sets an amount aside at every level, or at none.
///
/// # Errors
/// When it could exceed the hard cap of one.
pub fn reserve<L: Clone + fmt::Display + fmt::Debug>(
    levels: &mut [(L, Budget)],
    amount: Cost,
) -> Result<(), OverCap<L>> {
    for (level, budget) in levels.iter() {
        if let (Some(hard), Some(left)) = (budget.hard, budget.left())
            && amount > left
        {
            return Err(OverCap {
                level: level.clone(),
                amount,
                left,
                hard,
                spent: budget.spent,
                reserved: budget.reserved,
            });
        }
    }
    for (_, budget) in levels {
        budget.reserved += amount;
    }
    Ok(())
}

/// What a settlement brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled<L> {
    /// Levels that are over their soft cap from now on: each is named once.
    pub over_soft: Vec<L>,
    /// Levels that spent more than their hard cap, because a provider charged more than a request can cost
    /// by its bytes and its bound. There is something wrong with a price or a bound.
    pub over_hard: Vec<L>,
}

/// Puts what was spent in the place of what was set aside for it.
pub fn settle<L: Clone>(levels: &mut [(L, Budget)], reserved: Cost, spent: Cost) -> Settled<L> {
    let mut settled = Settled {
        over_soft: Vec::new(),
        over_hard: Vec::new(),
    };
    for (level, budget) in levels {
        let was_over = budget.is_over_soft();
        budget.reserved = budget.reserved.less(reserved);
        budget.spent += spent;
        if budget.is_over_soft() && !was_over {
            settled.over_soft.push(level.clone());
        }
        if budget.hard.is_some_and(|hard| budget.spent > hard) {
            settled.over_hard.push(level.clone());
        }
    }
    settled
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn micros(micros: u64) -> Cost {
        Cost::from_micros(micros)
    }

    fn capped(hard: u64, soft: u64) -> Budget {
        Budget {
            hard: Some(micros(hard)),
            soft: Some(micros(soft)),
            ..Budget::default()
        }
    }

    #[test]
    fn an_amount_is_set_aside_at_every_level_or_at_none() {
        let mut levels = [
            ("project 1", capped(1_000, 500)),
            ("plan 2", Budget::default()),
            ("run 3", capped(100, 50)),
        ];
        assert_eq!(reserve(&mut levels, micros(60)), Ok(()));
        let before = levels;
        let error = reserve(&mut levels, micros(60)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the request may cost $0.00006, and the budget of run 3 has $0.00004 left of $0.0001 (nothing spent, $0.00006 set aside): raise the cap, or wait for what is under way"
        );
        assert_eq!(levels, before);
        let used_up = OverCap {
            level: "project 1",
            amount: Cost::ZERO,
            left: Cost::ZERO,
            hard: micros(80),
            spent: micros(80),
            reserved: Cost::ZERO,
        };
        assert_eq!(
            used_up.to_string(),
            "the budget of project 1 has nothing left of $0.00008 ($0.00008 spent, nothing set aside): raise the cap, or wait for what is under way"
        );
        assert_eq!(levels[1].1.left(), None);
    }

    #[test]
    fn a_soft_cap_is_told_once_and_a_hard_one_that_was_wrong_always() {
        let mut levels = [("project", capped(100, 50))];
        let mut spend = |amount| {
            reserve(&mut levels, micros(40))
                .map(|()| settle(&mut levels, micros(40), micros(amount)))
        };
        let none = Vec::<&str>::new;
        let told = |over_soft, over_hard| {
            Ok(Settled {
                over_soft,
                over_hard,
            })
        };
        assert_eq!(spend(30), told(none(), none()));
        assert_eq!(spend(30), told(vec!["project"], none()));
        assert_eq!(spend(70), told(none(), vec!["project"]));
        assert!(spend(1).is_err());
    }

    proptest! {
        /// Fifty requests under way at a time, each of which costs at most what was set aside.
        #[test]
        fn no_hard_cap_is_ever_exceeded(
            caps in prop::collection::vec(prop::option::of(0_u64..2_000), 1..5),
            acts in prop::collection::vec((0_u64..200, 0.0..=1.0_f64, any::<bool>()), 0..200),
        ) {
            let mut levels: Vec<(usize, Budget)> = caps
                .iter()
                .enumerate()
                .map(|(at, cap)| (at, Budget { hard: cap.map(micros), ..Budget::default() }))
                .collect();
            let mut under_way = std::collections::VecDeque::new();
            for (amount, part, ends_one) in acts {
                if under_way.len() < 50 && reserve(&mut levels, micros(amount)).is_ok() {
                    under_way.push_back((amount, part));
                }
                if ends_one && let Some((amount, part)) = under_way.pop_front() {
                    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a small amount")]
                    let spent = (amount as f64 * part) as u64;
                    let settled = settle(&mut levels, micros(amount), micros(spent));
                    prop_assert!(settled.over_hard.is_empty());
                }
                let aside: u64 = under_way.iter().map(|(amount, _)| amount).sum();
                for (_, budget) in &levels {
                    prop_assert_eq!(budget.reserved, micros(aside));
                    prop_assert!(budget.hard.is_none_or(|hard| budget.committed() <= hard));
                }
            }
        }
    }
}
