//! .NET, data pipelines and static sites: less is read of them.

use super::found::{Found, Needed};
use crate::survey::model::{Basis, Bound, EntryKind, Place, Purpose, Scope};
use crate::survey::read::{quoted, xml_texts, yaml_entries};
use crate::survey::tree::{folder, inside, name};

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    let whole = || Place::whole(path);
    let mut says = |purpose, run: &str| found.command(purpose, run, Basis::Convention, whole());
    match name(path) {
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
    if let Some(at) = text.lines().position(starts) {
        let place = Place::line(path, at as u32 + 1);
        found.entry(EntryKind::Binary, own, None, Vec::new(), place);
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

/// Whether a line of a project says that it is a program: tests and libraries are none.
fn starts(line: &str) -> bool {
    [
        "<OutputType>Exe",
        "<OutputType>WinExe",
        "Sdk=\"Microsoft.NET.Sdk.Web\"",
    ]
    .iter()
    .any(|mark| line.contains(mark))
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
