//! A folder or a zip of records, and what they say of a tool.

use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use orch_archive::Zip;
use serde::Serialize;
use walkdir::WalkDir;

use super::record::{Asked, Record, Severity};
use crate::{ArchiveBounds, Kind, Locked};

/// Longest record.
const MAX_RECORD: u64 = 8 << 20;

/// Records on this machine.
#[derive(Clone, Debug)]
pub struct Database {
    path: PathBuf,
}

/// What is known of a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Packages that were looked for; none where the tool is no package.
    pub packages: usize,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// One vulnerability of one package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Its id, such as `GHSA-…`.
    pub id: String,
    /// Other names of it.
    pub aliases: Vec<String>,
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// How bad it is, where the record tells.
    pub severity: Option<Severity>,
    /// In a few words.
    pub summary: String,
}

impl Serialize for Severity {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Verdict {
    /// The ids of all that are at least so bad. What tells no severity counts as the worst.
    #[must_use]
    pub fn at_least(&self, least: Severity) -> Vec<String> {
        let bad = self
            .findings
            .iter()
            .filter(|finding| finding.severity.is_none_or(|severity| severity >= least));
        bad.map(|finding| finding.id.clone()).collect()
    }
}

const fn ecosystem(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Source => None,
        Kind::Npm => Some("npm"),
        Kind::Pypi => Some("PyPI"),
        Kind::Crate => Some("crates.io"),
        Kind::Apt => Some("Debian"),
    }
}

impl Database {
    /// Records at a path.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// What they say of a tool and of all that it needs.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn check(&self, tool: &Locked) -> io::Result<Verdict> {
        let Some(ecosystem) = ecosystem(tool.kind) else {
            return Ok(Verdict::default());
        };
        let asked: Vec<Asked<'_>> = tool
            .files
            .iter()
            .map(|file| Asked {
                ecosystem,
                name: &file.name,
                version: &file.version,
            })
            .collect();
        let mut findings = Vec::new();
        self.each(&mut |bytes| look(&bytes, &asked, &mut findings))?;
        findings.sort();
        findings.dedup();
        Ok(Verdict {
            packages: asked.len(),
            findings,
        })
    }

    fn each(&self, take: &mut dyn FnMut(Vec<u8>)) -> io::Result<()> {
        if !self.path.is_dir() {
            return each_of_zip(&self.path, take);
        }
        for entry in WalkDir::new(&self.path).max_depth(6).sort_by_file_name() {
            let entry = entry?;
            let path = entry.path();
            let ends = path.extension().and_then(|end| end.to_str());
            match ends {
                Some("json")
                    if entry.file_type().is_file() && entry.metadata()?.len() <= MAX_RECORD =>
                {
                    take(fs::read(path)?);
                }
                Some("zip") if entry.file_type().is_file() => each_of_zip(path, take)?,
                _ => {}
            }
        }
        Ok(())
    }
}

fn each_of_zip(path: &Path, take: &mut dyn FnMut(Vec<u8>)) -> io::Result<()> {
    let bounds = ArchiveBounds {
        entries: 2_000_000,
        ..ArchiveBounds::default()
    };
    let zip = Zip::open(BufReader::new(File::open(path)?), &bounds);
    let mut zip = zip.map_err(io::Error::other)?;
    zip.each(|name| name.ends_with(".json"), MAX_RECORD, take)
        .map_err(io::Error::other)
}

fn look(bytes: &[u8], asked: &[Asked<'_>], findings: &mut Vec<Finding>) {
    // Most records speak of something else, and reading them all would take minutes.
    let mentions = |name: &str| {
        let name = name.as_bytes();
        !name.is_empty()
            && bytes
                .windows(name.len())
                .any(|window| window.eq_ignore_ascii_case(name))
    };
    let near: Vec<&Asked<'_>> = asked
        .iter()
        .filter(|one| one.ecosystem == "PyPI" || mentions(one.name))
        .collect();
    if near.is_empty() {
        return;
    }
    let Ok(record) = serde_json::from_slice::<Record>(bytes) else {
        return;
    };
    for one in near {
        if let Some(severity) = record.judge(one) {
            findings.push(Finding {
                id: record.id.clone(),
                aliases: record.aliases.clone(),
                package: one.name.to_owned(),
                version: one.version.to_owned(),
                severity,
                summary: record
                    .summary
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(300)
                    .collect(),
            });
        }
    }
}
