//! Under which licence a tree is: by the words of its licence file, else by what a manifest says.

use super::found::Found;
use super::names::is_licence;
use crate::survey::bounds::shown;
use crate::survey::model::{Licence, Place};
use crate::survey::read::{line_of, object, string_at, toml_entries, unquoted};

/// Words that stand in one licence and not in those below it.
const WORDS: [(&str, &str); 14] = [
    ("GNU AFFERO GENERAL PUBLIC LICENSE", "AGPL-3.0"),
    ("GNU LESSER GENERAL PUBLIC LICENSE", "LGPL"),
    ("GNU GENERAL PUBLIC LICENSE Version 3", "GPL-3.0"),
    ("GNU GENERAL PUBLIC LICENSE Version 2", "GPL-2.0"),
    ("Apache License Version 2.0", "Apache-2.0"),
    ("Mozilla Public License Version 2.0", "MPL-2.0"),
    ("Eclipse Public License - v 2.0", "EPL-2.0"),
    ("Boost Software License", "BSL-1.0"),
    ("This is free and unencumbered software", "Unlicense"),
    ("CC0 1.0 Universal", "CC0-1.0"),
    ("Neither the name of", "BSD-3-Clause"),
    (
        "Redistribution and use in source and binary forms",
        "BSD-2-Clause",
    ),
    ("Permission is hereby granted, free of charge", "MIT"),
    ("Permission to use, copy, modify, and/or distribute", "ISC"),
];

pub fn read(found: &Found<'_>) -> Option<Licence> {
    let texts = &found.tree.texts;
    let files = texts
        .iter()
        .filter(|(path, _)| !path.contains('/') && is_licence(path));
    let mut unrecognised = None;
    for (path, text) in files {
        let words: Vec<&str> = text.split_whitespace().take(3_000).collect();
        let flat = words.join(" ").to_lowercase();
        let known = WORDS
            .iter()
            .find(|(words, _)| flat.contains(&words.to_lowercase()));
        match known {
            Some((_, name)) => {
                return Some(Licence {
                    name: (*name).to_owned(),
                    place: Place::line(path, 1),
                });
            }
            None => unrecognised = Some(path),
        }
    }
    let named = |name: &str, place: Place| Licence {
        name: shown(name, 80),
        place,
    };
    if let Some(text) = found.tree.text("package.json")
        && let Some(package) = object(text)
        && let Some(name) = string_at(&package, &["license"])
    {
        let place = Place::line("package.json", line_of(text, None, "license"));
        return Some(named(name, place));
    }
    for file in ["Cargo.toml", "pyproject.toml"] {
        let entries = found.tree.text(file).map(toml_entries).unwrap_or_default();
        let entry = entries
            .iter()
            .find(|entry| entry.key == "license" && entry.value.starts_with(['"', '\'']));
        if let Some(entry) = entry {
            return Some(named(unquoted(&entry.value), Place::line(file, entry.line)));
        }
    }
    unrecognised.map(|path| named("unrecognised", Place::whole(path)))
}
