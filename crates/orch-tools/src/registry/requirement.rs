//! What a Python package needs, as its metadata says it: `name[extra] (>=1,<2) ; marker`.

use super::marker::{Markers, holds};
use orch_core::version::Range;

/// Another package that is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Requirement {
    pub(super) name: String,
    pub(super) extras: Vec<String>,
    pub(super) range: Range,
}

/// Reads a requirement; none where its marker says that it is not for here.
///
/// # Errors
/// What cannot be read or followed.
pub(super) fn parse(text: &str, markers: &Markers<'_>) -> Result<Option<Requirement>, String> {
    let (what, marker) = text.split_once(';').unwrap_or((text, ""));
    if !marker.trim().is_empty() && !holds(marker, markers)? {
        return Ok(None);
    }
    if what.contains('@') {
        return Err("it is named by an address, which no registry answers for".to_owned());
    }
    let what = what.trim();
    let end = what
        .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
        .unwrap_or(what.len());
    let (name, rest) = what.split_at(end);
    if name.is_empty() {
        return Err("it has no name".to_owned());
    }
    let rest = rest.trim();
    let (extras, rest) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((extras, rest)) => (extras, rest.trim()),
        None => ("", rest),
    };
    let range = rest.trim_start_matches('(').trim_end_matches(')').trim();
    let extras = extras
        .split(',')
        .map(normal)
        .filter(|extra| !extra.is_empty());
    Ok(Some(Requirement {
        name: normal(name),
        extras: extras.collect(),
        range: Range::parse(range)?,
    }))
}

/// A name as the index has it: small letters, and `-` for every run of `-`, `_` and `.`.
pub(crate) fn normal(name: &str) -> String {
    let mut normal = String::new();
    for c in name.trim().chars() {
        let c = if matches!(c, '_' | '.') {
            '-'
        } else {
            c.to_ascii_lowercase()
        };
        if c != '-' || !normal.ends_with('-') {
            normal.push(c);
        }
    }
    normal
}
