//! One record of the OSV format, as far as it is needed.

use std::fmt;

use serde::Deserialize;

use super::cvss;
use orch_core::version::Version;

/// How bad a vulnerability is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Below 4 of 10.
    Low,
    /// From 4.
    Medium,
    /// From 7.
    High,
    /// From 9.
    Critical,
}

impl Severity {
    /// Reads the word, as records and settings write it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "low" => Some(Self::Low),
            "medium" | "moderate" => Some(Self::Medium),
            "high" => Some(Self::High),
            "critical" => Some(Self::Critical),
            _ => None,
        }
    }

    fn of_score(score: f64) -> Self {
        match score {
            score if score >= 9.0 => Self::Critical,
            score if score >= 7.0 => Self::High,
            score if score >= 4.0 => Self::Medium,
            _ => Self::Low,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) summary: String,
    pub(super) aliases: Vec<String>,
    pub(super) withdrawn: Option<String>,
    affected: Vec<Affected>,
    severity: Vec<Scored>,
    database_specific: Specific,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Affected {
    package: Package,
    versions: Vec<String>,
    ranges: Vec<Ranges>,
    severity: Vec<Scored>,
    database_specific: Specific,
    ecosystem_specific: Specific,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Package {
    ecosystem: String,
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ranges {
    #[serde(rename = "type")]
    kind: String,
    events: Vec<Event>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Scored {
    score: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Specific {
    severity: serde_json::Value,
}

impl Specific {
    fn severity(&self) -> Option<Severity> {
        self.severity.as_str().and_then(Severity::parse)
    }
}

/// A package in the words of a database.
pub(super) struct Asked<'a> {
    pub(super) ecosystem: &'a str,
    pub(super) name: &'a str,
    pub(super) version: &'a str,
}

impl Asked<'_> {
    /// Versions of Debian are written otherwise than all others.
    fn read(&self, version: &str) -> Option<Version> {
        match self.ecosystem {
            "Debian" => Version::debian(version),
            _ => Version::parse(version),
        }
    }
}

impl Record {
    /// Whether it speaks of this version; with how bad it is, where that is told.
    pub(super) fn judge(&self, asked: &Asked<'_>) -> Option<Option<Severity>> {
        if self.withdrawn.is_some() {
            return None;
        }
        let affected = self
            .affected
            .iter()
            .find(|affected| affected.holds(asked))?;
        let words = [
            affected.database_specific.severity(),
            affected.ecosystem_specific.severity(),
            self.database_specific.severity(),
        ];
        let scores = affected.severity.iter().chain(&self.severity);
        let scores = scores.filter_map(|scored| cvss::score(&scored.score));
        let scored = scores.map(Severity::of_score).max();
        Some(words.into_iter().flatten().max().or(scored))
    }
}

impl Affected {
    fn holds(&self, asked: &Asked<'_>) -> bool {
        let ecosystem = self.package.ecosystem.split(':').next().unwrap_or_default();
        if ecosystem != asked.ecosystem || !same_name(&self.package.name, asked) {
            return false;
        }
        if self.versions.iter().any(|version| version == asked.version) {
            return true;
        }
        let Some(version) = asked.read(asked.version) else {
            return false;
        };
        let ranges = self.ranges.iter().filter(|ranges| ranges.kind != "GIT");
        ranges
            .into_iter()
            .any(|ranges| ranges.hold(&version, asked))
    }
}

fn same_name(name: &str, asked: &Asked<'_>) -> bool {
    match asked.ecosystem {
        "PyPI" => crate::registry::normal_name(name) == crate::registry::normal_name(asked.name),
        _ => name == asked.name,
    }
}

impl Ranges {
    /// Between an event that introduced it and the next that ended it.
    fn hold(&self, version: &Version, asked: &Asked<'_>) -> bool {
        let mut events: Vec<(Version, Kind)> = Vec::new();
        for event in &self.events {
            let given = [
                (&event.introduced, Kind::Introduced),
                (&event.fixed, Kind::Fixed),
                (&event.last_affected, Kind::Last),
            ];
            for (text, kind) in given {
                let read = text.as_deref().map(|text| match text {
                    // Before all others, early ones too.
                    "0" => Version::parse("0.dev0"),
                    text => asked.read(text),
                });
                match read {
                    Some(Some(at)) => events.push((at, kind)),
                    // Better to name one too many than to miss it.
                    Some(None) if kind == Kind::Introduced => return true,
                    Some(None) | None => {}
                }
            }
        }
        events.sort();
        let mut affected = false;
        for (at, kind) in events {
            match kind {
                Kind::Introduced if at <= *version => affected = true,
                Kind::Fixed if at <= *version => affected = false,
                Kind::Last if at < *version => affected = false,
                Kind::Introduced | Kind::Fixed | Kind::Last => {}
            }
        }
        affected
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Fixed,
    Introduced,
    Last,
}
