//! Python's older way to describe a package: `setup.py` and `setup.cfg`.

use super::found::Found;
use super::python::{ECOSYSTEM, LOCKS, python_version, requirement};
use crate::survey::model::{EntryKind, Place, Scope};
use crate::survey::read::{quoted, strings_in};
use crate::survey::tree::{folder, name};

const MOST_LINES: usize = 5_000;

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    match name(path) {
        "setup.py" => program(found, path, text),
        "setup.cfg" => configuration(found, path, text),
        _ => {}
    }
}

/// `[options]` with lists whose items are indented below their keys.
fn configuration(found: &mut Found<'_>, path: &str, text: &str) {
    let lock = found.tree.nearest(folder(path), &LOCKS);
    let (mut section, mut key) = ("", "");
    let mut is_manifest = false;
    for (at, line) in text.lines().enumerate().take(MOST_LINES) {
        let place = Place::line(path, at as u32 + 1);
        if let Some(inner) = line.strip_prefix('[') {
            section = inner.split(']').next().unwrap_or("").trim();
            key = "";
            // Others configure their own programs in it.
            if section == "options" && !is_manifest {
                is_manifest = true;
                found.manifest(path, ECOSYSTEM, None, lock.clone());
            }
            continue;
        }
        let is_item = line.starts_with([' ', '\t']);
        let value = match line.split_once('=').filter(|_| !is_item) {
            Some((said, value)) => {
                key = said.trim();
                value.trim()
            }
            None => line.trim(),
        };
        if value.is_empty() || value.starts_with('#') {
            continue;
        }
        match (section, key) {
            ("options", "python_requires") => python_version(found, value, place),
            ("options", "install_requires") => {
                requirement(found, value, Scope::Runtime, lock.is_some(), place);
            }
            ("options.extras_require", _) => {
                requirement(found, value, Scope::Development, lock.is_some(), place);
            }
            (_, _) => {}
        }
    }
    console_scripts(found, path, text);
}

fn program(found: &mut Found<'_>, path: &str, text: &str) {
    let line_with = |word: &str| {
        let mut lines = text.lines().enumerate();
        let at = lines.find(|(_, line)| line.contains(word));
        at.map(|(at, line)| (at as u32 + 1, line))
    };
    let own = line_with("name=").and_then(|(_, line)| quoted(line.split_once("name=")?.1));
    let lock = found.tree.nearest(folder(path), &LOCKS);
    found.manifest(path, ECOSYSTEM, own, lock.clone());
    if let Some((line, text)) = line_with("python_requires")
        && let Some(version) = quoted(text)
    {
        python_version(found, version, Place::line(path, line));
    }
    if let Some(start) = text.find("install_requires") {
        let first = text[..start].matches('\n').count() as u32 + 1;
        let rest = &text[start..];
        if let Some(open) = rest.find('[')
            && let Some(close) = rest[open..].find(']')
        {
            let first = first + rest[..open].matches('\n').count() as u32;
            for (text, line) in strings_in(&rest[open..open + close], first) {
                let place = Place::line(path, line);
                requirement(found, text, Scope::Runtime, lock.is_some(), place);
            }
        }
    }
    console_scripts(found, path, text);
}

/// `name = module:function`, in quotes or on lines of their own.
fn console_scripts(found: &mut Found<'_>, path: &str, text: &str) {
    let Some(start) = text.find("console_scripts") else {
        return;
    };
    let first = text[..start].matches('\n').count() as u32 + 1;
    for (at, line) in text[start..].lines().enumerate().skip(1).take(60) {
        let line_text = line.trim().trim_matches(['\'', '"', ',', ' ']);
        if line_text.is_empty() || line_text.starts_with([']', '[', '}']) {
            break;
        }
        let Some((name, calls)) = line_text.split_once('=') else {
            continue;
        };
        let calls = calls.trim();
        if calls.contains(':') {
            let place = Place::line(path, first + at as u32);
            found.entry(
                EntryKind::Script,
                name.trim(),
                Some(calls),
                Vec::new(),
                place,
            );
        }
    }
}
