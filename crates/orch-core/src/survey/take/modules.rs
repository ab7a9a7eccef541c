//! The tree's parts: its top folders, or what lies in them where they only gather others.

use std::collections::BTreeMap;

use super::folders::{is_generated, left_out};
use super::found::Found;
use super::languages::language_of;
use crate::survey::bounds::MOST_MODULES;
use crate::survey::model::{LanguageKind, Module};
use crate::survey::tree::FileKind;

/// Folders that hold parts and are none.
const GATHERING: [&str; 13] = [
    "crates",
    "packages",
    "apps",
    "services",
    "libs",
    "modules",
    "cmd",
    "internal",
    "pkg",
    "plugins",
    "src",
    "components",
    "projects",
];

/// The part that a file belongs to; `.` for files at the top.
pub fn module_of(path: &str) -> &str {
    let Some((first, rest)) = path.split_once('/') else {
        return ".";
    };
    match (GATHERING.contains(&first), rest.split_once('/')) {
        (true, Some((second, _))) => &path[..first.len() + 1 + second.len()],
        (_, _) => first,
    }
}

pub fn split(found: &mut Found<'_>) {
    #[derive(Default)]
    struct Sum {
        files: u64,
        bytes: u64,
        languages: BTreeMap<&'static str, u64>,
    }
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for file in &found.tree.files {
        if file.kind != FileKind::File || left_out(&file.path).is_some() || is_generated(&file.path)
        {
            continue;
        }
        let Some(known) = language_of(&file.path) else {
            continue;
        };
        if !matches!(known.kind, LanguageKind::Code | LanguageKind::Markup) {
            continue;
        }
        let sum = sums.entry(module_of(&file.path)).or_default();
        sum.files += 1;
        sum.bytes += file.size_bytes;
        *sum.languages.entry(known.name).or_default() += file.size_bytes;
    }
    let mut modules: Vec<Module> = sums
        .into_iter()
        .map(|(path, sum)| {
            let largest = sum.languages.into_iter().max_by_key(|(_, bytes)| *bytes);
            Module {
                path: path.to_owned(),
                language: largest.map_or("", |(name, _)| name).to_owned(),
                files: sum.files,
                bytes: sum.bytes,
            }
        })
        .collect();
    if modules.len() > MOST_MODULES {
        modules.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
        let more = modules.len() - MOST_MODULES;
        found.note(format!("{more} more parts are not listed"));
        modules.truncate(MOST_MODULES);
        modules.sort_by(|a, b| a.path.cmp(&b.path));
    }
    found.survey.modules = modules;
}
