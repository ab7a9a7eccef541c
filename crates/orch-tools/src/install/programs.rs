//! A tool's programs: those that its entry names, else those that its package does.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use orch_core::recipe::check_program;

use super::InstallError;
use crate::{Kind, Locked};

/// Longest file of a package that is read for its programs.
const MAX_METADATA: u64 = 4 << 20;

/// The programs by name, with their paths inside `root`.
pub(crate) fn programs(
    tool: &Locked,
    root: &Path,
) -> Result<BTreeMap<String, String>, InstallError> {
    let mut found = match tool.kind {
        Kind::Npm => npm(tool, root),
        Kind::Pypi => python(root)?,
        Kind::Apt => folders(root, &["usr/bin", "bin", "usr/sbin", "usr/games"]),
        Kind::Source | Kind::Crate => folders(root, &["bin"]),
    };
    if found.is_empty() && is_program(&root.join(&tool.name)) {
        found.insert(tool.name.clone(), tool.name.clone());
    }
    if !tool.bin.is_empty() {
        found = named(tool, &found);
    }
    for (name, inside) in &found {
        make_runnable(name, &root.join(inside), root)?;
    }
    if found.is_empty() && tool.kind != Kind::Crate {
        return Err(InstallError::Programs(format!(
            "{} {} has no program that could be found: name them under `bin`, such as `bin: {{{}: path/inside}}`",
            tool.name, tool.version, tool.name
        )));
    }
    Ok(found)
}

/// What the entry names: a program of the package, or a path.
fn named(tool: &Locked, found: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let bin = tool.bin.iter();
    bin.map(|(name, inside)| {
        let of_package = found.get(inside).filter(|_| !inside.contains('/'));
        (name.clone(), of_package.unwrap_or(inside).clone())
    })
    .collect()
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.mode() & 0o111 != 0)
}

fn make_runnable(name: &str, path: &Path, root: &Path) -> Result<(), InstallError> {
    let missing = |why: &str| {
        let inside = path.strip_prefix(root).unwrap_or(path).display();
        InstallError::Programs(format!(
            "the program `{name}` should be {inside}, which {why}"
        ))
    };
    let real = fs::canonicalize(path).map_err(|_| missing("is not there"))?;
    let top = fs::canonicalize(root).map_err(InstallError::io("open", root))?;
    if !real.starts_with(&top) {
        return Err(missing("leads out of the tool's folder"));
    }
    let found = fs::metadata(&real).map_err(InstallError::io("read", &real))?;
    if !found.is_file() {
        return Err(missing("is no file"));
    }
    let set = fs::set_permissions(&real, fs::Permissions::from_mode(0o755));
    set.map_err(InstallError::io("protect", &real))
}

fn folders(root: &Path, folders: &[&str]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for folder in folders {
        let entries = fs::read_dir(root.join(folder))
            .into_iter()
            .flatten()
            .flatten();
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_program(&entry.path()) && check_program(&name).is_ok() {
                found
                    .entry(name.clone())
                    .or_insert(format!("{folder}/{name}"));
            }
        }
    }
    found
}

/// `bin` of `package.json`: a path, or names with paths.
fn npm(tool: &Locked, root: &Path) -> BTreeMap<String, String> {
    let package = tool.files.first().map_or("", |file| file.name.as_str());
    let folder = format!("store/0/node_modules/{package}");
    let Some(text) = read(&root.join(&folder).join("package.json")) else {
        return BTreeMap::new();
    };
    let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let own = package.rsplit('/').next().unwrap_or(package).to_owned();
    let pairs: Vec<(String, String)> = match &json["bin"] {
        serde_json::Value::String(path) => vec![(own, path.clone())],
        serde_json::Value::Object(named) => named
            .iter()
            .filter_map(|(name, path)| Some((name.clone(), path.as_str()?.to_owned())))
            .collect(),
        _ => Vec::new(),
    };
    pairs
        .into_iter()
        .filter(|(name, _)| check_program(name).is_ok())
        .filter_map(|(name, path)| {
            let path = path.trim_start_matches("./");
            let stays = orch_archive::check_relative(path).is_ok();
            stays.then(|| (name, format!("{folder}/{path}")))
        })
        .collect()
}

/// Scripts of wheels: `console_scripts` become programs that find the tool's own folder.
fn python(root: &Path) -> Result<BTreeMap<String, String>, InstallError> {
    let mut found = BTreeMap::new();
    let bin = root.join("bin");
    fs::create_dir_all(&bin).map_err(InstallError::io("make the folder", &bin))?;
    let packages = root.join("lib");
    let entries = fs::read_dir(&packages).into_iter().flatten().flatten();
    let mut entries: Vec<_> = entries.map(|entry| entry.path()).collect();
    entries.sort();
    for folder in entries {
        let ends = folder
            .extension()
            .and_then(|end| end.to_str())
            .unwrap_or_default();
        if ends == "dist-info"
            && let Some(text) = read(&folder.join("entry_points.txt"))
        {
            for (name, module, object) in console_scripts(&text) {
                let path = bin.join(&name);
                let call = format!(
                    "import importlib\nfound = importlib.import_module({module:?})\n\
                     for part in {object:?}.split(\".\"):\n    found = getattr(found, part)\n\
                     sys.exit(found())\n"
                );
                write_script(&path, &call)?;
                found.insert(name.clone(), format!("bin/{name}"));
            }
        }
        if ends == "data" {
            scripts(&folder, root, &mut found)?;
        }
    }
    Ok(found)
}

/// `*.data/scripts/*`: those for Python are started by one that finds the tool's own folder, for
/// their first line names no interpreter of any machine.
fn scripts(
    data: &Path,
    root: &Path,
    found: &mut BTreeMap<String, String>,
) -> Result<(), InstallError> {
    let entries = fs::read_dir(data.join("scripts"));
    for entry in entries.into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        let Ok(inside) = path.strip_prefix(root) else {
            continue;
        };
        if check_program(&name).is_err() || found.contains_key(&name) {
            continue;
        }
        let inside = inside.to_string_lossy().into_owned();
        let is_python = read(&path).is_some_and(|text| text.starts_with("#!python"));
        if is_python {
            let call = format!(
                "import runpy\nrunpy.run_path(os.path.join(here, {inside:?}), run_name=\"__main__\")\n"
            );
            write_script(&root.join("bin").join(&name), &call)?;
            found.insert(name.clone(), format!("bin/{name}"));
        } else {
            found.insert(name, inside);
        }
    }
    Ok(())
}

/// Names, modules and objects of the section `console_scripts`.
pub(super) fn console_scripts(text: &str) -> Vec<(String, String, String)> {
    let mut inside = false;
    let mut scripts = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[console_scripts]";
        } else if inside && let Some((name, target)) = line.split_once('=') {
            let target = target.split('[').next().unwrap_or_default();
            let Some((module, object)) = target.split_once(':') else {
                continue;
            };
            let (name, module, object) = (name.trim(), module.trim(), object.trim());
            let dotted = |text: &str| {
                !text.is_empty()
                    && text.split('.').all(|part| {
                        let starts = part.starts_with(|c: char| c.is_alphabetic() || c == '_');
                        starts && part.chars().all(|c| c.is_alphanumeric() || c == '_')
                    })
            };
            if check_program(name).is_ok() && dotted(module) && dotted(object) {
                scripts.push((name.to_owned(), module.to_owned(), object.to_owned()));
            }
        }
    }
    scripts
}

/// A program that has the tool's own packages before all others, and then does `call`.
fn write_script(path: &Path, call: &str) -> Result<(), InstallError> {
    let text = format!(
        "#!/usr/bin/env python3\n\
         import os, sys\n\
         here = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))\n\
         sys.path.insert(0, os.path.join(here, \"lib\"))\n\
         sys.dont_write_bytecode = True\n\
         {call}"
    );
    let file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o755)
        .open(path);
    let mut file = file.map_err(InstallError::io("write", path))?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(InstallError::io("write", path))
}

fn read(path: &Path) -> Option<String> {
    let found = fs::metadata(path).ok()?;
    let fits = found.is_file() && found.len() <= MAX_METADATA;
    fits.then(|| fs::read_to_string(path).ok()).flatten()
}
