//! Ruby: `Gemfile`, gemspecs, Rake, Rack and Rails.

use super::found::{Found, Needed};
use crate::survey::model::{Basis, Bound, EntryKind, Place, Purpose, Scope};
use crate::survey::read::{after_word, quoted, strings_in};
use crate::survey::tree::{folder, inside, name};

const MOST_LINES: usize = 5_000;

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    match name(path) {
        "Gemfile" => gems(found, path, text),
        "Rakefile" => tasks(found, path, text),
        "config.ru" => {
            found.entry(
                EntryKind::Service,
                path,
                None,
                Vec::new(),
                Place::whole(path),
            );
        }
        ".ruby-version" => {
            let version = text.lines().next().unwrap_or("").trim();
            let version = version.strip_prefix("ruby-").unwrap_or(version);
            found.runtime("Ruby", version, Bound::Exactly, Place::line(path, 1));
        }
        file if file.ends_with(".gemspec") => specification(found, path, text),
        _ => {}
    }
}

fn gems(found: &mut Found<'_>, path: &str, text: &str) {
    let file = inside(folder(path), "Gemfile.lock");
    let lock = found.tree.has(&file).then_some(file);
    found.manifest(path, "rubygems", None, lock.clone());
    for (at, line) in text.lines().enumerate().take(MOST_LINES) {
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
            match name {
                "rspec" | "rspec-rails" => {
                    let run = "bundle exec rspec";
                    found.command(Purpose::Test, run, Basis::Convention, place);
                }
                "rails" => rails(found, path, place),
                _ => {}
            }
        }
    }
}

/// How Rails is run, and tested where it has tests of its own kind.
fn rails(found: &mut Found<'_>, path: &str, place: Place) {
    let home = folder(path);
    let program = match found.tree.has(&inside(home, "bin/rails")) {
        true => "bin/rails",
        false => "bundle exec rails",
    };
    let run = format!("{program} server");
    found.command(Purpose::Run, &run, Basis::Convention, place.clone());
    let tests = format!("{}/", inside(home, "test"));
    if found.tree.below(&tests).next().is_some() {
        let run = format!("{program} test");
        found.command(Purpose::Test, &run, Basis::Convention, place);
    }
}

/// `Rake::TestTask.new(:test)`, `RSpec::Core::RakeTask.new(:spec)`, `task test:`.
fn tasks(found: &mut Found<'_>, path: &str, text: &str) {
    for (at, line) in text.lines().enumerate().take(MOST_LINES) {
        let line = line.trim();
        let is_test = line.starts_with("Rake::TestTask.new")
            || line.starts_with("RSpec::Core::RakeTask.new")
            || line.starts_with("Minitest::TestTask.create");
        if !is_test {
            continue;
        }
        let named = line.split_once("(:").map(|(_, name)| name);
        let name: String = named
            .unwrap_or("test")
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect();
        let is_bundled = found.tree.has(&inside(folder(path), "Gemfile"));
        let run = match is_bundled {
            true => format!("bundle exec rake {name}"),
            false => format!("rake {name}"),
        };
        let place = Place::line(path, at as u32 + 1);
        found.command(Purpose::Test, &run, Basis::Convention, place);
    }
}

/// The programs of a gem, and what it needs.
fn specification(found: &mut Found<'_>, path: &str, text: &str) {
    let own = name(path).trim_end_matches(".gemspec");
    let file = inside(folder(path), "Gemfile.lock");
    let lock = found.tree.has(&file).then_some(file);
    found.manifest(path, "rubygems", Some(own), lock.clone());
    for (at, line) in text.lines().enumerate().take(MOST_LINES) {
        let place = Place::line(path, at as u32 + 1);
        let Some((key, rest)) = line.split_once('.').map(|(_, rest)| {
            let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c == '_'));
            rest.split_at(end.unwrap_or(rest.len()))
        }) else {
            continue;
        };
        let scope = match key {
            "add_dependency" | "add_runtime_dependency" => Scope::Runtime,
            "add_development_dependency" => Scope::Development,
            "required_ruby_version" => {
                let version = quoted(rest).unwrap_or_default();
                let bare = version.trim_start_matches(['~', '>', '=', ' ']);
                found.runtime("Ruby", bare, Bound::AtLeast, place);
                continue;
            }
            "executables" if !rest.contains("spec.files") && !rest.contains('`') => {
                for (program, _) in strings_in(rest, 1).into_iter().take(20) {
                    found.entry(EntryKind::Script, program, None, Vec::new(), place.clone());
                }
                continue;
            }
            _ => continue,
        };
        let said = strings_in(rest, 1);
        if let Some((name, _)) = said.first() {
            found.dependency(Needed {
                ecosystem: "rubygems",
                name,
                version: said.get(1).map(|(version, _)| *version),
                scope,
                pinned: lock.is_some(),
                place,
            });
        }
    }
}
