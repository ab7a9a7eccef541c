//! Budgets and how they stand.

use orch_api::types::budget::Budget;

use super::model::money;
use crate::output::{Cell, Details, Row};

fn amount(micros: Option<u64>) -> Cell {
    micros.map_or_else(|| Cell::new("-"), money)
}

fn place(budget: &Budget) -> String {
    format!("{} {}", budget.scope.replace('_', " "), budget.scope_id)
}

impl Row for Budget {
    const HEAD: &'static [&'static str] = &[
        "of",
        "period",
        "hard cap",
        "soft cap",
        "spent",
        "set aside",
        "left",
        "soft cap reached",
    ];
    const NAME: &'static str = "budgets";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(place(self)),
            Cell::new(&self.period),
            amount(self.hard_cap_microusd),
            amount(self.soft_cap_microusd),
            money(self.spent_microusd),
            money(self.reserved_microusd),
            amount(self.remaining_microusd),
            Cell::new(if self.soft_cap_reached { "yes" } else { "no" }),
        ]
    }
}

impl Details for Budget {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("of", Cell::new(place(self))),
            ("period", Cell::new(&self.period)),
            ("hard cap", amount(self.hard_cap_microusd)),
            ("soft cap", amount(self.soft_cap_microusd)),
            ("spent", money(self.spent_microusd)),
            ("set aside", money(self.reserved_microusd)),
            ("left", amount(self.remaining_microusd)),
            ("set by", Cell::new(&self.updated_by)),
        ]
    }
}
