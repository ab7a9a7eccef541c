//! Go: `go.mod`, and the packages that are programs.

use super::found::{Found, Needed};
use super::listens::is_beside;
use crate::survey::model::{Basis, Bound, EntryKind, Place, Purpose, Scope};
use crate::survey::read::after_word;
use crate::survey::tree::{folder, inside, name};

const ECOSYSTEM: &str = "go";

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    if name(path) == "go.mod" {
        manifest(found, path, text);
    } else if path.ends_with(".go") && !path.ends_with("_test.go") {
        program(found, path, text);
    }
}

fn manifest(found: &mut Found<'_>, path: &str, text: &str) {
    let sums = inside(folder(path), "go.sum");
    let lock = found.tree.has(&sums).then_some(sums);
    let lines = || {
        text.lines()
            .enumerate()
            .map(|(at, line)| (at as u32 + 1, line))
    };
    let module = lines().find_map(|(at, line)| Some((after_word(line, "module")?, at)));
    found.manifest(path, ECOSYSTEM, module.map(|(name, _)| name), lock.clone());
    if let Some((_, line)) = module {
        let place = || Place::line(path, line);
        found.command(Purpose::Build, "go build ./...", Basis::Convention, place());
        found.command(Purpose::Test, "go test ./...", Basis::Convention, place());
        let linted = [".golangci.yml", ".golangci.yaml", ".golangci.toml"];
        let mut linted = linted.iter().map(|file| inside(folder(path), file));
        if let Some(file) = linted.find(|file| found.tree.has(file)) {
            let (run, place) = ("golangci-lint run", Place::whole(&file));
            found.command(Purpose::Lint, run, Basis::Convention, place);
        }
    }
    let mut is_block = false;
    for (at, line) in lines() {
        if let Some(version) = after_word(line, "go") {
            found.runtime("Go", version, Bound::AtLeast, Place::line(path, at));
        }
        let needed = match line.trim() {
            "require (" => {
                is_block = true;
                continue;
            }
            ")" => {
                is_block = false;
                continue;
            }
            inner if is_block => inner,
            _ => match after_word(line, "require") {
                Some(rest) => rest,
                None => continue,
            },
        };
        if needed.contains("// indirect") || needed.starts_with("//") {
            continue;
        }
        let mut words = needed.split_whitespace();
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            found.dependency(Needed {
                ecosystem: ECOSYSTEM,
                name,
                version: Some(version),
                scope: Scope::Runtime,
                pinned: true,
                place: Place::line(path, at),
            });
        }
    }
}

fn program(found: &mut Found<'_>, path: &str, text: &str) {
    let is_main = text
        .lines()
        .take(200)
        .any(|line| line.trim_end() == "package main");
    // A file that a build leaves out is run by hand.
    let is_ignored = text
        .lines()
        .take(20)
        .any(|line| matches!(line.trim_end(), "//go:build ignore" | "// +build ignore"));
    if !is_main || is_ignored || is_beside(path) {
        return;
    }
    if let Some(at) = text
        .lines()
        .position(|line| line.starts_with("func main()"))
    {
        let place = Place::line(path, at as u32 + 1);
        let home = folder(path);
        let called = if home.is_empty() { path } else { name(home) };
        found.entry(EntryKind::Binary, called, None, Vec::new(), place);
    }
}
