//! Finding a tool and a version, and naming the nearest where there is none.

use orch_core::recipe::nearest;

use super::{Catalog, Entry};
use orch_core::version::{Range, Version};

/// Versions that a message names.
const NAMED: usize = 5;

/// No entry fits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// There is none of that name.
    #[error("the catalog has no tool `{name}`{hint}")]
    Tool {
        /// What was asked for.
        name: String,
        /// The nearest, or nothing.
        hint: String,
    },
    /// There is no such version.
    #[error("{name} has no version `{range}`; {hint}")]
    Version {
        /// The tool.
        name: String,
        /// What was asked for.
        range: String,
        /// The nearest ones.
        hint: String,
    },
}

impl Catalog {
    /// Whether there is any version of a tool.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    /// All entries of a tool.
    pub fn named<'c>(&'c self, name: &'c str) -> impl Iterator<Item = &'c Entry> {
        self.entries.iter().filter(move |entry| entry.name == name)
    }

    /// What a missing tool is answered with.
    #[must_use]
    pub fn unknown(&self, name: &str) -> NotFound {
        let names: Vec<&str> = self
            .entries
            .iter()
            .map(|entry| entry.name.as_str())
            .collect();
        let in_faults = self.faults().iter().find(|fault| {
            let stem = fault.file.file_stem().and_then(|stem| stem.to_str());
            stem.is_some_and(|stem| stem.starts_with(name))
        });
        let hint = match (nearest(name, &names), in_faults) {
            (_, Some(fault)) => format!("; {} cannot be used: {}", fault.file.display(), fault.why),
            (Some(near), None) => format!("; did you mean `{near}`?"),
            (None, None) => String::new(),
        };
        NotFound::Tool {
            name: name.to_owned(),
            hint,
        }
    }
}

/// What a missing version is answered with, given all that there are.
pub(crate) fn no_version(name: &str, range: &Range, mut offered: Vec<Version>) -> NotFound {
    offered.sort();
    offered.dedup();
    let text = range.to_string();
    let wanted = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let wanted: String = wanted
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    let at = match Version::parse(wanted.trim_end_matches('.')) {
        Some(wanted) => offered.partition_point(|version| *version < wanted),
        None => offered.len(),
    };
    let from = at
        .saturating_sub(NAMED / 2 + 1)
        .min(offered.len().saturating_sub(NAMED));
    let near = &offered[from..offered.len().min(from + NAMED)];
    let hint = match (offered.get(at).or(offered.last()), at.checked_sub(1)) {
        (None, _) => "there is none at all".to_owned(),
        (Some(above), below) => {
            let nearest = below.and_then(|below| offered.get(below)).unwrap_or(above);
            let listed: Vec<&str> = near.iter().map(Version::text).collect();
            format!("the nearest is {nearest} (there are {})", listed.join(", "))
        }
    };
    NotFound::Version {
        name: name.to_owned(),
        range: range.to_string(),
        hint,
    }
}
