//! Rust: `Cargo.toml` and the toolchain's file.

use super::found::{Found, Needed};
use super::smells::old_edition;
use crate::survey::model::{Basis, Bound, EntryKind, Place, Purpose, Scope};
use crate::survey::read::{TomlEntry, inline_value, strings_in, toml_entries, unquoted};
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
    let least =
        value("package", "rust-version").or_else(|| value("workspace.package", "rust-version"));
    if let Some((version, line)) = least {
        found.runtime("Rust", version, Bound::AtLeast, Place::line(path, line));
    }
    binaries(found, path, &entries, package);
    edition(found, path, &entries);
    for entry in &entries {
        dependency(found, path, entry, lock.is_some());
        drivers(found, path, entry);
    }
}

/// Programs: those that are named, and those that cargo finds by the names of files.
fn binaries(
    found: &mut Found<'_>,
    path: &str,
    entries: &[TomlEntry],
    package: Option<(&str, u32)>,
) {
    let home = folder(path);
    let mut named: Vec<String> = Vec::new();
    for table in entries {
        if table.table != "bin" || !table.key.is_empty() {
            continue;
        }
        let value = |key: &str| {
            let mut entries = entries.iter();
            entries.find(|entry| entry.number == table.number && entry.key == key)
        };
        if let Some(name) = value("name") {
            let file = value("path").map(|path| inside(home, unquoted(&path.value)));
            named.extend(file);
            let called = unquoted(&name.value);
            named.push(called.to_owned());
            let place = Place::line(path, name.line);
            found.entry(EntryKind::Binary, called, None, Vec::new(), place);
        }
    }
    let Some((package, line)) = package else {
        return;
    };
    let is_off = |entry: &TomlEntry| {
        entry.table == "package" && entry.key == "autobins" && entry.value == "false"
    };
    if !entries.iter().any(is_off) {
        for (called, file) in found_by_names(found, home, package) {
            if !named.contains(&called) && !named.contains(&file) {
                let place = Place {
                    line: main_line(found, &file),
                    file,
                };
                found.entry(EntryKind::Binary, &called, None, Vec::new(), place);
            }
        }
    }
    if found.tree.has(&inside(home, "src/lib.rs")) {
        let place = Place::line(path, line);
        found.entry(EntryKind::Library, package, None, Vec::new(), place);
    }
}

/// `src/main.rs`, `src/bin/*.rs` and `src/bin/*/main.rs`, each with what it is called.
fn found_by_names(found: &Found<'_>, home: &str, package: &str) -> Vec<(String, String)> {
    let mut programs = Vec::new();
    let main = inside(home, "src/main.rs");
    if found.tree.has(&main) {
        programs.push((package.to_owned(), main));
    }
    let folder = format!("{}/", inside(home, "src/bin"));
    for file in found.tree.below(&folder) {
        let rest = &file.path[folder.len()..];
        let called = match rest.split_once('/') {
            None => rest.strip_suffix(".rs"),
            Some((called, "main.rs")) => Some(called),
            Some(_) => None,
        };
        if let Some(called) = called {
            programs.push((called.to_owned(), file.path.clone()));
        }
    }
    programs
}

fn main_line(found: &Found<'_>, file: &str) -> Option<u32> {
    let mut lines = found.tree.text(file)?.lines();
    let at = lines.position(|line| line.contains("fn main("))?;
    Some(at as u32 + 1)
}

/// An edition does not end; one before that of 2021 is told as old.
fn edition(found: &mut Found<'_>, path: &str, entries: &[TomlEntry]) {
    let said = entries.iter().find(|entry| {
        entry.key == "edition" && matches!(entry.table.as_str(), "package" | "workspace.package")
    });
    let Some(said) = said else { return };
    let edition = unquoted(&said.value);
    if ["2015", "2018"].contains(&edition) {
        old_edition(&mut found.survey, edition, Place::line(path, said.line));
    }
}

/// Libraries that speak to the database that a feature names.
const BY_FEATURE: [&str; 5] = [
    "sqlx",
    "diesel",
    "diesel-async",
    "sea-orm",
    "sea-orm-migration",
];

/// `sqlx = { features = ["postgres"] }`, `[features]` with `"sqlx/postgres"`.
fn drivers(found: &mut Found<'_>, path: &str, entry: &TomlEntry) {
    let mut add = |library: &str, feature: &str, line: u32| {
        let store = feature.strip_prefix("sqlx-").unwrap_or(feature);
        let store = store.split(['_', '-']).next().unwrap_or(store);
        if BY_FEATURE.contains(&library)
            && ["postgres", "mysql", "sqlite", "mssql"].contains(&store)
        {
            let by = format!("{library} ({feature})");
            found
                .drivers
                .push((store.to_owned(), by, Place::line(path, line)));
        }
    };
    if entry.table == "features" {
        for (text, line) in strings_in(&entry.value, entry.line) {
            if let Some((library, feature)) = text.split_once('/') {
                add(library.trim_end_matches('?'), feature, line);
            }
        }
        return;
    }
    let (key, from) = match (entry.table.rsplit_once("dependencies."), entry.key.as_str()) {
        (Some((_, library)), "features") => (library, 0),
        (None, key) if entry.table.ends_with("dependencies") => {
            match (key.strip_suffix(".features"), entry.value.find("features")) {
                (Some(library), _) => (library, 0),
                (None, Some(at)) => (key, at),
                (None, None) => return,
            }
        }
        (_, _) => return,
    };
    let library = inline_value(&entry.value, "package").unwrap_or(key);
    let first = entry.line + entry.value[..from].matches('\n').count() as u32;
    let list = entry.value[from..].split(']').next().unwrap_or_default();
    for (feature, line) in strings_in(list, first) {
        add(library, feature, line);
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
    let (table, is_shared) = match table.strip_prefix("workspace.") {
        Some(table) => (table, true),
        None => (table, false),
    };
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
    if inline_value(&entry.value, "path").is_some() {
        return;
    }
    if name.ends_with(".workspace") || inline_value(&entry.value, "workspace").is_some() {
        let name = name.strip_suffix(".workspace").unwrap_or(name);
        return found.inherited(path, name);
    }
    if is_shared {
        found.shared.insert(name.to_owned());
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
