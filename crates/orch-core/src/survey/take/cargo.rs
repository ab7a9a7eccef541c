//! Rust: `Cargo.toml` and the toolchain's file.

use super::found::{Found, Needed};
use crate::survey::model::{Basis, Bound, EntryKind, Place, Purpose, Scope};
use crate::survey::read::{TomlEntry, inline_value, toml_entries, unquoted};
use crate::survey::tree::{around, folder, inside, name};

const ECOSYSTEM: &str = "cargo";

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    match name(path) {
        "Cargo.toml" => manifest(found, path, text),
        "rust-toolchain" | "rust-toolchain.toml" => toolchain(found, path, text),
        _ => {}
    }
}

fn manifest(found: &mut Found<'_>, path: &str, text: &str) {
    let entries = toml_entries(text);
    let value = |table: &str, key: &str| {
        let entry = entries
            .iter()
            .find(|entry| entry.table == table && entry.key == key)?;
        Some((unquoted(&entry.value), entry.line))
    };
    let home = folder(path);
    let top = entries.iter().find(|entry| {
        entry.key.is_empty() && matches!(entry.table.as_str(), "package" | "workspace")
    });
    let Some(top) = top else { return };
    let package = value("package", "name");
    let lock = found.tree.nearest(home, &["Cargo.lock"]);
    found.manifest(path, ECOSYSTEM, package.map(|(name, _)| name), lock.clone());
    let is_outermost = around(home)
        .skip(1)
        .all(|outer| home.is_empty() || !found.tree.has(&inside(outer, "Cargo.toml")));
    if is_outermost {
        let place = || Place::line(path, top.line);
        found.command(Purpose::Build, "cargo build", Basis::Convention, place());
        found.command(Purpose::Test, "cargo test", Basis::Convention, place());
    }
    if let Some((version, line)) = value("package", "rust-version") {
        found.runtime("Rust", version, Bound::AtLeast, Place::line(path, line));
    }
    binaries(found, path, &entries, package);
    for entry in &entries {
        dependency(found, path, entry, lock.is_some());
    }
}

fn binaries(
    found: &mut Found<'_>,
    path: &str,
    entries: &[TomlEntry],
    package: Option<(&str, u32)>,
) {
    let mut is_named = false;
    for entry in entries {
        if entry.table == "bin" && entry.key == "name" {
            is_named = true;
            let place = Place::line(path, entry.line);
            found.entry(
                EntryKind::Binary,
                unquoted(&entry.value),
                None,
                Vec::new(),
                place,
            );
        }
    }
    let Some((package, line)) = package else {
        return;
    };
    let main = inside(folder(path), "src/main.rs");
    if !is_named && found.tree.has(&main) {
        let at = found.tree.text(&main).and_then(|text| {
            let is_main = |line: &str| line.contains("fn main(");
            text.lines().position(is_main)
        });
        let place = Place {
            file: main,
            line: at.map(|at| at as u32 + 1),
        };
        found.entry(EntryKind::Binary, package, None, Vec::new(), place);
    }
    if found.tree.has(&inside(folder(path), "src/lib.rs")) {
        let place = Place::line(path, line);
        found.entry(EntryKind::Library, package, None, Vec::new(), place);
    }
}

fn dependency(found: &mut Found<'_>, path: &str, entry: &TomlEntry, is_locked: bool) {
    let table = entry.table.as_str();
    let table = match table.strip_prefix("target.") {
        // `target.'cfg(unix)'.dependencies`
        Some(_) => table.rfind(".").map_or(table, |_| {
            let at = ["dev-dependencies", "build-dependencies", "dependencies"]
                .iter()
                .find_map(|kind| table.find(kind));
            at.map_or(table, |at| &table[at..])
        }),
        None => table,
    };
    let table = table.strip_prefix("workspace.").unwrap_or(table);
    let scope = |table: &str| match table {
        "dependencies" => Some(Scope::Runtime),
        "dev-dependencies" => Some(Scope::Development),
        "build-dependencies" => Some(Scope::Build),
        _ => None,
    };
    // `[dependencies.serde]` and below it `version = "1"`.
    if let Some((outer, name)) = table.split_once('.') {
        if let (Some(scope), "version") = (scope(outer), entry.key.as_str()) {
            let place = Place::line(path, entry.line);
            let version = Some(unquoted(&entry.value));
            found.dependency(needed(name, version, scope, is_locked, place));
        }
        return;
    }
    let (Some(scope), false) = (scope(table), entry.key.is_empty()) else {
        return;
    };
    let name = entry.key.as_str();
    let is_elsewhere = name.ends_with(".workspace")
        || inline_value(&entry.value, "workspace").is_some()
        || inline_value(&entry.value, "path").is_some();
    if is_elsewhere {
        return;
    }
    let version = match entry.value.starts_with('{') {
        true => inline_value(&entry.value, "version"),
        false => Some(unquoted(&entry.value)),
    };
    let name = name.strip_suffix(".version").unwrap_or(name);
    let place = Place::line(path, entry.line);
    found.dependency(needed(name, version, scope, is_locked, place));
}

fn needed<'a>(
    name: &'a str,
    version: Option<&'a str>,
    scope: Scope,
    is_locked: bool,
    place: Place,
) -> Needed<'a> {
    Needed {
        ecosystem: ECOSYSTEM,
        name,
        version,
        scope,
        pinned: is_locked || version.is_some_and(|version| version.starts_with('=')),
        place,
    }
}

fn toolchain(found: &mut Found<'_>, path: &str, text: &str) {
    let entries = toml_entries(text);
    let channel = entries.iter().find(|entry| entry.key == "channel");
    let (version, line) = match channel {
        Some(entry) => (unquoted(&entry.value).to_owned(), entry.line),
        None => (text.lines().next().unwrap_or("").trim().to_owned(), 1),
    };
    found.runtime("Rust", &version, Bound::Exactly, Place::line(path, line));
}
