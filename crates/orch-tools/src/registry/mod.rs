//! Package registries, as the user has configured them: npm, PyPI, crates.io, Debian archives.
//!
//! Owns how each names versions, files and hashes. Reads the configuration of the package managers and
//! writes none; runs nothing but `apt-get`, `apt-cache` and `python3 --version`.

mod apt;
mod config;
mod crates_io;
mod error;
mod marker;
mod npm;
mod packages;
mod pypi;
mod requirement;
#[cfg(test)]
mod tests;

pub use config::Registries;
pub use error::RegistryError;
pub(crate) use packages::Packages;
pub(crate) use requirement::normal as normal_name;
