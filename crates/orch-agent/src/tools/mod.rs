//! A run's tools: resolved against the catalog, installed, put on the `PATH`.
//!
//! Without a catalog nothing here does anything: tools are then those of the machine.

mod desk;
mod kept;
mod mailbox;
mod provide;
mod workshop;

pub(crate) use desk::ToolDesk;
pub(crate) use provide::Shelf;
pub use workshop::SandboxWorkshop;
pub(crate) use workshop::clear_leftovers;
