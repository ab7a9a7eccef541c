//! The cache: installed tools by the digest of what they were made from, read-only, shared.
//!
//! Owns who may use, make or remove one at the same time as others. A tool counts as installed once its
//! seal is written; locks of the kernel end with the process that held them.

mod building;
mod collect;
mod error;
mod lease;
mod manifest;
mod seal;
mod store;
#[cfg(test)]
mod tests;

pub use building::Building;
pub use collect::{Collected, Usage};
pub use error::CacheError;
pub use lease::Lease;
pub use manifest::Manifest;
pub use store::{Cache, Stored};
