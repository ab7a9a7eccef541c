//! Agents.

use orch_api::types::agent::Agent;

use super::of_status;
use crate::output::{Cell, Row};

impl Row for Agent {
    const HEAD: &'static [&'static str] = &[
        "name",
        "standing",
        "slots",
        "holds runs",
        "version",
        "last seen",
        "labels",
    ];
    const NAME: &'static str = "agents";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.name),
            of_status(if self.connected { "connected" } else { "away" }),
            Cell::new(self.slots),
            Cell::ids(&self.holding),
            Cell::new(&self.version),
            Cell::time(&self.last_seen_at),
            Cell::new(self.labels.join(", ")),
        ]
    }
}
