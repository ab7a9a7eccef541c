//! One way to all registries: which versions there are, and which files one of them is.

use std::path::{Path, PathBuf};

use orch_core::recipe::{Package, Registry};

use super::{Registries, RegistryError};
use crate::{
    Digest, Kind, Pinned, Platform,
    fetch::{Expected, FetchError, Fetcher, Origin},
};
use orch_core::version::Version;

/// Asks registries; keeps what it has to fetch for that.
#[derive(Debug)]
pub(crate) struct Packages<'p> {
    pub(super) registries: &'p Registries,
    pub(super) fetcher: &'p Fetcher,
    pub(super) platform: Platform,
    /// Where files are kept by their digests.
    blobs: &'p Path,
}

/// The files of a version.
pub(crate) struct PinnedPackage {
    pub(crate) kind: Kind,
    pub(crate) files: Vec<Pinned>,
}

impl<'p> Packages<'p> {
    pub(crate) fn new(
        registries: &'p Registries,
        fetcher: &'p Fetcher,
        platform: Platform,
        blobs: &'p Path,
    ) -> Self {
        Self {
            registries,
            fetcher,
            platform,
            blobs,
        }
    }

    /// All versions of a package.
    pub(crate) async fn versions(&self, package: &Package) -> Result<Vec<Version>, RegistryError> {
        match package.registry {
            Registry::Npm => self.npm_versions(&package.name).await,
            Registry::Pypi => self.pypi_versions(&package.name).await,
            Registry::Crate => self.crate_versions(&package.name).await,
            Registry::Apt => self.apt_versions(&package.name).await,
        }
    }

    /// The files of a version, with those that it needs.
    pub(crate) async fn pin(
        &self,
        package: &Package,
        version: &Version,
    ) -> Result<PinnedPackage, RegistryError> {
        let (name, version) = (&package.name, version);
        let (kind, files) = match package.registry {
            Registry::Npm => (Kind::Npm, self.npm_pin(name, version).await?),
            Registry::Pypi => (Kind::Pypi, self.pypi_pin(name, version).await?),
            Registry::Crate => (Kind::Crate, self.crate_pin(name, version).await?),
            Registry::Apt => (Kind::Apt, self.apt_pin(name, version).await?),
        };
        Ok(PinnedPackage { kind, files })
    }

    /// Fetches a file that a registry named to where files lie by their digests, unless it is there.
    pub(super) async fn blob(
        &self,
        url: &str,
        registry: &str,
        authorization: Option<&str>,
        expected: &Expected,
    ) -> Result<(PathBuf, Digest, u64), FetchError> {
        if let Some(sha256) = expected.sha256 {
            let path = self.blobs.join(sha256.hex());
            if let Ok(found) = std::fs::metadata(&path) {
                return Ok((path, sha256, found.len()));
            }
        }
        let name = format!(
            "{}.{}.part",
            Digest::of(url.as_bytes()).hex(),
            std::process::id()
        );
        let part = self.blobs.join(name);
        let fetched = self
            .fetcher
            .fetch(url, Origin::Told(registry), authorization, expected, &part)
            .await?;
        let path = self.blobs.join(fetched.sha256.hex());
        std::fs::rename(&part, &path).map_err(|source| FetchError::Io {
            action: "keep",
            path: path.clone(),
            source,
        })?;
        Ok((path, fetched.sha256, fetched.bytes))
    }
}

/// Versions out of their texts; what is no version is passed over.
pub(super) fn versions<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<Version> {
    texts.into_iter().filter_map(Version::parse).collect()
}
