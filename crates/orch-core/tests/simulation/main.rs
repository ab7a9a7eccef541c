//! Deterministic simulation of scheduler, leases, retries and agents over the pure core.
//!
//! A seed makes a world: projects, replicas that share one database, agents, a network that delays,
//! loses, repeats and reorders, and faults. Invariants are checked after every commit; in the end
//! the network heals and all work must be finished.
//!
//! `SIM_FROM` and `SIM_SEEDS` choose the seeds, `SIM_TRACE=1` prints what happens.

#![expect(clippy::unwrap_used, reason = "the whole of it is a test")]

mod agent;
mod approvals;
mod chance;
mod database;
mod mutant;
mod network;
mod oracle;
mod replica;
mod scenario;
mod tests;
mod trace;
mod turns;
mod user;
mod world;
