//! PHP: `composer.json`, the programs that Laravel and Symfony come with, and where requests begin.

use super::found::{Found, Needed};
use super::purpose::of_name;
use crate::survey::model::{Basis, Bound, EntryKind, Place, Purpose, Scope};
use crate::survey::read::{line_of, object, string_at};
use crate::survey::tree::{folder, inside, name};

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    match name(path) {
        "composer.json" => composer(found, path, text),
        "artisan" if text.contains("<?php") => {
            let place = || Place::whole(path);
            found.command(
                Purpose::Run,
                "php artisan serve",
                Basis::Convention,
                place(),
            );
            found.entry(EntryKind::Script, path, None, Vec::new(), place());
        }
        _ => {}
    }
}

fn composer(found: &mut Found<'_>, path: &str, text: &str) {
    let Some(package) = object(text) else { return };
    let file = inside(folder(path), "composer.lock");
    let lock = found.tree.has(&file).then_some(file);
    found.manifest(
        path,
        "composer",
        string_at(&package, &["name"]),
        lock.clone(),
    );
    for (section, scope) in [
        ("require", Scope::Runtime),
        ("require-dev", Scope::Development),
    ] {
        let members = package.get(section).and_then(serde_json::Value::as_object);
        for (name, version) in members.into_iter().flatten() {
            let place = Place::line(path, line_of(text, Some(section), name));
            let version = version.as_str();
            if name == "php" {
                let bare = version
                    .unwrap_or("")
                    .trim_start_matches(['^', '~', '>', '=', ' ']);
                found.runtime("PHP", bare, Bound::AtLeast, place);
                continue;
            }
            // Extensions and the like are no packages: `ext-json`, `lib-curl`.
            if !name.contains('/') {
                found.drivers.push((name.clone(), name.clone(), place));
                continue;
            }
            if name == "phpunit/phpunit" {
                let run = "vendor/bin/phpunit";
                found.command(Purpose::Test, run, Basis::Convention, place.clone());
            }
            let pinned = lock.is_some();
            found.dependency(Needed {
                ecosystem: "composer",
                name,
                version,
                scope,
                pinned,
                place,
            });
        }
    }
    entries(found, path, text, &package);
    let scripts = package
        .get("scripts")
        .and_then(serde_json::Value::as_object);
    for (name, _) in scripts.into_iter().flatten().take(50) {
        let is_plain = name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_:".contains(c));
        if let (true, Some(purpose)) = (is_plain && !name.starts_with('-'), of_name(name)) {
            let place = Place::line(path, line_of(text, Some("scripts"), name));
            let run = format!("composer run-script {name}");
            found.command(purpose, &run, Basis::Declared, place);
        }
    }
}

/// What is called from outside: programs that the package installs, and the pages that requests come to.
fn entries(
    found: &mut Found<'_>,
    path: &str,
    text: &str,
    package: &serde_json::Map<String, serde_json::Value>,
) {
    let home = folder(path);
    let programs = match package.get("bin") {
        Some(serde_json::Value::String(one)) => vec![one.as_str()],
        Some(serde_json::Value::Array(all)) => all.iter().filter_map(|one| one.as_str()).collect(),
        Some(_) | None => Vec::new(),
    };
    let place = || Place::line(path, line_of(text, None, "bin"));
    for program in programs.into_iter().take(50) {
        found.entry(
            EntryKind::Script,
            name(program),
            Some(program),
            Vec::new(),
            place(),
        );
    }
    for page in [
        "public/index.php",
        "web/index.php",
        "index.php",
        "bin/console",
    ] {
        let file = inside(home, page);
        if found.tree.has(&file) {
            found.entry(
                EntryKind::Script,
                &file,
                None,
                Vec::new(),
                Place::whole(&file),
            );
        }
    }
}
