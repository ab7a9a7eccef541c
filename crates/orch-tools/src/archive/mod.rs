//! Unpacking archives that nobody trusts.
//!
//! Owns every bound on what comes out of them. Nothing is written outside the given folder, no link
//! leads out of it, and what is no file, folder or link is refused.

mod ar;
mod bounds;
mod error;
mod kind;
mod links;
mod paths;
mod place;
mod tar;
#[cfg(test)]
mod tests;
mod unpack;
mod zip;

pub use bounds::Bounds;
pub use error::ArchiveError;
pub use kind::ArchiveKind;
pub(crate) use links::check_all as check_links;
pub(crate) use paths::check as check_relative;
pub use place::Absolute;
pub use unpack::{Unpacked, unpack, unpack_deb};
pub(crate) use zip::Zip;
