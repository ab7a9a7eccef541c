//! What files of a known format say, in a few sums: tests, findings, coverage, components.
//!
//! A file is recognised by its content; its name counts for nothing. Everything in it is hostile:
//! sizes, depths, counts and texts have bounds, entities are never expanded, and no input fails in
//! another way than by a message.

mod coverage;
mod cyclonedx;
mod folded;
mod junit;
mod lcov;
mod sarif;
mod xml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

/// A larger file is not read.
pub const MAX_REPORT_BYTES: usize = 32 * 1024 * 1024;
/// How many failed tests, findings or licences are named.
pub const MAX_NAMED: usize = 50;
/// Longest text that is taken over, in characters.
const MAX_TEXT: usize = 300;

/// What a file says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "format", rename_all = "lowercase")]
pub enum Report {
    /// Test results.
    Junit {
        tests: u64,
        failures: u64,
        errors: u64,
        skipped: u64,
        seconds: f64,
        /// The first that failed.
        failed: Vec<FailedTest>,
    },
    /// Findings of an analysis.
    Sarif {
        tools: Vec<String>,
        results: u64,
        /// Results by level: error, warning, note, none.
        levels: BTreeMap<String, u64>,
        /// The gravest.
        top: Vec<Finding>,
    },
    /// Which lines ran.
    Coverage {
        /// lcov, cobertura or coverage.py.
        source: &'static str,
        lines: u64,
        covered: u64,
        percent: f64,
    },
    /// A bill of materials.
    Cyclonedx {
        components: u64,
        vulnerabilities: u64,
        /// Components by licence; the most used ones.
        licences: BTreeMap<String, u64>,
        unlicensed: u64,
    },
    /// It is of a known format and cannot be read.
    Unreadable { of: &'static str, why: String },
}

/// A test that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedTest {
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// A finding of an analysis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub level: String,
    pub rule: String,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// Reads a file, where it is of a known format and not larger than [`MAX_REPORT_BYTES`].
#[must_use]
pub fn recognise(bytes: &[u8]) -> Option<Report> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.len() > MAX_REPORT_BYTES {
        return None;
    }
    if let Some(of) = of_utf16(bytes) {
        let why = "it is UTF-16; reports are read as UTF-8".to_owned();
        return Some(Report::Unreadable { of, why });
    }
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let bytes = bytes.get(start..)?;
    let (of, read) = match bytes.first()? {
        b'<' => match format_of(&xml::root(bytes)?)? {
            "junit" => ("junit", junit::read(bytes)),
            _ => ("cobertura", coverage::cobertura(bytes).transpose()?),
        },
        b'{' => {
            // Whatever follows, a key of the format stands near the beginning or the end.
            let has = |key: &str| holds(bytes, key);
            if has("\"runs\"") && has("\"version\"") && (has("sarif") || has("\"results\"")) {
                ("sarif", sarif::read(bytes).transpose()?)
            } else if has("\"bomFormat\"") {
                ("cyclonedx", cyclonedx::read(bytes).transpose()?)
            } else if has("\"totals\"") && has("\"num_statements\"") {
                ("coverage.py", coverage::coverage_py(bytes).transpose()?)
            } else {
                return None;
            }
        }
        _ if bytes.starts_with(b"TN:") || bytes.starts_with(b"SF:") => {
            ("lcov", lcov::read(bytes).transpose()?)
        }
        _ => return None,
    };
    Some(read.unwrap_or_else(|why| Report::Unreadable {
        of,
        why: short(&why),
    }))
}

/// The format of a file of XML in UTF-16, as far as its beginning tells.
fn of_utf16(bytes: &[u8]) -> Option<&'static str> {
    let read: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] | [b'<', 0, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] | [0, b'<', ..] => u16::from_be_bytes,
        _ => return None,
    };
    let (pairs, _) = bytes.as_chunks::<2>();
    let head: Vec<u16> = pairs
        .iter()
        .take(32 * 1024)
        .map(|pair| read(*pair))
        .collect();
    let head = String::from_utf16_lossy(&head);
    let root = xml::root(head.trim_start_matches('\u{feff}').trim_start().as_bytes())?;
    format_of(&root)
}

/// The format that a root of XML stands for.
fn format_of(root: &str) -> Option<&'static str> {
    match root {
        "testsuites" | "testsuite" => Some("junit"),
        "coverage" => Some("cobertura"),
        _ => None,
    }
}

fn holds(bytes: &[u8], key: &str) -> bool {
    bytes
        .windows(key.len())
        .any(|window| window == key.as_bytes())
}

/// A text made fit to be shown: short, on one line, nothing that a terminal would obey.
fn short(text: &str) -> String {
    let mut shown = String::new();
    for (taken, character) in text.trim().chars().enumerate() {
        if taken == MAX_TEXT {
            shown.push('…');
            break;
        }
        shown.push(match character.is_control() {
            true => ' ',
            false => character,
        });
    }
    shown
}

fn percent(covered: u64, lines: u64) -> f64 {
    match lines {
        0 => 0.0,
        lines => (covered as f64 * 10_000.0 / lines as f64).round() / 100.0,
    }
}
