//! PyPI by its simple index: wheels, with those that they need.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    Packages, RegistryError,
    marker::Markers,
    requirement::{self, Requirement, normal},
};
use crate::{
    ArchiveBounds, Digest, Pinned,
    catalog::no_version,
    fetch::{Expected, FetchError},
};
use orch_archive::Zip;
use orch_core::version::{Range, Version};

const REGISTRY: &str = "PyPI";
/// Longest answer of the index.
const MAX_ANSWER: u64 = 64 << 20;
/// Longest metadata of a wheel.
const MAX_METADATA: u64 = 4 << 20;
/// Most packages of one tool.
const MAX_PACKAGES: usize = 500;
/// How often it is begun anew because two packages want different versions of a third.
const MAX_ROUNDS: usize = 30;

#[derive(Debug, Deserialize)]
struct Answer {
    files: Vec<File>,
}

#[derive(Clone, Debug, Deserialize)]
struct File {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
    #[serde(default)]
    yanked: serde_json::Value,
    #[serde(default, rename = "requires-python")]
    python: Option<String>,
    #[serde(default)]
    size: Option<u64>,
}

/// A wheel that runs here.
#[derive(Clone, Debug)]
struct Wheel {
    version: Version,
    /// The more general the better: 0 is for every machine.
    rank: u32,
    file: File,
}

/// Python on this machine.
struct Python {
    /// Such as 3.11.
    version: String,
    /// Such as 311.
    tag: String,
}

impl Packages<'_> {
    pub(super) async fn pypi_versions(&self, name: &str) -> Result<Vec<Version>, RegistryError> {
        let wheels = self.wheels(name, &python().await?).await?;
        let mut versions: Vec<Version> = wheels.into_iter().map(|wheel| wheel.version).collect();
        versions.sort();
        versions.dedup();
        Ok(versions)
    }

    async fn wheels(&self, name: &str, python: &Python) -> Result<Vec<Wheel>, RegistryError> {
        let base = format!("{}/{}/", self.registries.pypi, normal(name));
        let accept = "application/vnd.pypi.simple.v1+json, text/html;q=0.5";
        let answer = self.fetcher.text(&base, accept, None, MAX_ANSWER).await;
        let (kind, text) = answer.map_err(|error| match error {
            FetchError::Vanished { url, .. } => RegistryError::NoPackage {
                registry: REGISTRY,
                name: name.to_owned(),
                at: url,
            },
            other => other.into(),
        })?;
        let files = match kind.contains("json") {
            true => {
                let answer: Answer =
                    serde_json::from_str(&text).map_err(|error| wrong(name, error.to_string()))?;
                answer.files
            }
            false => links(&text),
        };
        let [_, machine] = self.platform.architectures();
        let base = reqwest::Url::parse(&base).map_err(|error| wrong(name, error.to_string()))?;
        let wheels = files.into_iter().filter_map(|mut file| {
            let is_yanked = !matches!(
                file.yanked,
                serde_json::Value::Null | serde_json::Value::Bool(false)
            );
            let fits_python = file
                .python
                .as_deref()
                .is_none_or(|range| fits_python(range, python));
            let (version, rank) = wheel_name(&file.filename, name, machine, &python.tag)?;
            let whole = base.join(&file.url).ok()?;
            if whole.host_str() == base.host_str() {
                // An index that wants a name and password wants them for its files as well; the lock
                // holds none.
                file.url = crate::fetch::without_credentials(whole.as_str());
            } else {
                file.url = whole.to_string();
            }
            (!is_yanked && fits_python).then_some(Wheel {
                version,
                rank,
                file,
            })
        });
        Ok(wheels.collect())
    }

    pub(super) async fn pypi_pin(
        &self,
        name: &str,
        version: &Version,
    ) -> Result<Vec<Pinned>, RegistryError> {
        let python = python().await?;
        let exact = Range::parse(&format!("=={}", version.text()));
        let exact = exact.map_err(|why| wrong(name, why))?;
        let mut known: BTreeMap<String, Vec<Wheel>> = BTreeMap::new();
        let mut wanted: BTreeMap<String, Vec<Range>> = BTreeMap::new();
        wanted.insert(normal(name), vec![exact]);
        for _ in 0..MAX_ROUNDS {
            if let Some(files) = self.round(name, &python, &mut known, &mut wanted).await? {
                return Ok(files);
            }
        }
        Err(wrong(
            name,
            "what it needs does not fit together".to_owned(),
        ))
    }

    /// One way through all that is needed; none where a want turned up that changes an earlier choice.
    async fn round(
        &self,
        name: &str,
        python: &Python,
        known: &mut BTreeMap<String, Vec<Wheel>>,
        wanted: &mut BTreeMap<String, Vec<Range>>,
    ) -> Result<Option<Vec<Pinned>>, RegistryError> {
        let mut open = vec![(normal(name), Vec::<String>::new())];
        let mut chosen: BTreeMap<String, (Version, Vec<String>)> = BTreeMap::new();
        let mut files = BTreeMap::new();
        while let Some((package, extras)) = open.pop() {
            if let Some((_, had)) = chosen.get(&package)
                && extras.iter().all(|extra| had.contains(extra))
            {
                continue;
            }
            if chosen.len() >= MAX_PACKAGES {
                return Err(wrong(
                    name,
                    format!("it needs more than {MAX_PACKAGES} packages"),
                ));
            }
            if !known.contains_key(&package) {
                let wheels = self.wheels(&package, python).await?;
                known.insert(package.clone(), wheels);
            }
            let ranges = wanted.get(&package).map_or(&[][..], Vec::as_slice);
            let wheel = choose(&known[&package], ranges).cloned().ok_or_else(|| {
                let offered = known[&package]
                    .iter()
                    .map(|wheel| wheel.version.clone())
                    .collect();
                let texts: Vec<String> = ranges.iter().map(Range::to_string).collect();
                let range = Range::parse(&texts.join(",")).unwrap_or_else(|_| Range::any());
                RegistryError::Need {
                    name: name.to_owned(),
                    need: format!("{package} {range}"),
                    why: no_version(&package, &range, offered).to_string(),
                }
            })?;
            let (path, pinned) = self.take(&package, &wheel).await?;
            let mut all = chosen
                .get(&package)
                .map(|(_, extras)| extras.clone())
                .unwrap_or_default();
            all.extend(extras);
            for need in needs(
                &path,
                &package,
                self.platform.architectures()[1],
                python,
                &all,
            )? {
                let ranges = wanted.entry(need.name.clone()).or_default();
                if !ranges.contains(&need.range) {
                    ranges.push(need.range.clone());
                }
                if let Some((version, _)) = chosen.get(&need.name)
                    && !need.range.holds(version)
                {
                    return Ok(None);
                }
                open.push((need.name, need.extras));
            }
            chosen.insert(package.clone(), (wheel.version, all));
            files.insert(package, pinned);
        }
        let first = files.remove(&normal(name));
        Ok(Some(first.into_iter().chain(files.into_values()).collect()))
    }

    async fn take(&self, name: &str, wheel: &Wheel) -> Result<(PathBuf, Pinned), RegistryError> {
        let sha256 = wheel.file.hashes.get("sha256");
        let sha256 =
            sha256.ok_or_else(|| wrong(name, "it tells no SHA-256 of its files".to_owned()))?;
        let sha256: Digest = sha256.parse().map_err(|why| wrong(name, why))?;
        let expected = Expected {
            sha256: Some(sha256),
            ..Expected::default()
        };
        let authorization = super::config::basic_below(&self.registries.pypi, &wheel.file.url);
        let (path, sha256, bytes) = self
            .blob(
                &wheel.file.url,
                &self.registries.pypi,
                authorization.as_deref(),
                &expected,
            )
            .await?;
        let pinned = Pinned {
            name: name.to_owned(),
            version: wheel.version.text().to_owned(),
            url: wheel.file.url.clone(),
            sha256,
            size: Some(wheel.file.size.unwrap_or(bytes)),
            integrity: None,
            needs: BTreeMap::new(),
        };
        Ok((path, pinned))
    }
}

fn wrong(name: &str, why: String) -> RegistryError {
    RegistryError::Answer {
        registry: REGISTRY,
        name: name.to_owned(),
        why,
    }
}

fn fits_python(range: &str, python: &Python) -> bool {
    let version = Version::parse(&format!("{}.99", python.version));
    match (Range::parse(range), version) {
        (Ok(range), Some(version)) => range.holds(&version),
        _ => true,
    }
}

/// Newest first, and of one version the most general wheel.
fn choose<'w>(wheels: &'w [Wheel], ranges: &[Range]) -> Option<&'w Wheel> {
    let fits = wheels
        .iter()
        .filter(|wheel| ranges.iter().all(|range| range.holds(&wheel.version)))
        .filter(|wheel| !wheel.version.is_early() || !ranges.is_empty());
    fits.min_by(|a, b| b.version.cmp(&a.version).then(a.rank.cmp(&b.rank)))
}

async fn python() -> Result<Python, RegistryError> {
    let failed = |why: String| RegistryError::Program {
        program: "python3",
        registry: REGISTRY,
        why,
    };
    let run = tokio::process::Command::new("python3")
        .args([
            "-I",
            "-c",
            "import sys; print('%d.%d' % sys.version_info[:2])",
        ])
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(std::time::Duration::from_secs(20), run).await;
    let output = output.map_err(|_| failed("it does not answer".to_owned()))?;
    let output = output.map_err(|error| failed(error.to_string()))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match version.split_once('.') {
        Some((major, minor)) if output.status.success() => Ok(Python {
            tag: format!("{major}{minor}"),
            version: version.clone(),
        }),
        _ => Err(failed("it tells no version".to_owned())),
    }
}

/// The version of a wheel that runs here, and how general it is.
fn wheel_name(file: &str, name: &str, machine: &str, python: &str) -> Option<(Version, u32)> {
    let stem = file.strip_suffix(".whl")?;
    let parts: Vec<&str> = stem.split('-').collect();
    let (own, version, tags) = match parts.as_slice() {
        [own, version, tags @ ..] if tags.len() == 3 || tags.len() == 4 => {
            (own, version, &tags[tags.len() - 3..])
        }
        _ => return None,
    };
    if normal(own) != normal(name) {
        return None;
    }
    let [pythons, abis, platforms] = tags else {
        return None;
    };
    let own = format!("cp{python}");
    let minor: u32 = python.get(1..)?.parse().ok()?;
    let stable = |tag: &str| {
        let number: Option<u32> = tag.strip_prefix("cp3").and_then(|minor| minor.parse().ok());
        number.is_some_and(|number| number <= minor)
    };
    let any_python = pythons
        .split('.')
        .any(|tag| tag == "py3" || tag == format!("py{python}"));
    let abi = abis.split('.').find_map(|abi| match abi {
        "none" if any_python => Some(0),
        "abi3" if pythons.split('.').any(stable) => Some(1),
        abi if abi == own && pythons.split('.').any(|tag| tag == own) => Some(2),
        "none" if pythons.split('.').any(|tag| tag == own) => Some(2),
        _ => None,
    })?;
    let platform = platforms.split('.').find_map(|platform| match platform {
        "any" => Some(0),
        platform if platform.ends_with(machine) && platform.starts_with("manylinux") => Some(4),
        platform if platform == format!("linux_{machine}") => Some(8),
        _ => None,
    })?;
    Some((Version::parse(version)?, abi + platform))
}

fn needs(
    wheel: &Path,
    name: &str,
    machine: &str,
    python: &Python,
    extras: &[String],
) -> Result<Vec<Requirement>, RegistryError> {
    let damaged = |why: String| wrong(name, why);
    let file = std::fs::File::open(wheel).map_err(|error| damaged(error.to_string()))?;
    let zip = Zip::open(std::io::BufReader::new(file), &ArchiveBounds::default());
    let mut zip = zip.map_err(|error| damaged(error.to_string()))?;
    let is_metadata =
        |path: &str| path.ends_with(".dist-info/METADATA") && path.matches('/').count() == 1;
    let text = zip.small(is_metadata, MAX_METADATA);
    let text = text
        .map_err(|error| damaged(error.to_string()))?
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let markers = Markers {
        python: &python.version,
        machine,
        extras,
    };
    let mut needs = Vec::new();
    let lines = text.lines().take_while(|line| !line.trim().is_empty());
    for line in lines.filter_map(|line| line.strip_prefix("Requires-Dist:")) {
        let need = requirement::parse(line, &markers).map_err(|why| RegistryError::Need {
            name: name.to_owned(),
            need: line.trim().chars().take(120).collect(),
            why,
        })?;
        needs.extend(need);
    }
    Ok(needs)
}

/// Links of an index that answers in HTML.
fn links(html: &str) -> Vec<File> {
    let mut files = Vec::new();
    for anchor in html.split("<a ").skip(1) {
        let Some((attributes, rest)) = anchor.split_once('>') else {
            continue;
        };
        let text = rest.split('<').next().unwrap_or_default().trim();
        let attribute = |name: &str| {
            let (_, value) = attributes.split_once(&format!("{name}=\""))?;
            value.split('"').next().map(unescape)
        };
        let Some(href) = attribute("href") else {
            continue;
        };
        let (url, fragment) = href.split_once('#').unwrap_or((&href, ""));
        let hash = fragment.strip_prefix("sha256=");
        files.push(File {
            filename: unescape(text),
            url: url.to_owned(),
            hashes: hash
                .map(|hash| ("sha256".to_owned(), hash.to_owned()))
                .into_iter()
                .collect(),
            yanked: serde_json::Value::Bool(attributes.contains("data-yanked")),
            python: attribute("data-requires-python"),
            size: None,
        });
    }
    files
}

fn unescape(text: &str) -> String {
    text.replace("&gt;", ">")
        .replace("&lt;", "<")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}
