//! The whole survey, in one fixed order.

use super::found::Found;
use super::{
    cargo, ci, cmake, compose, docker, docs, go, imports, jvm, kubernetes, languages, licence,
    listens, modules, node, other, php, python, ruby, scripts, setuptools, smells, stores,
    terraform, tested,
};
use crate::survey::bounds::{MOST_LANGUAGES, MOST_PLACES};
use crate::survey::model::{LeftOut, Survey, VERSION};
use crate::survey::tree::{FileKind, Tree};

/// Surveys a tree. `today` (`YYYY-MM-DD`) is the day for which versions are judged. The same tree and
/// day always give the same survey.
#[must_use]
pub fn survey(tree: &Tree, today: &str) -> Survey {
    let mut found = Found::new(tree);
    found.survey.version = VERSION;
    today.clone_into(&mut found.survey.as_of);
    count(&mut found);
    found.survey.languages = languages::count(tree);
    for (path, text) in &tree.texts {
        scripts::read(&mut found, path, text);
        cargo::read(&mut found, path, text);
        node::read(&mut found, path, text);
        python::read(&mut found, path, text);
        setuptools::read(&mut found, path, text);
        go::read(&mut found, path, text);
        jvm::read(&mut found, path, text);
        cmake::read(&mut found, path, text);
        ruby::read(&mut found, path, text);
        php::read(&mut found, path, text);
        other::read(&mut found, path, text);
        docker::read(&mut found, path, text);
        compose::read(&mut found, path, text);
        kubernetes::read(&mut found, path, text);
        terraform::read(&mut found, path, text);
        ci::read(&mut found, path, text);
        // Last: a port is said of what begins in the file.
        listens::read(&mut found, path, text);
    }
    other::pages(&mut found);
    found.survey.documentation = docs::read(tree);
    found.survey.licence = licence::read(&found);
    found.survey.tests = tested::count(tree);
    modules::split(&mut found);
    imports::link(&mut found);
    stores::recognise(&mut found);
    smells::judge(&mut found);
    let mut survey = found.finish();
    survey.languages.truncate(MOST_LANGUAGES);
    survey
}

fn count(found: &mut Found<'_>) {
    let mut left_out: Vec<LeftOut> = Vec::new();
    let (mut links, mut submodules) = (0, 0);
    for file in &found.tree.files {
        found.survey.files += 1;
        found.survey.bytes += file.size_bytes;
        match file.kind {
            FileKind::Link => links += 1,
            FileKind::Submodule => submodules += 1,
            FileKind::File => {}
        }
        let Some((folder, reason)) = super::left_out(&file.path) else {
            continue;
        };
        match left_out.last_mut() {
            Some(last) if last.folder == folder => last.files += 1,
            Some(_) | None => left_out.push(LeftOut {
                folder: folder.to_owned(),
                reason,
                files: 1,
            }),
        }
    }
    left_out.sort_by(|a, b| b.files.cmp(&a.files).then_with(|| a.folder.cmp(&b.folder)));
    if left_out.len() > MOST_PLACES {
        let more = left_out.len() - MOST_PLACES;
        found.note(format!("{more} more folders are left out of the counts"));
        left_out.truncate(MOST_PLACES);
    }
    found.survey.left_out = left_out;
    if links > 0 {
        found.note(format!("symbolic links are not followed: {links}"));
    }
    if submodules > 0 {
        found.note(format!("submodules are not looked into: {submodules}"));
    }
}
