//! Models against servers and programs that behave and misbehave: one contract for all that answers, and
//! what comes of junk, limits, cuts and silence.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails the test"
)]

mod budget;
mod chain;
mod command;
mod contract;
mod fake;
mod junk;
mod limits;
mod patience;
mod recording;
mod refusals;
mod requests;
mod server;
mod structured;
mod time;
mod tolerance;
mod tools;
mod useful;
mod wire;
