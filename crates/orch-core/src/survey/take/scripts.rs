//! Files that hold commands by name: Makefile, justfile, Taskfile, Procfile.

use super::found::Found;
use super::ports::of_call;
use super::purpose::of_name;
use crate::survey::model::{Basis, EntryKind, Place};
use crate::survey::read::yaml_entries;
use crate::survey::tree::name;

const MOST_LINES: usize = 10_000;

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    match name(path) {
        "Makefile" | "makefile" | "GNUmakefile" => targets(found, path, text, "make"),
        "justfile" | "Justfile" | ".justfile" => targets(found, path, text, "just"),
        "Taskfile.yml" | "Taskfile.yaml" => tasks(found, path, text),
        "Procfile" => processes(found, path, text),
        _ => {}
    }
}

fn targets(found: &mut Found<'_>, path: &str, text: &str, program: &str) {
    for (at, line) in text.lines().enumerate().take(MOST_LINES) {
        let Some((names, rest)) = line.split_once(':') else {
            continue;
        };
        // `A := b` and `A ::= b` set variables.
        if rest.starts_with(['=', ':']) || line.starts_with([' ', '\t', '#', '.', '@']) {
            continue;
        }
        let names = names.trim_start_matches('@');
        let names: Vec<&str> = match program {
            // What stands behind a recipe's name are its parameters.
            "just" => names.split_whitespace().take(1).collect(),
            _ => names.split_whitespace().take(20).collect(),
        };
        for target in names {
            let is_plain = target
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
            if let (true, Some(purpose)) = (is_plain && !target.starts_with('-'), of_name(target)) {
                let place = Place::line(path, at as u32 + 1);
                found.command(
                    purpose,
                    &format!("{program} {target}"),
                    Basis::Declared,
                    place,
                );
            }
        }
    }
}

fn tasks(found: &mut Found<'_>, path: &str, text: &str) {
    for entry in yaml_entries(text) {
        if !entry.is(&["tasks", "*"]) {
            continue;
        }
        let task = entry.path[1].as_str();
        let is_plain = task
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_:.".contains(c));
        if let (true, Some(purpose)) = (is_plain && !task.starts_with('-'), of_name(task)) {
            let place = Place::line(path, entry.line);
            found.command(purpose, &format!("task {task}"), Basis::Declared, place);
        }
    }
}

fn processes(found: &mut Found<'_>, path: &str, text: &str) {
    for (at, line) in text.lines().enumerate().take(200) {
        if let Some((name, calls)) = line.split_once(':').filter(|_| !line.starts_with('#')) {
            let place = Place::line(path, at as u32 + 1);
            found.entry(EntryKind::Process, name, Some(calls), of_call(calls), place);
        }
    }
}
