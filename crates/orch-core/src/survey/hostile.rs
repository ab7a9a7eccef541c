//! Trees that somebody made to do harm: nothing panics, lists stay bounded, and no name carries control
//! characters on.

use proptest::prelude::*;

use super::bounds::{LONGEST_FILE_BYTES, MOST_COMMANDS, MOST_DEPENDENCIES};
use super::samples::{TODAY, surveyed};
use super::{FileKind, Tree, TreeFile, survey, wanted};

const NAMES: [&str; 22] = [
    "Cargo.toml",
    "package.json",
    "pyproject.toml",
    "requirements.txt",
    "setup.py",
    "setup.cfg",
    "go.mod",
    "pom.xml",
    "build.gradle",
    "CMakeLists.txt",
    "Makefile",
    "justfile",
    "Taskfile.yml",
    "Dockerfile",
    "docker-compose.yml",
    ".github/workflows/a.yml",
    ".gitlab-ci.yml",
    "README.md",
    "a/b.rs",
    "a/b.py",
    "a/b.ts",
    "a/b.go",
];

#[test]
fn lists_stay_bounded_and_what_is_left_out_is_said() {
    let many: String = (0..5_000).map(|at| format!("dep{at} = \"1\"\n")).collect();
    let cargo = format!("[package]\nname = \"a\"\n[dependencies]\n{many}");
    let targets: String = (0..3_000).map(|at| format!("test-{at}:\n")).collect();
    let found = surveyed(&[("Cargo.toml", &cargo), ("Makefile", &targets)]);
    assert_eq!(found.dependencies.len(), MOST_DEPENDENCIES);
    assert_eq!(found.commands.len(), MOST_COMMANDS);
    assert!(
        found
            .notes
            .contains(&"3000 more dependencies are not listed".to_owned()),
        "{:?}",
        found.notes
    );
}

#[test]
fn bombs_are_texts_like_others() {
    let deep_json = "{\"a\":".repeat(50_000);
    let deep_yaml = "- ".repeat(50_000);
    let lol = format!(
        "services:\n  a: &a\n    image: x\n{}",
        "  b: *a\n".repeat(10_000)
    );
    let deep_toml = format!("a = {}", "[".repeat(100_000));
    let entities = format!(
        "<!DOCTYPE x [<!ENTITY a \"{}\">]><project><artifactId>&a;&a;</artifactId></project>",
        "x".repeat(10_000)
    );
    let found = surveyed(&[
        ("package.json", &deep_json),
        (".gitlab-ci.yml", &deep_yaml),
        ("docker-compose.yml", &lol),
        ("pyproject.toml", &deep_toml),
        ("pom.xml", &entities),
    ]);
    assert_eq!(found.services.len(), 2);
    assert!(serde_json::to_string(&found).expect("it serialises").len() < 20_000);
}

#[test]
fn names_that_cannot_be_shown_are_replaced_and_never_read() {
    let files = vec![
        TreeFile::new(b"a\x1b[31m\n.py", 5, FileKind::File),
        TreeFile::new(b"\xff\xfe/Makefile", 5, FileKind::File),
        TreeFile::new("b\u{202e}yp.py".as_bytes(), 5, FileKind::File),
        TreeFile::new(b"link.py", 0, FileKind::Link),
        TreeFile::new(b"huge.py", LONGEST_FILE_BYTES + 1, FileKind::File),
        TreeFile::new(b"plain.py", 5, FileKind::File),
    ];
    let read: Vec<_> = wanted(&files)
        .into_iter()
        .map(|at| files[at].path.clone())
        .collect();
    assert_eq!(read, ["plain.py"]);
    let found = survey(&Tree::new(files, []), TODAY);
    let json = serde_json::to_string(&found).expect("it serialises");
    assert!(
        !json.contains("\\u001b") && !json.contains('\u{202e}'),
        "{json}"
    );
    assert_eq!(found.languages[0].files, 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_text_makes_a_survey_panic_and_the_same_tree_gives_the_same(
        texts in prop::collection::vec((prop::sample::select(NAMES.to_vec()), "[\\PC\n\t:\"'\\[\\]{}=#\\-]{0,120}"), 0..8),
        pieces in prop::collection::vec(prop::sample::select(vec![
            "[", "]", "{", "}", "\"", "'", ":", "=", "\n", " ", "- ", "#", "\\", "FROM ", "services:", "run: |",
            "dependencies", "[package]", "name", "é", "\u{0}", "console_scripts", "install_requires", "use ", "import ",
        ]), 0..60),
    ) {
        let mixed = pieces.concat();
        let mut files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
        files.extend(NAMES.map(|name| (name, mixed.as_str())));
        let found = surveyed(&files);
        prop_assert_eq!(&found, &surveyed(&files));
        let _ = found.markdown();
        for command in &found.commands {
            prop_assert!(!command.run.chars().any(char::is_control));
        }
    }
}
