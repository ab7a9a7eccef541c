//! Terraform: the versions that `required_version` allows, and the files of version managers.

use super::found::Found;
use crate::survey::model::{Bound, Place};
use crate::survey::read::quoted;
use crate::survey::tree::name;

const MOST_LINES: usize = 5_000;
/// What version managers call a program, and what it is.
const MANAGED: [(&str, &str); 12] = [
    ("terraform", "Terraform"),
    ("nodejs", "Node.js"),
    ("node", "Node.js"),
    ("python", "Python"),
    ("ruby", "Ruby"),
    ("golang", "Go"),
    ("go", "Go"),
    ("java", "Java"),
    ("php", "PHP"),
    ("rust", "Rust"),
    ("redis", "Redis"),
    ("postgres", "PostgreSQL"),
];

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    match name(path) {
        ".terraform-version" => {
            let version = text.lines().next().unwrap_or("").trim();
            found.runtime("Terraform", version, Bound::Exactly, Place::line(path, 1));
        }
        ".tool-versions" => managed(found, path, text),
        file if file.ends_with(".tf") => required(found, path, text),
        _ => {}
    }
}

fn required(found: &mut Found<'_>, path: &str, text: &str) {
    for (at, line) in text.lines().enumerate().take(MOST_LINES) {
        let said = line.trim().strip_prefix("required_version");
        let said = said.and_then(|rest| rest.trim_start().strip_prefix('='));
        if let Some((version, bound)) = said.and_then(quoted).and_then(allowed) {
            found.runtime(
                "Terraform",
                version,
                bound,
                Place::line(path, at as u32 + 1),
            );
        }
    }
}

/// `= 1.1.7` and `~> 1.1.0` are one version, `>= 1.0` and `~> 1.0` the least of many.
fn allowed(said: &str) -> Option<(&str, Bound)> {
    let mut parts = said.split(',').map(str::trim);
    let first = parts.next()?;
    let version = first.trim_start_matches(['=', '~', '>', ' ']);
    let is_minor = version.matches('.').count() >= 2;
    let bound = match first {
        _ if parts.next().is_some() => Bound::AtLeast,
        said if said.starts_with("~>") && is_minor => Bound::Exactly,
        said if said.starts_with(['~', '>']) => Bound::AtLeast,
        said if said.starts_with(['<', '!']) => return None,
        _ => Bound::Exactly,
    };
    Some((version, bound))
}

/// `nodejs 14.17.0`, `java temurin-11.0.2+7`.
fn managed(found: &mut Found<'_>, path: &str, text: &str) {
    for (at, line) in text.lines().enumerate().take(200) {
        let mut words = line.split('#').next().unwrap_or("").split_whitespace();
        let (Some(called), Some(version)) = (words.next(), words.next()) else {
            continue;
        };
        if let Some((_, runtime)) = MANAGED.iter().find(|(known, _)| *known == called) {
            let digits = version.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
            let version = match *runtime {
                "Java" => version[digits..]
                    .split(['+', '.'])
                    .next()
                    .unwrap_or(version),
                _ => version,
            };
            found.runtime(
                runtime,
                version,
                Bound::Exactly,
                Place::line(path, at as u32 + 1),
            );
        }
    }
}
