//! npm: a package with all that it depends on.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::Deserialize;

use super::{Packages, RegistryError, packages::versions};
use crate::{
    Pinned, Platform,
    catalog::no_version,
    fetch::{Expected, FetchError},
};
use orch_core::version::{Range, Version};

const REGISTRY: &str = "npm";
/// Longest description of a package.
const MAX_ANSWER: u64 = 96 << 20;
/// Most packages of one tool.
const MAX_PACKAGES: usize = 2_000;

#[derive(Debug, Deserialize)]
struct Document {
    #[serde(default)]
    versions: BTreeMap<String, Release>,
    #[serde(default, rename = "dist-tags")]
    tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Release {
    dist: Dist,
    dependencies: BTreeMap<String, String>,
    #[serde(rename = "optionalDependencies")]
    optional: BTreeMap<String, String>,
    #[serde(rename = "peerDependencies")]
    peers: BTreeMap<String, String>,
    #[serde(rename = "peerDependenciesMeta")]
    peer_notes: BTreeMap<String, PeerNote>,
    os: Names,
    cpu: Names,
    libc: Names,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Dist {
    tarball: String,
    integrity: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct PeerNote {
    optional: bool,
}

/// One name or several; `!x` is all but x.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(untagged)]
enum Names {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

impl Names {
    fn allow(&self, name: &str) -> bool {
        let names: Vec<&str> = match self {
            Self::None => return true,
            Self::One(name) => vec![name],
            Self::Many(names) => names.iter().map(String::as_str).collect(),
        };
        let denied = names.iter().any(|one| one.strip_prefix('!') == Some(name));
        let listed = names.iter().any(|one| !one.starts_with('!'));
        !denied && (!listed || names.contains(&name) || names.contains(&"any"))
    }
}

impl Release {
    fn fits(&self, platform: Platform) -> bool {
        let cpu = match platform {
            Platform::LinuxAmd64 => "x64",
            Platform::LinuxArm64 => "arm64",
        };
        self.os.allow("linux") && self.cpu.allow(cpu) && self.libc.allow("glibc")
    }
}

/// What one package wants of another.
struct Want {
    /// The place of who wants it.
    by: usize,
    /// What it is called there.
    called: String,
    spelt: String,
    optional: bool,
}

impl Packages<'_> {
    pub(super) async fn npm_versions(&self, name: &str) -> Result<Vec<Version>, RegistryError> {
        let document = self.npm_document(name).await?;
        Ok(versions(document.versions.keys().map(String::as_str)))
    }

    async fn npm_document(&self, name: &str) -> Result<Document, RegistryError> {
        let url = format!("{}/{}", self.registries.npm, name.replace('/', "%2f"));
        let authorization = self.registries.npm_authorization(&url);
        let accept = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8";
        let answer = self
            .fetcher
            .text(&url, accept, authorization.as_deref(), MAX_ANSWER)
            .await;
        let (_, text) = answer.map_err(|error| match error {
            FetchError::Vanished { url, .. } => RegistryError::NoPackage {
                registry: REGISTRY,
                name: name.to_owned(),
                at: url,
            },
            other => other.into(),
        })?;
        serde_json::from_str(&text).map_err(|error| RegistryError::Answer {
            registry: REGISTRY,
            name: name.to_owned(),
            why: error.to_string(),
        })
    }

    pub(super) async fn npm_pin(
        &self,
        name: &str,
        version: &Version,
    ) -> Result<Vec<Pinned>, RegistryError> {
        let mut documents: HashMap<String, Document> = HashMap::new();
        let mut places: HashMap<(String, String), usize> = HashMap::new();
        let mut files: Vec<Pinned> = Vec::new();
        let mut wants = VecDeque::new();
        documents.insert(name.to_owned(), self.npm_document(name).await?);
        let first = self
            .npm_take(&documents[name], name, version.text())
            .await?;
        places.insert((name.to_owned(), version.text().to_owned()), 0);
        files.push(first);
        wants.extend(wanted(0, documents[name].versions.get(version.text())));
        while let Some(want) = wants.pop_front() {
            let (package, range) = target(&want.called, &want.spelt);
            if !documents.contains_key(&package) {
                match self.npm_document(&package).await {
                    Ok(document) => drop(documents.insert(package.clone(), document)),
                    Err(RegistryError::NoPackage { .. }) if want.optional => continue,
                    Err(error) => return Err(error),
                }
            }
            let document = &documents[&package];
            let chosen = match choose(document, &package, &range) {
                Ok(chosen) => chosen,
                Err(_) if want.optional => continue,
                Err(why) => {
                    return Err(RegistryError::Need {
                        name: files[want.by].name.clone(),
                        need: format!("{package}@{range}"),
                        why,
                    });
                }
            };
            let release = document.versions.get(&chosen);
            if want.optional && !release.is_some_and(|release| release.fits(self.platform)) {
                continue;
            }
            let key = (package.clone(), chosen.clone());
            let place = match places.get(&key) {
                Some(place) => *place,
                None => {
                    if files.len() >= MAX_PACKAGES {
                        return Err(RegistryError::Need {
                            name: name.to_owned(),
                            need: format!("more than {MAX_PACKAGES} packages"),
                            why: "that is more than one tool may have".to_owned(),
                        });
                    }
                    let file = self.npm_take(document, &package, &chosen).await?;
                    let place = files.len();
                    files.push(file);
                    places.insert(key, place);
                    wants.extend(wanted(place, release));
                    place
                }
            };
            files[want.by].needs.insert(want.called, place);
        }
        Ok(files)
    }

    /// Fetches the tarball for its SHA-256, which npm does not tell.
    async fn npm_take(
        &self,
        document: &Document,
        name: &str,
        version: &str,
    ) -> Result<Pinned, RegistryError> {
        let answer = |why: &str| RegistryError::Answer {
            registry: REGISTRY,
            name: name.to_owned(),
            why: why.to_owned(),
        };
        let release = document.versions.get(version);
        let dist = &release
            .ok_or_else(|| answer("the version is not in it"))?
            .dist;
        let integrity = dist
            .integrity
            .clone()
            .filter(|text| text.contains("sha512-"));
        let integrity = integrity.ok_or_else(|| answer("it tells no sha512 of the tarball"))?;
        if orch_archive::check_relative(name).is_err() {
            return Err(answer("its name is no folder's"));
        }
        let url = through_mirror(&dist.tarball, &self.registries.npm);
        let authorization = self.registries.npm_authorization(&url);
        let expected = Expected {
            integrity: Some(integrity.clone()),
            ..Expected::default()
        };
        let (_, sha256, size) = self
            .blob(
                &url,
                &self.registries.npm,
                authorization.as_deref(),
                &expected,
            )
            .await?;
        Ok(Pinned {
            name: name.to_owned(),
            version: version.to_owned(),
            url,
            sha256,
            size: Some(size),
            integrity: Some(integrity),
            needs: BTreeMap::new(),
        })
    }
}

fn wanted(by: usize, release: Option<&Release>) -> Vec<Want> {
    let Some(release) = release else {
        return Vec::new();
    };
    let peers = release.peers.iter().filter(|(name, _)| {
        let note = release.peer_notes.get(*name);
        !note.is_some_and(|note| note.optional)
    });
    let needed = release.dependencies.iter().chain(peers);
    let needed = needed.filter(|(name, _)| !release.optional.contains_key(*name));
    let want = |optional: bool| {
        move |(called, spelt): (&String, &String)| Want {
            by,
            called: called.clone(),
            spelt: spelt.clone(),
            optional,
        }
    };
    needed
        .map(want(false))
        .chain(release.optional.iter().map(want(true)))
        .collect()
}

/// `npm:other@range` names another package.
fn target(called: &str, spelt: &str) -> (String, String) {
    let Some(alias) = spelt.strip_prefix("npm:") else {
        return (called.to_owned(), spelt.to_owned());
    };
    match alias.rfind('@').filter(|at| *at > 0) {
        Some(at) => (alias[..at].to_owned(), alias[at + 1..].to_owned()),
        None => (alias.to_owned(), "*".to_owned()),
    }
}

/// The version that a range or a tag means.
fn choose(document: &Document, name: &str, range: &str) -> Result<String, String> {
    if let Some(tagged) = document.tags.get(range) {
        return Ok(tagged.clone());
    }
    let parsed = Range::parse(range)?;
    let offered = versions(document.versions.keys().map(String::as_str));
    // What is called `latest` is preferred, as npm does.
    let latest = document
        .tags
        .get("latest")
        .and_then(|text| Version::parse(text));
    if let Some(latest) = latest.filter(|latest| parsed.holds(latest)) {
        return Ok(latest.text().to_owned());
    }
    let newest = parsed.newest(&offered, |version| version);
    newest
        .map(|version| version.text().to_owned())
        .ok_or_else(|| no_version(name, &parsed, offered.clone()).to_string())
}

/// Registries name tarballs at the public one; a mirror has them under its own address.
fn through_mirror(tarball: &str, registry: &str) -> String {
    const PUBLIC: &str = "https://registry.npmjs.org/";
    match tarball.strip_prefix(PUBLIC) {
        Some(path) => {
            let shown = crate::fetch::without_credentials(registry);
            format!("{}/{path}", shown.trim_end_matches('/'))
        }
        None => tarball.to_owned(),
    }
}
