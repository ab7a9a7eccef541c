//! Fetching files: bounded in size and time, gone on with after a break, and hashed whole.
//!
//! Owns what may be fetched from where. Nothing that it hands out has another hash than was asked for.

mod error;
mod http;
mod local;
mod policy;
mod text;

pub use error::FetchError;
pub use http::Fetcher;
pub(crate) use http::without_credentials;
pub(crate) use policy::is_of;
pub use policy::{Bounds, Origin};

use std::path::PathBuf;

use crate::Digest;

/// What bytes must be.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// Their SHA-256.
    pub sha256: Option<Digest>,
    /// Their hash as npm writes it, such as `sha512-…`.
    pub integrity: Option<String>,
    /// How many there are.
    pub size: Option<u64>,
}

/// A file that was fetched.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Where it lies.
    pub path: PathBuf,
    /// Its SHA-256.
    pub sha256: Digest,
    /// Its bytes.
    pub bytes: u64,
}
