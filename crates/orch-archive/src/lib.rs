//! Reading archives that nobody trusts.
//!
//! Owns every bound on what comes out of them. Nothing is written outside the given folder, no link
//! leads out of it, and what is no file, folder or link is refused. What is read in memory is held to
//! the same bounds, and nothing of it is written anywhere.

mod ar;
mod bounds;
mod error;
mod kind;
mod links;
mod look;
mod pack;
mod paths;
mod place;
mod sink;
mod tar;
#[cfg(test)]
mod tests;
mod unpack;
mod zip;

pub use bounds::Bounds;
pub use error::ArchiveError;
pub use kind::ArchiveKind;
pub use links::check_all as check_links;
pub use look::{Look, Looked, look};
pub use pack::{PackError, Packed, Packer, Packing, pack};
pub use paths::check as check_relative;
pub use place::Absolute;
pub use unpack::{Unpacked, unpack, unpack_deb};
pub use zip::Zip;
