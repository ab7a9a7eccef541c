//! JavaScript and TypeScript: `package.json`, and the locks that tell which program installs.

use serde_json::{Map, Value};

use super::found::{Found, Needed};
use super::ports::of_call;
use super::purpose::of_name;
use crate::survey::model::{Basis, Bound, EntryKind, Place, Purpose, Scope};
use crate::survey::read::{line_of, object, string_at};
use crate::survey::tree::{folder, name};

const ECOSYSTEM: &str = "npm";
const LOCKS: [(&str, &str); 6] = [
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
];
const MOST_SCRIPTS: usize = 60;

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    match name(path) {
        "package.json" => {
            if let Some(package) = object(text) {
                manifest(found, path, text, &package);
            }
        }
        ".nvmrc" | ".node-version" => {
            let version = text.lines().next().unwrap_or("").trim();
            let version = version.strip_prefix('v').unwrap_or(version);
            found.runtime("Node.js", version, Bound::Exactly, Place::line(path, 1));
        }
        _ => {}
    }
}

fn manifest(found: &mut Found<'_>, path: &str, text: &str, package: &Map<String, Value>) {
    let names = LOCKS.map(|(name, _)| name);
    let lock = found.tree.nearest(folder(path), &names);
    let by_lock = lock.as_deref().and_then(|lock| {
        let found = LOCKS.iter().find(|(known, _)| *known == name(lock));
        found.map(|(_, program)| *program)
    });
    let by_member = string_at(package, &["packageManager"]).and_then(|manager| {
        ["pnpm", "yarn", "bun", "npm"]
            .into_iter()
            .find(|p| manager.starts_with(p))
    });
    let program = by_member.or(by_lock).unwrap_or("npm");
    found.manifest(path, ECOSYSTEM, string_at(package, &["name"]), lock.clone());
    scripts(found, path, text, package, program);
    entries(found, path, text, package);
    if let Some(version) = string_at(package, &["engines", "node"]) {
        let place = Place::line(path, line_of(text, Some("engines"), "node"));
        let bare = version.trim_start_matches(['^', '~', '>', '=', 'v', ' ']);
        let bound = match version.starts_with('>') || version.contains("||") {
            true => Bound::AtLeast,
            false => Bound::Exactly,
        };
        found.runtime("Node.js", bare, bound, place);
    }
    for (section, scope) in [
        ("dependencies", Scope::Runtime),
        ("devDependencies", Scope::Development),
        ("optionalDependencies", Scope::Runtime),
    ] {
        let Some(Value::Object(members)) = package.get(section) else {
            continue;
        };
        for (name, version) in members {
            let version = version.as_str().unwrap_or_default();
            let is_here = ["workspace:", "file:", "link:", "portal:"]
                .iter()
                .any(|start| version.starts_with(start));
            if is_here {
                continue;
            }
            let is_exact = version.starts_with(|c: char| c.is_ascii_digit())
                && !version.contains(['x', '*', ' ', '|']);
            found.dependency(Needed {
                ecosystem: ECOSYSTEM,
                name,
                version: Some(version),
                scope,
                pinned: lock.is_some() || is_exact,
                place: Place::line(path, line_of(text, Some(section), name)),
            });
        }
    }
}

fn scripts(
    found: &mut Found<'_>,
    path: &str,
    text: &str,
    package: &Map<String, Value>,
    program: &str,
) {
    let Some(Value::Object(scripts)) = package.get("scripts") else {
        return;
    };
    for (name, body) in scripts.iter().take(MOST_SCRIPTS) {
        let body = body.as_str().unwrap_or_default();
        // What npm writes into a new package.
        let is_empty = body.is_empty() || body.contains("no test specified");
        let (Some(purpose), false) = (of_name(name), is_empty) else {
            continue;
        };
        let is_plain = name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_:.".contains(c));
        if !is_plain || name.starts_with('-') {
            continue;
        }
        let run = match (purpose, name.as_str()) {
            (Purpose::Test, "test") => format!("{program} test"),
            (_, _) => format!("{program} run {name}"),
        };
        let place = Place::line(path, line_of(text, Some("scripts"), name));
        found.command(purpose, &run, Basis::Declared, place);
    }
}

fn entries(found: &mut Found<'_>, path: &str, text: &str, package: &Map<String, Value>) {
    let own = string_at(package, &["name"]).unwrap_or("package");
    let at = |section: Option<&str>, key: &str| Place::line(path, line_of(text, section, key));
    match package.get("bin") {
        Some(Value::String(file)) => {
            found.entry(
                EntryKind::Binary,
                own,
                Some(file),
                Vec::new(),
                at(None, "bin"),
            );
        }
        Some(Value::Object(all)) => {
            for (name, file) in all.iter().take(50) {
                let place = at(Some("bin"), name);
                found.entry(EntryKind::Binary, name, file.as_str(), Vec::new(), place);
            }
        }
        Some(_) | None => {}
    }
    let library = ["main", "module", "exports"]
        .into_iter()
        .find(|key| package.contains_key(*key));
    if let Some(key) = library {
        let file = string_at(package, &[key]);
        found.entry(EntryKind::Library, own, file, Vec::new(), at(None, key));
    }
    // What keeps running, by the names that everybody uses.
    for name in ["start", "serve", "dev", "preview"] {
        if let Some(call) = string_at(package, &["scripts", name]) {
            let place = at(Some("scripts"), name);
            found.entry(EntryKind::Process, name, Some(call), of_call(call), place);
        }
    }
}
