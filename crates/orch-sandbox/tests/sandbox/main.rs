//! What every sandbox promises, tried with real commands on every backend that works here.

mod contract;
mod place;
