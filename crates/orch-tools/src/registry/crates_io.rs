//! crates.io by its sparse index: the source of a crate, which the entry's steps build.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Packages, RegistryError, packages::versions};
use orch_core::version::Version;

use crate::{Digest, Pinned, fetch::FetchError};

const REGISTRY: &str = "crates.io";
/// Longest answer of the index.
const MAX_ANSWER: u64 = 32 << 20;

#[derive(Debug, Deserialize)]
struct Config {
    dl: String,
}

#[derive(Debug, Deserialize)]
struct Line {
    name: String,
    vers: String,
    cksum: String,
    #[serde(default)]
    yanked: bool,
}

impl Packages<'_> {
    pub(super) async fn crate_versions(&self, name: &str) -> Result<Vec<Version>, RegistryError> {
        let lines = self.crate_lines(name).await?;
        let there = lines.iter().filter(|line| !line.yanked);
        Ok(versions(there.map(|line| line.vers.as_str())))
    }

    async fn crate_lines(&self, name: &str) -> Result<Vec<Line>, RegistryError> {
        let url = format!("{}/{}", self.registries.crates, index_path(name));
        let answer = self
            .fetcher
            .text(&url, "text/plain", None, MAX_ANSWER)
            .await;
        let (_, text) = answer.map_err(|error| match error {
            FetchError::Vanished { url, .. } => RegistryError::NoPackage {
                registry: REGISTRY,
                name: name.to_owned(),
                at: url,
            },
            other => other.into(),
        })?;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let lines: Result<Vec<Line>, _> = lines.map(serde_json::from_str).collect();
        lines.map_err(|error| wrong(name, error.to_string()))
    }

    pub(super) async fn crate_pin(
        &self,
        name: &str,
        version: &Version,
    ) -> Result<Vec<Pinned>, RegistryError> {
        let lines = self.crate_lines(name).await?;
        let line = lines.iter().find(|line| line.vers == version.text());
        let line = line.ok_or_else(|| wrong(name, "the version is not in it".to_owned()))?;
        let sha256: Digest = line.cksum.parse().map_err(|why| wrong(name, why))?;
        let url = format!("{}/config.json", self.registries.crates);
        let (_, config) = self
            .fetcher
            .text(&url, "application/json", None, 64 * 1024)
            .await?;
        let config: Config =
            serde_json::from_str(&config).map_err(|error| wrong(name, error.to_string()))?;
        Ok(vec![Pinned {
            name: line.name.clone(),
            version: line.vers.clone(),
            url: download(&config.dl, &line.name, &line.vers, &line.cksum),
            sha256,
            size: None,
            integrity: None,
            needs: BTreeMap::new(),
        }])
    }
}

fn wrong(name: &str, why: String) -> RegistryError {
    RegistryError::Answer {
        registry: REGISTRY,
        name: name.to_owned(),
        why,
    }
}

/// Where a crate's lines lie: `1/a`, `2/ab`, `3/a/abc`, `ab/cd/abcd…`.
pub(super) fn index_path(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    if !name.is_ascii() {
        return name;
    }
    match name.len() {
        1 => format!("1/{name}"),
        2 => format!("2/{name}"),
        3 => format!("3/{}/{name}", &name[..1]),
        _ if name.len() > 3 => format!("{}/{}/{name}", &name[..2], &name[2..4]),
        _ => name,
    }
}

fn download(template: &str, name: &str, version: &str, sha256: &str) -> String {
    if !template.contains('{') {
        return format!(
            "{}/{name}/{version}/download",
            template.trim_end_matches('/')
        );
    }
    let path = index_path(name);
    let prefix = path.rsplit_once('/').map_or("", |(prefix, _)| prefix);
    template
        .replace("{crate}", name)
        .replace("{version}", version)
        .replace("{prefix}", prefix)
        .replace("{lowerprefix}", prefix)
        .replace("{sha256-checksum}", sha256)
}
