//! Where runs get their files from, as columns hold it.

use orch_core::source::{Reference, RepositoryUrl, Source};

use crate::StoreError;

pub(crate) fn url(text: &str) -> Result<RepositoryUrl, StoreError> {
    RepositoryUrl::parse(text).map_err(|_| StoreError::corrupt("repository_url", text))
}

pub(crate) fn reference(text: String) -> Result<Reference, StoreError> {
    Reference::parse(&text).map_err(|_| StoreError::corrupt("reference", text))
}

/// A commit that was resolved.
pub(crate) fn source(text: String) -> Result<Source, StoreError> {
    serde_json::from_str(&text).map_err(|_| StoreError::corrupt("source", text))
}

/// As it is stored.
pub(crate) fn text(source: &Source) -> String {
    serde_json::json!(source).to_string()
}
