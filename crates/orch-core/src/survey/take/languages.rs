//! Which language a file is in: by its name, its ending, or the program that its first line names.

use std::collections::BTreeMap;

use super::folders::{is_generated, left_out};
use crate::survey::model::{Language, LanguageKind};
use crate::survey::tree::{FileKind, Tree, name};

/// A language as it is known here.
#[derive(Debug)]
pub struct Known {
    pub name: &'static str,
    pub kind: LanguageKind,
    /// Whether its files are read for what they import and where they begin.
    pub imports: bool,
    endings: &'static [&'static str],
}

const fn code(name: &'static str, endings: &'static [&'static str]) -> Known {
    Known {
        name,
        kind: LanguageKind::Code,
        imports: false,
        endings,
    }
}

const fn read(name: &'static str, endings: &'static [&'static str]) -> Known {
    Known {
        name,
        kind: LanguageKind::Code,
        imports: true,
        endings,
    }
}

const fn of_kind(
    name: &'static str,
    kind: LanguageKind,
    endings: &'static [&'static str],
) -> Known {
    Known {
        name,
        kind,
        imports: false,
        endings,
    }
}

static LANGUAGES: [Known; 58] = [
    read("Rust", &["rs"]),
    read("Python", &["py", "pyi", "pyw"]),
    read("JavaScript", &["js", "mjs", "cjs", "jsx"]),
    read("TypeScript", &["ts", "tsx", "mts", "cts"]),
    read("Go", &["go"]),
    read("Java", &["java"]),
    read("Kotlin", &["kt", "kts"]),
    code("Scala", &["scala", "sc"]),
    code("Groovy", &["groovy", "gradle"]),
    code("C", &["c"]),
    code("C++", &["cc", "cpp", "cxx", "hpp", "hh", "hxx", "ipp"]),
    code("C/C++ header", &["h"]),
    code("C#", &["cs"]),
    code("F#", &["fs", "fsx"]),
    code("Visual Basic", &["vb", "bas"]),
    code("PHP", &["php", "phtml"]),
    code("Ruby", &["rb", "rake", "gemspec"]),
    code("Perl", &["pl", "pm"]),
    code("Swift", &["swift"]),
    code("Objective-C", &["m", "mm"]),
    code("Dart", &["dart"]),
    code("Elixir", &["ex", "exs"]),
    code("Erlang", &["erl", "hrl"]),
    code("Haskell", &["hs", "lhs"]),
    code("OCaml", &["ml", "mli"]),
    code("Clojure", &["clj", "cljs", "cljc"]),
    code("Lua", &["lua"]),
    code("R", &["r"]),
    code("Julia", &["jl"]),
    code("Zig", &["zig"]),
    code("Nim", &["nim"]),
    code("Fortran", &["f", "f90", "f95", "for"]),
    code("COBOL", &["cob", "cbl", "cpy"]),
    code("Pascal", &["pas", "dpr"]),
    code("Assembly", &["s", "asm"]),
    code("Shell", &["sh", "bash", "zsh", "ksh"]),
    code("PowerShell", &["ps1", "psm1"]),
    code("Batch", &["bat", "cmd"]),
    code("SQL", &["sql"]),
    code("Vue", &["vue"]),
    code("Svelte", &["svelte"]),
    code("HCL", &["tf", "hcl"]),
    code("Protocol Buffers", &["proto"]),
    code("GraphQL", &["graphql", "gql"]),
    code("Solidity", &["sol"]),
    code("Jupyter Notebook", &["ipynb"]),
    of_kind("HTML", LanguageKind::Markup, &["html", "htm", "xhtml"]),
    of_kind(
        "CSS",
        LanguageKind::Markup,
        &["css", "scss", "sass", "less"],
    ),
    of_kind(
        "Template",
        LanguageKind::Markup,
        &["j2", "jinja", "hbs", "ejs", "erb", "tmpl", "jsp"],
    ),
    of_kind("JSON", LanguageKind::Data, &["json", "jsonl", "json5"]),
    of_kind("YAML", LanguageKind::Data, &["yaml", "yml"]),
    of_kind("TOML", LanguageKind::Data, &["toml"]),
    of_kind("XML", LanguageKind::Data, &["xml", "xsd", "xsl", "plist"]),
    of_kind("CSV", LanguageKind::Data, &["csv", "tsv"]),
    of_kind("Markdown", LanguageKind::Prose, &["md", "markdown", "mdx"]),
    of_kind("reStructuredText", LanguageKind::Prose, &["rst"]),
    of_kind("AsciiDoc", LanguageKind::Prose, &["adoc", "asciidoc"]),
    of_kind("Text", LanguageKind::Prose, &["txt"]),
];

/// Files that are known by their names.
static NAMED: [(&str, Known); 5] = [
    ("Makefile", code("Make", &[])),
    ("makefile", code("Make", &[])),
    ("GNUmakefile", code("Make", &[])),
    ("CMakeLists.txt", code("CMake", &[])),
    ("Dockerfile", code("Dockerfile", &[])),
];

/// Programs in first lines, and the endings of what they run.
const PROGRAMS: [(&str, &str); 11] = [
    ("python", "py"),
    ("node", "js"),
    ("deno", "ts"),
    ("bash", "sh"),
    ("zsh", "sh"),
    ("dash", "sh"),
    ("ksh", "sh"),
    ("sh", "sh"),
    ("ruby", "rb"),
    ("perl", "pl"),
    ("php", "php"),
];

/// The language that a path tells.
pub fn language_of(path: &str) -> Option<&'static Known> {
    let name = name(path);
    if let Some((_, known)) = NAMED
        .iter()
        .find(|(named, _)| name == *named || (*named == "Dockerfile" && is_dockerfile(name)))
    {
        return Some(known);
    }
    let (stem, ending) = name.rsplit_once('.')?;
    if stem.is_empty() {
        return None;
    }
    by_ending(&ending.to_ascii_lowercase())
}

/// `Dockerfile`, `Dockerfile.web`, `web.Dockerfile`, `Containerfile`.
pub fn is_dockerfile(name: &str) -> bool {
    name == "Dockerfile"
        || name == "Containerfile"
        || name.starts_with("Dockerfile.")
        || name.to_ascii_lowercase().ends_with(".dockerfile")
}

fn by_ending(ending: &str) -> Option<&'static Known> {
    LANGUAGES
        .iter()
        .find(|known| known.endings.contains(&ending))
}

/// The language that a first line names: `#!/usr/bin/env python3`.
fn by_first_line(text: &str) -> Option<&'static Known> {
    let line = text.lines().next()?.strip_prefix("#!")?;
    let mut words = line.split_whitespace();
    let mut program = name(words.next()?);
    if program == "env" {
        program = name(words.find(|word| !word.starts_with('-'))?);
    }
    let (_, ending) = PROGRAMS
        .iter()
        .find(|(known, _)| program.starts_with(known))?;
    by_ending(ending)
}

/// All languages of a tree, the largest code first.
pub fn count(tree: &Tree) -> Vec<Language> {
    struct Sum<'t> {
        kind: LanguageKind,
        files: u64,
        bytes: u64,
        largest: (u64, &'t str),
    }
    let mut sums: BTreeMap<&str, Sum<'_>> = BTreeMap::new();
    for file in &tree.files {
        if file.kind != FileKind::File || left_out(&file.path).is_some() || is_generated(&file.path)
        {
            continue;
        }
        let by_name = language_of(&file.path);
        let known = by_name.or_else(|| by_first_line(tree.text(&file.path)?));
        let Some(known) = known else { continue };
        let sum = sums.entry(known.name).or_insert(Sum {
            kind: known.kind,
            files: 0,
            bytes: 0,
            largest: (0, &file.path),
        });
        sum.files += 1;
        sum.bytes += file.size_bytes;
        if file.size_bytes > sum.largest.0 {
            sum.largest = (file.size_bytes, &file.path);
        }
    }
    let mut languages: Vec<Language> = sums
        .into_iter()
        .map(|(name, sum)| Language {
            name: name.to_owned(),
            kind: sum.kind,
            files: sum.files,
            bytes: sum.bytes,
            example: sum.largest.1.to_owned(),
        })
        .collect();
    languages.sort_by(|a, b| {
        (a.kind, std::cmp::Reverse(a.bytes), &a.name).cmp(&(
            b.kind,
            std::cmp::Reverse(b.bytes),
            &b.name,
        ))
    });
    languages
}
