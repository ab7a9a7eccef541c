//! Models, prices, costs.

use orch_api::types::model::{CostLine, Model, ModelPrice, ModelTrial, Price};

use crate::commands::money::shown;
use crate::output::{Cell, Details, Row};

/// Micro-dollars as people read them: at least two places.
pub(super) fn money(micros: u64) -> Cell {
    Cell::new(shown(micros))
}

fn price(price: &Price) -> [Cell; 3] {
    [money(price.input), money(price.cached), money(price.output)]
}

impl Row for Model {
    const HEAD: &'static [&'static str] = &[
        "name", "protocol", "model", "from", "key", "price in", "out", "roles", "place",
    ];
    const NAME: &'static str = "models";

    fn cells(&self) -> Vec<Cell> {
        let (input, output) = match &self.price {
            Some(price) => (money(price.input), money(price.output)),
            None => (Cell::new("-"), Cell::new("-")),
        };
        vec![
            Cell::new(&self.name),
            Cell::new(&self.protocol),
            Cell::new(&self.model),
            Cell::new(&self.source),
            Cell::new(self.key_env.as_deref().unwrap_or("-")),
            input,
            output,
            Cell::new(self.roles.len()),
            Cell::new(&self.place),
        ]
    }
}

impl Row for ModelPrice {
    const HEAD: &'static [&'static str] = &["model", "input", "cached", "output", "from", "set"];
    const NAME: &'static str = "prices";

    fn cells(&self) -> Vec<Cell> {
        let [input, cached, output] = price(&self.price);
        let by = self.updated_by.as_deref().unwrap_or("-");
        let model = Cell::new(&self.model);
        vec![
            model,
            input,
            cached,
            output,
            Cell::new(&self.source),
            Cell::new(by),
        ]
    }
}

impl Details for ModelPrice {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        let [input, cached, output] = price(&self.price);
        vec![
            ("model", Cell::new(&self.model)),
            ("input", input),
            ("cached", cached),
            ("output", output),
            ("from", Cell::new(&self.source)),
        ]
    }
}

impl Details for ModelTrial {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("model", Cell::new(&self.model)),
            (
                "answered",
                Cell::new(if self.answered { "yes" } else { "no" }),
            ),
            ("said", Cell::new(&self.said)),
            ("took", Cell::new(format!("{} ms", self.latency_ms))),
            ("tokens in", Cell::new(self.input_tokens)),
            ("tokens out", Cell::new(self.output_tokens)),
            (
                "cost",
                self.cost_microusd.map_or_else(|| Cell::new("-"), money),
            ),
        ]
    }
}

impl Row for CostLine {
    const HEAD: &'static [&'static str] = &[
        "name",
        "calls",
        "failed",
        "tokens in",
        "cached",
        "out",
        "without price",
        "cost",
    ];
    const NAME: &'static str = "costs";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.name),
            Cell::new(self.calls),
            Cell::new(self.failed),
            Cell::new(self.input_tokens),
            Cell::new(self.cached_tokens),
            Cell::new(self.output_tokens),
            Cell::new(self.unpriced),
            money(self.cost_microusd),
        ]
    }
}
