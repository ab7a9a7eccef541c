//! What every sandbox promises, tried with real commands on every backend that works here.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod contract;
mod escape;
mod place;
mod victims;
