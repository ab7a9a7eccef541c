//! The list of failpoints and the source agree.

use std::collections::BTreeMap;

use orch_failpoint::POINTS;
use walkdir::WalkDir;

/// How often each name is passed in the crates, tests apart.
fn passes() -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let crates = crate::root().join("crates");
    for file in WalkDir::new(crates).into_iter().map(|file| file.unwrap()) {
        if file.path().extension().is_none_or(|ending| ending != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(file.path()).unwrap();
        for call in ["orch_failpoint::check(\"", "orch_failpoint::pass(\""] {
            for rest in text.split(call).skip(1) {
                let name = rest.split('"').next().unwrap().to_owned();
                *found.entry(name).or_default() += 1;
            }
        }
    }
    found
}

#[test]
fn every_failpoint_is_listed_once_and_stands_in_the_source_once() {
    let listed: BTreeMap<String, usize> = POINTS
        .iter()
        .map(|point| (point.name.to_owned(), 1))
        .collect();
    assert_eq!(listed.len(), POINTS.len(), "a name is listed twice");
    assert_eq!(passes(), listed);
    assert!(POINTS.len() >= 25);
}
