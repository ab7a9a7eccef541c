//! Which part imports which, by the lines that do so. What is imported from elsewhere is left out.

use std::collections::BTreeMap;

use super::found::Found;
use super::modules::module_of;
use crate::survey::bounds::MOST_LINKS;
use crate::survey::model::{Link, Place};
use crate::survey::read::{after_word, quoted};
use crate::survey::tree::{folder, inside, name};

/// The most imports that are followed in one file.
const MOST_IMPORTS: usize = 500;

/// Where names lead within the tree.
struct Names {
    /// Rust crates, npm packages, Go modules, Python packages: to folders.
    rust: BTreeMap<String, String>,
    npm: BTreeMap<String, String>,
    go: Vec<(String, String)>,
    python: BTreeMap<String, String>,
}

pub fn link(found: &mut Found<'_>) {
    let names = names(found);
    let mut links: BTreeMap<(String, String), (u64, Place)> = BTreeMap::new();
    for (path, text) in &found.tree.texts {
        let from = module_of(path);
        let lines = text.lines().enumerate().take(20_000);
        let mut taken = 0;
        let mut is_go_block = false;
        for (at, line) in lines {
            if taken >= MOST_IMPORTS {
                break;
            }
            let target = match path.rsplit_once('.').map(|(_, ending)| ending) {
                Some("rs") => rust(line, &names),
                Some("py" | "pyi") => python(line, path, &names),
                Some("js" | "mjs" | "cjs" | "jsx" | "ts" | "tsx" | "mts" | "cts") => {
                    script(line, path, &names)
                }
                Some("go") => go(line, &mut is_go_block, &names),
                Some(_) | None => break,
            };
            let Some(target) = target else { continue };
            taken += 1;
            // A folder stands for the files in it.
            let to = match target.is_empty() {
                true => ".".to_owned(),
                false => module_of(&inside(&target, "x")).to_owned(),
            };
            if to == from {
                continue;
            }
            let place = || Place::line(path, at as u32 + 1);
            let link = links
                .entry((from.to_owned(), to))
                .or_insert_with(|| (0, place()));
            link.0 += 1;
        }
    }
    let is_module = |path: &str| {
        found
            .survey
            .modules
            .iter()
            .any(|module| module.path == path)
    };
    let mut links: Vec<Link> = links
        .into_iter()
        .filter(|((from, to), _)| is_module(from) && is_module(to))
        .map(|((from, to), (imports, place))| Link {
            from,
            to,
            imports,
            place,
        })
        .collect();
    if links.len() > MOST_LINKS {
        links.sort_by(|a, b| b.imports.cmp(&a.imports).then_with(|| a.from.cmp(&b.from)));
        let more = links.len() - MOST_LINKS;
        links.truncate(MOST_LINKS);
        found.note(format!("{more} more links between parts are not listed"));
    }
    found.survey.links = links;
}

fn names(found: &Found<'_>) -> Names {
    let mut names = Names {
        rust: BTreeMap::new(),
        npm: BTreeMap::new(),
        go: Vec::new(),
        python: BTreeMap::new(),
    };
    for package in &found.packages {
        let (name, folder) = (package.name.clone(), package.folder.clone());
        match package.ecosystem {
            "cargo" => drop(names.rust.insert(name.replace('-', "_"), folder)),
            "npm" => drop(names.npm.insert(name, folder)),
            "go" => names.go.push((name, folder)),
            _ => {}
        }
    }
    // Python imports what lies at the top, or in `src`.
    for file in &found.tree.files {
        if file.path.ends_with(".py") && !file.path.contains('\u{fffd}') {
            let inner = file.path.strip_prefix("src/").unwrap_or(&file.path);
            if let Some((first, _)) = inner.split_once('/') {
                let folder = &file.path[..file.path.len() - inner.len() + first.len()];
                names.python.insert(first.to_owned(), folder.to_owned());
            }
        }
    }
    names
}

fn rust(line: &str, names: &Names) -> Option<String> {
    let line = line.trim_start();
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let rest = after_word(line, "use").or_else(|| after_word(line, "extern crate"))?;
    let rest = rest.trim_start_matches("::");
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let (name, behind) = rest.split_at(end.unwrap_or(rest.len()));
    let behind = behind.trim_start();
    // `use other;` names what is in scope already.
    let is_path = behind.starts_with("::") || behind.starts_with(';');
    is_path.then(|| names.rust.get(name).cloned()).flatten()
}

fn python(line: &str, path: &str, names: &Names) -> Option<String> {
    let rest = after_word(line, "from").or_else(|| after_word(line, "import"))?;
    if rest.starts_with('.') {
        let behind = rest.trim_start_matches('.');
        let mut home = folder(path);
        // One dot is the file's own package.
        for _ in 1..rest.len() - behind.len() {
            home = folder(home);
        }
        let end = behind.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        return Some(match &behind[..end.unwrap_or(behind.len())] {
            "" => home.to_owned(),
            name => inside(home, name),
        });
    }
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
    let dotted = &rest[..end.unwrap_or(rest.len())];
    let (first, _) = dotted.split_once('.').unwrap_or((dotted, ""));
    names.python.get(first).cloned()
}

fn script(line: &str, path: &str, names: &Names) -> Option<String> {
    let line = line.trim_start();
    let rest = if let Some(at) = line.find("require(") {
        &line[at + 8..]
    } else if let Some(at) = line.find("import(") {
        &line[at + 7..]
    } else if line.starts_with("import") || line.starts_with("export") || line.starts_with('}') {
        match line.rfind(" from ") {
            Some(at) => &line[at + 6..],
            None => line.strip_prefix("import")?,
        }
    } else {
        return None;
    };
    let wanted = quoted(rest)?;
    if wanted.starts_with('.') {
        return resolved(folder(path), wanted);
    }
    // The package, and what is wanted of it: `@a/b/c`.
    let parts = if wanted.starts_with('@') { 2 } else { 1 };
    let package: Vec<&str> = wanted.split('/').take(parts).collect();
    names.npm.get(&package.join("/")).cloned()
}

/// The folder of `../b/c`, seen from a folder; none where it leads out.
fn resolved(home: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = home.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    // The last part is a file, or a folder with an index.
    let is_folder = !name(&path).contains('.') && path.matches('/').count() < 2;
    Some(if is_folder {
        path
    } else {
        folder(&path).to_owned()
    })
}

fn go(line: &str, is_block: &mut bool, names: &Names) -> Option<String> {
    let line = line.trim();
    match line {
        "import (" => {
            *is_block = true;
            return None;
        }
        ")" => {
            *is_block = false;
            return None;
        }
        _ => {}
    }
    if !*is_block && !line.starts_with("import ") {
        return None;
    }
    let wanted = quoted(line)?;
    names.go.iter().find_map(|(module, home)| {
        let rest = wanted.strip_prefix(module.as_str())?;
        match rest.strip_prefix('/') {
            Some(rest) => Some(inside(home, rest)),
            None if rest.is_empty() => Some(home.clone()),
            None => None,
        }
    })
}
