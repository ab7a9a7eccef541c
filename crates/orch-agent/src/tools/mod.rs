//! A run's tools: resolved against the catalog, installed, put on the `PATH`.
//!
//! Without a catalog nothing here does anything: tools are then those of the machine.

mod kept;
mod provide;
mod workshop;

pub(crate) use provide::Shelf;
pub use workshop::SandboxWorkshop;
