//! The catalog: a folder of entries, each a recipe that says where a tool comes from.
//!
//! Owns which entries there are and how far each is trusted. Reads files; fetches nothing.

mod entry;
mod find;
mod folder;

pub use entry::{Entry, Trust};
pub use find::NotFound;
pub(crate) use find::no_version;
pub use folder::{Catalog, Fault};
