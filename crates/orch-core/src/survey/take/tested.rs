//! Files that hold tests, by the names that test runners look for and the marks that compilers know.

use std::collections::BTreeMap;

use super::folders::left_out;
use super::languages::language_of;
use crate::survey::bounds::MOST_FOLDERS;
use crate::survey::model::{LanguageKind, Tests};
use crate::survey::tree::{FileKind, Tree, folder, name};

const FOLDERS: [&str; 6] = ["test", "tests", "__tests__", "spec", "specs", "e2e"];

pub fn count(tree: &Tree) -> Tests {
    let mut tests = Tests::default();
    let mut folders: BTreeMap<&str, u64> = BTreeMap::new();
    for file in &tree.files {
        if file.kind != FileKind::File || left_out(&file.path).is_some() || !is_code(&file.path) {
            continue;
        }
        let is_marked = || {
            file.path.ends_with(".rs")
                && tree
                    .text(&file.path)
                    .is_some_and(|text| text.contains("#[test]") || text.contains("::test]"))
        };
        if is_test(&file.path) || is_marked() {
            tests.files += 1;
            *folders.entry(folder(&file.path)).or_default() += 1;
        }
    }
    let mut folders: Vec<(&str, u64)> = folders.into_iter().collect();
    folders.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let shown = folders.into_iter().take(MOST_FOLDERS);
    tests.folders = shown
        .map(|(folder, _)| if folder.is_empty() { "." } else { folder }.to_owned())
        .collect();
    tests
}

fn is_code(path: &str) -> bool {
    language_of(path).is_some_and(|known| known.kind == LanguageKind::Code)
}

/// Whether a file's name or folder says that it holds tests.
pub fn is_test(path: &str) -> bool {
    let name = name(path);
    let (stem, _) = name.split_once('.').unwrap_or((name, ""));
    let by_name = stem.starts_with("test_")
        || ["_test", "_tests", "_spec", "Test", "Tests", "IT", "Spec"]
            .iter()
            .any(|end| stem.ends_with(end) && stem.len() > end.len())
        || name.contains(".test.")
        || name.contains(".spec.")
        || name == "tests.py";
    let by_folder = folder(path).split('/').any(|part| FOLDERS.contains(&part));
    by_name || by_folder
}
