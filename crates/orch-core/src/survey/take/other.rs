//! PHP, Ruby, .NET, data pipelines and static sites: less is read of them.

use super::found::{Found, Needed};
use super::purpose::of_name;
use crate::survey::model::{Basis, Bound, EntryKind, Place, Purpose, Scope};
use crate::survey::read::{
    after_word, line_of, object, quoted, string_at, xml_texts, yaml_entries,
};
use crate::survey::tree::{folder, inside, name};

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    let whole = || Place::whole(path);
    let mut says = |purpose, run: &str| found.command(purpose, run, Basis::Convention, whole());
    match name(path) {
        "composer.json" => composer(found, path, text),
        "Gemfile" => gems(found, path, text),
        ".ruby-version" => {
            let version = text.lines().next().unwrap_or("").trim();
            let version = version.strip_prefix("ruby-").unwrap_or(version);
            found.runtime("Ruby", version, Bound::Exactly, Place::line(path, 1));
        }
        "_config.yml" if !path.contains('/') => says(Purpose::Build, "bundle exec jekyll build"),
        "mkdocs.yml" => says(Purpose::Build, "mkdocs build"),
        "hugo.toml" => says(Purpose::Build, "hugo"),
        "dbt_project.yml" => {
            says(Purpose::Build, "dbt build");
            says(Purpose::Test, "dbt test");
        }
        "dvc.yaml" => pipeline(found, path, text),
        "mix.exs" => {
            says(Purpose::Build, "mix compile");
            says(Purpose::Test, "mix test");
        }
        "Package.swift" => {
            says(Purpose::Build, "swift build");
            says(Purpose::Test, "swift test");
        }
        other if other.ends_with(".csproj") => project(found, path, text),
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

fn gems(found: &mut Found<'_>, path: &str, text: &str) {
    let file = inside(folder(path), "Gemfile.lock");
    let lock = found.tree.has(&file).then_some(file);
    found.manifest(path, "rubygems", None, lock.clone());
    for (at, line) in text.lines().enumerate().take(5_000) {
        let place = Place::line(path, at as u32 + 1);
        if let Some(version) = after_word(line, "ruby").and_then(quoted) {
            let bare = version.trim_start_matches(['~', '>', '=', ' ']);
            let bound = match version.starts_with('>') {
                true => Bound::AtLeast,
                false => Bound::Exactly,
            };
            // `ruby file: ".ruby-version"` names a file.
            if bare.starts_with(|c: char| c.is_ascii_digit()) {
                found.runtime("Ruby", bare, bound, place);
            }
        } else if let Some(rest) = after_word(line, "gem")
            && let Some(name) = quoted(rest)
        {
            let version = rest.split(',').nth(1).and_then(quoted);
            found.dependency(Needed {
                ecosystem: "rubygems",
                name,
                version,
                scope: Scope::Runtime,
                pinned: lock.is_some(),
                place: place.clone(),
            });
            if name == "rspec" || name == "rspec-rails" {
                let run = "bundle exec rspec";
                found.command(Purpose::Test, run, Basis::Convention, place);
            }
        }
    }
}

fn project(found: &mut Found<'_>, path: &str, text: &str) {
    let own = name(path).trim_end_matches(".csproj");
    let file = inside(folder(path), "packages.lock.json");
    let lock = found.tree.has(&file).then_some(file);
    found.manifest(path, "nuget", Some(own), lock.clone());
    let whole = || Place::whole(path);
    found.command_in(
        "",
        Purpose::Build,
        "dotnet build",
        Basis::Convention,
        whole(),
    );
    if text.contains("Microsoft.NET.Test.Sdk") || text.contains("<IsTestProject>true") {
        found.command_in("", Purpose::Test, "dotnet test", Basis::Convention, whole());
    }
    for target in xml_texts(text) {
        let is_target = |name: &String| name == "TargetFramework" || name == "TargetFrameworks";
        if target.path.last().is_some_and(is_target) {
            for version in target.text.split(';').filter_map(of_framework) {
                let place = Place::line(path, target.line);
                found.runtime(".NET", version, Bound::Exactly, place);
            }
        }
    }
    // Where the versions of all projects stand in one file.
    let central = found
        .tree
        .nearest(folder(path), &["Directory.Packages.props"]);
    for (at, line) in text.lines().enumerate().take(5_000) {
        let Some((_, rest)) = line.split_once("<PackageReference") else {
            continue;
        };
        let attribute = |key: &str| quoted(rest.split_once(key)?.1.trim_start_matches(['=', ' ']));
        if let Some(name) = attribute("Include") {
            let version = attribute("Version");
            found.dependency(Needed {
                ecosystem: "nuget",
                name,
                version,
                scope: Scope::Runtime,
                pinned: lock.is_some()
                    || version.map_or(central.is_some(), |version| !version.contains('*')),
                place: Place::line(path, at as u32 + 1),
            });
        }
    }
}

/// The version of .NET that a framework's name means; none for .NET Framework (`net48`) and .NET Standard.
fn of_framework(name: &str) -> Option<&str> {
    let name = name.trim();
    let version = name
        .strip_prefix("netcoreapp")
        .or_else(|| name.strip_prefix("net"))?;
    // `net8.0-windows`
    let version = version.split('-').next()?;
    let is_version = version.contains('.') && version.starts_with(|c: char| c.is_ascii_digit());
    is_version.then_some(version)
}

fn pipeline(found: &mut Found<'_>, path: &str, text: &str) {
    found.command(
        Purpose::Run,
        "dvc repro",
        Basis::Convention,
        Place::whole(path),
    );
    for entry in yaml_entries(text) {
        if entry.is(&["stages", "*", "cmd"]) {
            let place = Place::line(path, entry.line);
            let stage = entry.path[1].clone();
            found.entry(
                EntryKind::Process,
                &stage,
                Some(&entry.value),
                Vec::new(),
                place,
            );
        }
    }
}

/// Pages that a browser opens as they lie.
pub fn pages(found: &mut Found<'_>) {
    for page in [
        "index.html",
        "public/index.html",
        "docs/index.html",
        "src/index.html",
    ] {
        if found.tree.has(page) {
            found.entry(EntryKind::Page, page, None, Vec::new(), Place::whole(page));
        }
    }
}
