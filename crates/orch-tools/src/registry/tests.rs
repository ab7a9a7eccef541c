use proptest::prelude::*;

use super::{
    apt::{stanzas, uris},
    crates_io::index_path,
    marker::{Markers, holds},
    requirement::{normal, parse},
};

fn markers(extras: &[String]) -> Markers<'_> {
    Markers {
        python: "3.11",
        machine: "x86_64",
        extras,
    }
}

#[test]
fn markers_are_judged_for_this_machine() {
    let extras = ["tls".to_owned()];
    for (marker, expected) in [
        ("python_version >= '3.8'", true),
        ("python_version < \"3\"", false),
        ("python_version == '3.11'", true),
        ("sys_platform == 'win32' or os_name == 'posix'", true),
        (
            "sys_platform == 'linux' and (extra == 'tls' or extra == 'x')",
            true,
        ),
        ("extra == 'x'", false),
        ("platform_machine in 'x86_64 aarch64'", true),
        ("platform_system != 'Linux'", false),
        ("'linux' not in sys_platform", false),
    ] {
        assert_eq!(holds(marker, &markers(&extras)), Ok(expected), "{marker}");
    }
    for marker in [
        "python_version",
        "python_version >=",
        "(os_name == 'a'",
        "moon == 'full'",
        "os_name ~ ",
    ] {
        assert!(holds(marker, &markers(&extras)).is_err(), "{marker}");
    }
}

#[test]
fn requirements_are_read_in_both_spellings() {
    let read = |text: &str| parse(text, &markers(&[])).unwrap().unwrap();
    let need = read("My.Package[a,b] (>=1,<2) ; python_version >= '3'");
    assert_eq!(
        (need.name.as_str(), need.range.to_string().as_str()),
        ("my-package", ">=1,<2")
    );
    assert_eq!(need.extras, ["a", "b"]);
    assert_eq!(read("x~=1.4").range.to_string(), "~=1.4");
    assert_eq!(parse("x ; extra == 'no'", &markers(&[])), Ok(None));
    assert!(parse("x @ https://a.example/x.whl", &markers(&[])).is_err());
    assert_eq!(normal("A__b..c"), "a-b-c");
}

#[test]
fn the_index_of_crates_is_laid_out_by_length() {
    for (name, path) in [
        ("a", "1/a"),
        ("ab", "2/ab"),
        ("abc", "3/a/abc"),
        ("Serde", "se/rd/serde"),
    ] {
        assert_eq!(index_path(name), path);
    }
}

#[test]
fn apts_answers_are_read() {
    let sha = "a".repeat(64);
    let text =
        format!("'http://m.example/jq_1.6_amd64.deb' jq_1.6_amd64.deb 64400 SHA256:{sha}\nnoise\n");
    assert_eq!(uris(&text).len(), 1);
    let shown: Vec<_> =
        stanzas("Package: jq\nVersion: 1.6\n more\n\nPackage: jq\nVersion: 1.5\n").collect();
    assert_eq!((shown.len(), shown[1]["Version"]), (2, "1.5"));
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,80}", near in "[a-z_ '\"()<>=!~;,@\\[\\]0-9.]{0,60}") {
        for text in [text, near] {
            let _ = holds(&text, &markers(&[]));
            let _ = parse(&text, &markers(&[]));
            let _ = uris(&text);
            let _ = stanzas(&text).count();
            let _ = index_path(&text);
            let _ = normal(&text);
        }
    }
}
