//! Python: `pyproject.toml`, requirements, `tox.ini`, `noxfile.py`, Django, and what is called by itself.

use super::found::{Found, Needed};
use super::listens::is_beside;
use super::names::is_requirements;
use crate::survey::model::{Basis, Bound, EntryKind, Place, Purpose, Scope};
use crate::survey::read::{TomlEntry, inline_value, strings_in, toml_entries, unquoted};
use crate::survey::tree::{folder, inside, name};

pub const ECOSYSTEM: &str = "pypi";
pub const LOCKS: [&str; 4] = ["poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock"];

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    match name(path) {
        "pyproject.toml" => pyproject(found, path, text),
        "Pipfile" => pipfile(found, path, text),
        "tox.ini" => whole(found, path, Purpose::Test, "tox"),
        "noxfile.py" => whole(found, path, Purpose::Test, "nox"),
        "pytest.ini" => whole(found, path, Purpose::Test, "python3 -m pytest"),
        "manage.py" if text.contains("django") => django(found, path, text),
        ".python-version" | "runtime.txt" => {
            let version = text.lines().next().unwrap_or("").trim();
            let version = version.strip_prefix("python-").unwrap_or(version);
            found.runtime("Python", version, Bound::Exactly, Place::line(path, 1));
        }
        _ if is_requirements(path) => requirements(found, path, text),
        "__main__.py" => package(found, path),
        file if file.ends_with(".py") => script(found, path, text),
        _ => {}
    }
}

fn whole(found: &mut Found<'_>, path: &str, purpose: Purpose, run: &str) {
    found.command(purpose, run, Basis::Convention, Place::whole(path));
}

fn pyproject(found: &mut Found<'_>, path: &str, text: &str) {
    let entries = toml_entries(text);
    let find = |table: &str, key: &str| {
        entries
            .iter()
            .find(|entry| entry.table == table && entry.key == key)
    };
    let lock = found.tree.nearest(folder(path), &LOCKS);
    let own = find("project", "name").or_else(|| find("tool.poetry", "name"));
    let own = own.map(|entry| unquoted(&entry.value).to_owned());
    found.manifest(path, ECOSYSTEM, own.as_deref(), lock.clone());
    if let Some(entry) = find("project", "requires-python") {
        python_version(found, unquoted(&entry.value), Place::line(path, entry.line));
    }
    if let Some(entry) = entries
        .iter()
        .find(|entry| entry.table.starts_with("tool.pytest"))
    {
        let place = Place::line(path, entry.line);
        found.command(Purpose::Test, "python3 -m pytest", Basis::Convention, place);
    }
    if let Some(entry) = entries.iter().find(|entry| entry.table == "tool.ruff") {
        let place = Place::line(path, entry.line);
        found.command(Purpose::Lint, "ruff check .", Basis::Convention, place);
    }
    if let Some(entry) = entries.iter().find(|entry| entry.table == "build-system") {
        let place = Place::line(path, entry.line);
        found.command(Purpose::Build, "python3 -m build", Basis::Convention, place);
    }
    for entry in &entries {
        let place = Place::line(path, entry.line);
        let is_scripts = matches!(
            entry.table.as_str(),
            "project.scripts" | "tool.poetry.scripts" | "project.gui-scripts"
        );
        if is_scripts && !entry.key.is_empty() {
            let calls = Some(unquoted(&entry.value));
            found.entry(EntryKind::Script, &entry.key, calls, Vec::new(), place);
            continue;
        }
        tables(found, path, entry, lock.is_some());
    }
    let tested = found.survey.dependencies.iter().find(|dependency| {
        dependency.place.file == path && dependency.name.eq_ignore_ascii_case("pytest")
    });
    if let Some(place) = tested.map(|dependency| dependency.place.clone()) {
        found.command(Purpose::Test, "python3 -m pytest", Basis::Convention, place);
    }
}

fn tables(found: &mut Found<'_>, path: &str, entry: &TomlEntry, is_locked: bool) {
    match (entry.table.as_str(), entry.key.as_str()) {
        (_, "") => {}
        ("project", "dependencies") => array(found, path, entry, Scope::Runtime, is_locked),
        ("project.optional-dependencies" | "dependency-groups", _) => {
            array(found, path, entry, Scope::Development, is_locked);
        }
        ("tool.poetry.dependencies", "python") => {
            let place = Place::line(path, entry.line);
            python_version(found, unquoted(&entry.value), place);
        }
        ("tool.poetry.dependencies", name) => {
            keyed(found, path, entry, name, Scope::Runtime, is_locked)
        }
        ("tool.uv", "dev-dependencies") => {
            array(found, path, entry, Scope::Development, is_locked);
        }
        (table, name)
            if table == "tool.poetry.dev-dependencies"
                || (table.starts_with("tool.poetry.group.")
                    && table.ends_with(".dependencies")) =>
        {
            keyed(found, path, entry, name, Scope::Development, is_locked);
        }
        (_, _) => {}
    }
}

fn array(found: &mut Found<'_>, path: &str, entry: &TomlEntry, scope: Scope, is_locked: bool) {
    for (text, line) in strings_in(&entry.value, entry.line) {
        requirement(found, text, scope, is_locked, Place::line(path, line));
    }
}

fn keyed(
    found: &mut Found<'_>,
    path: &str,
    entry: &TomlEntry,
    name: &str,
    scope: Scope,
    is_locked: bool,
) {
    if inline_value(&entry.value, "path").is_some() {
        return;
    }
    let version = match entry.value.starts_with('{') {
        true => inline_value(&entry.value, "version"),
        false => Some(unquoted(&entry.value)),
    };
    found.dependency(Needed {
        ecosystem: ECOSYSTEM,
        name,
        version,
        scope,
        pinned: is_locked,
        place: Place::line(path, entry.line),
    });
}

/// `django>=3.2,<4 ; python_version < "3.9"`.
pub fn requirement(found: &mut Found<'_>, text: &str, scope: Scope, is_locked: bool, place: Place) {
    let text = text.split(';').next().unwrap_or("").trim();
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return;
    }
    let rest = rest.trim();
    let version = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']').map_or("", |(_, version)| version),
        None => rest,
    };
    let version = version.trim();
    found.dependency(Needed {
        ecosystem: ECOSYSTEM,
        name,
        version: Some(version),
        scope,
        pinned: is_locked || version.starts_with("=="),
        place,
    });
}

fn requirements(found: &mut Found<'_>, path: &str, text: &str) {
    let lines = || {
        text.lines().enumerate().map(|(at, line)| {
            let line = line.split(" #").next().unwrap_or("").trim();
            (at as u32 + 1, line)
        })
    };
    let is_needed = |line: &str| !line.is_empty() && !line.starts_with(['#', '-']);
    // A file that pins all that it names is its own lock.
    let is_pinned = lines()
        .filter(|(_, line)| is_needed(line))
        .all(|(_, line)| line.contains("=="));
    let lock = is_pinned.then(|| path.to_owned());
    found.manifest(path, ECOSYSTEM, None, lock);
    let is_development = ["dev", "test", "lint", "ci", "doc"]
        .iter()
        .any(|word| name(path).contains(word));
    let scope = match is_development {
        true => Scope::Development,
        false => Scope::Runtime,
    };
    let at = folder(path).to_owned();
    for (line, text) in lines().filter(|(_, line)| is_needed(line)) {
        requirement(found, text, scope, false, Place::line(path, line));
        let is_pytest = text.strip_prefix("pytest").is_some_and(|rest| {
            !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || "-_".contains(c))
        });
        if is_pytest {
            let place = Place::line(path, line);
            let home = at
                .strip_suffix("requirements")
                .unwrap_or(&at)
                .trim_end_matches('/');
            found.command_in(
                home,
                Purpose::Test,
                "python3 -m pytest",
                Basis::Convention,
                place,
            );
        }
    }
}

fn pipfile(found: &mut Found<'_>, path: &str, text: &str) {
    let lock = found.tree.nearest(folder(path), &["Pipfile.lock"]);
    found.manifest(path, ECOSYSTEM, None, lock.clone());
    for entry in toml_entries(text) {
        let scope = match entry.table.as_str() {
            "packages" => Scope::Runtime,
            "dev-packages" => Scope::Development,
            "requires" if entry.key == "python_version" => {
                let place = Place::line(path, entry.line);
                found.runtime("Python", unquoted(&entry.value), Bound::Exactly, place);
                continue;
            }
            _ => continue,
        };
        if !entry.key.is_empty() {
            let name = entry.key.clone();
            keyed(found, path, &entry, &name, scope, lock.is_some());
        }
    }
}

/// `python -m shop`, by the outermost of the packages that hold it.
fn package(found: &mut Found<'_>, path: &str) {
    let home = folder(path);
    if is_beside(path) || home.is_empty() {
        return;
    }
    let mut outer = folder(home);
    while !outer.is_empty() && found.tree.has(&inside(outer, "__init__.py")) {
        outer = folder(outer);
    }
    let dotted = home[outer.len()..]
        .trim_start_matches('/')
        .replace('/', ".");
    let run = format!("python -m {dotted}");
    found.entry(
        EntryKind::Script,
        &run,
        None,
        Vec::new(),
        Place::whole(path),
    );
}

/// A file near the top that says what it does when it is called.
fn script(found: &mut Found<'_>, path: &str, text: &str) {
    let is_near = matches!(folder(path), "" | "src" | "app" | "bin" | "scripts");
    if !is_near || is_beside(path) || matches!(name(path), "setup.py" | "conftest.py") {
        return;
    }
    let is_called = |line: &str| {
        line.starts_with("if __name__ == \"__main__\"")
            || line.starts_with("if __name__ == '__main__'")
    };
    if let Some(at) = text.lines().position(is_called) {
        let place = Place::line(path, at as u32 + 1);
        found.entry(EntryKind::Script, path, None, Vec::new(), place);
    }
}

fn django(found: &mut Found<'_>, path: &str, text: &str) {
    let at = text.lines().position(|line| line.contains("django"));
    let place = || Place::line(path, at.map_or(1, |at| at as u32 + 1));
    found.command(
        Purpose::Test,
        "python manage.py test",
        Basis::Convention,
        place(),
    );
    found.command(
        Purpose::Run,
        "python manage.py runserver",
        Basis::Convention,
        place(),
    );
    found.entry(EntryKind::Script, "manage.py", None, Vec::new(), place());
}

/// `>=3.8`, `^3.7`, `==3.9.*`, `~=3.10`.
pub fn python_version(found: &mut Found<'_>, said: &str, place: Place) {
    let first = said.split(',').next().unwrap_or("").trim();
    let version = first.trim_start_matches(['=', '>', '<', '~', '^', ' ', '!']);
    let version = version.trim_end_matches(".*");
    let bound = match first.starts_with("==") || first.starts_with(|c: char| c.is_ascii_digit()) {
        true => Bound::Exactly,
        false => Bound::AtLeast,
    };
    if !first.starts_with(['<', '!']) {
        found.runtime("Python", version, bound, place);
    }
}
