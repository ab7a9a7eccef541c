//! Debian archives, through the machine's own apt: its sources, proxies and keys.
//!
//! apt has checked the indexes that it holds; the hash of a package is taken from them. What a package
//! depends on comes with it, as far as the machine does not have it.

use std::{collections::BTreeMap, time::Duration};

use tokio::process::Command;

use super::{Packages, RegistryError};
use orch_core::version::Version;

use crate::{Digest, Pinned};

const REGISTRY: &str = "a Debian archive";
/// How long apt may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest answer of apt.
const MAX_ANSWER: usize = 16 << 20;

impl Packages<'_> {
    pub(super) async fn apt_versions(&self, name: &str) -> Result<Vec<Version>, RegistryError> {
        check_name(name)?;
        let text = apt("apt-cache", &["show", "--", name]).await;
        let text = match text {
            Ok(text) => text,
            Err(RegistryError::Program { why, .. }) if why.contains("No packages found") => {
                return Err(RegistryError::NoPackage {
                    registry: REGISTRY,
                    name: name.to_owned(),
                    at: "apt's sources; `apt-get update` reads them anew".to_owned(),
                });
            }
            Err(error) => return Err(error),
        };
        // Without a file's name it is what is installed, which no archive may have any more.
        let offered = stanzas(&text).filter(|stanza| stanza.contains_key("Filename"));
        let versions = offered.filter_map(|stanza| stanza.get("Version").copied());
        let mut versions: Vec<Version> = versions.filter_map(Version::debian).collect();
        // apt names the one it would take first; of equals the last is chosen.
        versions.reverse();
        Ok(versions)
    }

    pub(super) async fn apt_pin(
        &self,
        name: &str,
        version: &Version,
    ) -> Result<Vec<Pinned>, RegistryError> {
        check_name(name)?;
        let [architecture, _] = self.platform.architectures();
        let architecture = format!("APT::Architecture={architecture}");
        let wanted = format!("{name}={}", version.text());
        let own = [
            "-o",
            &architecture,
            "download",
            "--print-uris",
            "--",
            &wanted,
        ];
        let own = uris(&apt("apt-get", &own).await?);
        let with = [
            "-o",
            &architecture,
            "install",
            "--print-uris",
            "--yes",
            "--no-install-recommends",
            "--no-upgrade",
            "--",
            &wanted,
        ];
        // A machine that has the package already lists nothing: what it needs is there as well.
        let needs = uris(&apt("apt-get", &with).await.unwrap_or_default());
        let [first] = own.as_slice() else {
            return Err(wrong(name, "apt names no file of it"));
        };
        let mut files = vec![pinned(first, name)?];
        for need in needs.iter().filter(|need| need.file != first.file) {
            files.push(pinned(need, name)?);
        }
        Ok(files)
    }
}

fn wrong(name: &str, why: &str) -> RegistryError {
    RegistryError::Answer {
        registry: REGISTRY,
        name: name.to_owned(),
        why: why.to_owned(),
    }
}

fn check_name(name: &str) -> Result<(), RegistryError> {
    let fine = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte));
    match fine && name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        true => Ok(()),
        false => Err(wrong(name, "its name is none of Debian's")),
    }
}

/// A file of `--print-uris`.
pub(super) struct Uri {
    url: String,
    pub(super) file: String,
    size: Option<u64>,
    sha256: Option<Digest>,
}

/// Lines such as `'http://…/jq_1.6_amd64.deb' jq_1.6_amd64.deb 64400 SHA256:…`.
pub(super) fn uris(text: &str) -> Vec<Uri> {
    text.lines()
        .filter_map(|line| {
            let (url, rest) = line.strip_prefix('\'')?.split_once("' ")?;
            let mut words = rest.split_whitespace();
            let file = words.next()?.to_owned();
            let size = words.next().and_then(|word| word.parse().ok());
            let sha256 = words
                .next()
                .and_then(|word| word.strip_prefix("SHA256:")?.parse().ok());
            Some(Uri {
                url: url.to_owned(),
                file,
                size,
                sha256,
            })
        })
        .collect()
}

fn pinned(uri: &Uri, tool: &str) -> Result<Pinned, RegistryError> {
    let sha256 = uri
        .sha256
        .ok_or_else(|| wrong(tool, "apt tells no SHA-256 of it"))?;
    let mut parts = uri.file.split('_');
    let name = parts.next().unwrap_or_default();
    Ok(Pinned {
        name: name.to_owned(),
        version: parts.next().unwrap_or_default().replace("%3a", ":"),
        url: crate::fetch::without_credentials(&uri.url),
        sha256,
        size: uri.size,
        integrity: None,
        needs: BTreeMap::new(),
    })
}

async fn apt(program: &'static str, args: &[&str]) -> Result<String, RegistryError> {
    let failed = |why: String| RegistryError::Program {
        program,
        registry: REGISTRY,
        why,
    };
    let run = Command::new(program)
        .args(["-q", "-q"])
        .args(args)
        .env("LC_ALL", "C")
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, run).await;
    let output =
        output.map_err(|_| failed(format!("it took longer than {} s", PATIENCE.as_secs())))?;
    let output = output.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().last().unwrap_or_default().to_owned();
        return Err(failed(format!("it ended with {}: {said}", output.status)));
    }
    if output.stdout.len() > MAX_ANSWER {
        return Err(failed("it said too much".to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Paragraphs of `Field: value`; lines that go on are passed over.
pub(super) fn stanzas(text: &str) -> impl Iterator<Item = BTreeMap<&str, &str>> {
    text.split("\n\n").map(|stanza| {
        let lines = stanza.lines().filter(|line| !line.starts_with([' ', '\t']));
        lines.filter_map(|line| line.split_once(": ")).collect()
    })
}
