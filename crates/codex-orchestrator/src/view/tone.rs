//! What a status means for whoever reads it.

use crate::output::{Cell, Tone};

/// A status in its colour.
pub fn of_status(status: &str) -> Cell {
    let tone = match status {
        "succeeded" | "completed" | "approved" | "done" | "Done" | "resolved" | "ok"
        | "connected" => Tone::Good,
        "failed" | "denied" | "lost" | "degraded" => Tone::Bad,
        "waiting" | "pending" | "queued" | "Proposed" | "proposed" | "interrupted" => Tone::Waiting,
        "cancelled" | "Cancelled" | "expired" | "superseded" | "skipped" | "away" => Tone::Faint,
        _ => Tone::Plain,
    };
    Cell::new(status).tone(tone)
}
