use proptest::prelude::*;

use super::{Range, Version};

fn version(text: &str) -> Version {
    Version::parse(text).unwrap_or_else(|| panic!("{text} is a version"))
}

#[test]
fn versions_are_ordered_as_registries_do() {
    let ordered = [
        "0.9",
        "1.0.dev1",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0rc1",
        "1.0",
        "1.0.post1",
        "1.0.1",
        "1.2",
        "1.10",
        "2.0.0-rc.1",
        "2",
    ];
    for pair in ordered.windows(2) {
        assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
    }
    assert_eq!(version("v1.0"), version("1.0.0+build.5"));
}

#[test]
fn ranges_hold_what_they_say() {
    for (range, inside, outside) in [
        (
            "2.17.x",
            vec!["2.17.0", "2.17.99"],
            vec!["2.18.0", "2.16.9", "2.17.1-rc.1"],
        ),
        ("1.7", vec!["1.7", "1.7.0", "1.7.9"], vec!["1.70.0", "1.8"]),
        ("1.7.0", vec!["1.7.0", "1.7"], vec!["1.7.1"]),
        (
            "^1.2",
            vec!["1.2.0", "1.99"],
            vec!["2.0.0", "1.1.9", "2.0.0-rc.1"],
        ),
        ("^0.2.3", vec!["0.2.3", "0.2.9"], vec!["0.3.0", "0.2.2"]),
        ("^0.0.3", vec!["0.0.3"], vec!["0.0.4"]),
        ("~1.2", vec!["1.2.9"], vec!["1.3.0"]),
        ("~1", vec!["1.9"], vec!["2"]),
        ("~=1.4.5", vec!["1.4.5", "1.4.9"], vec!["1.5.0", "1.4.4"]),
        (">=1.2 <2", vec!["1.2", "1.9.9"], vec!["2.0", "1.1"]),
        (">=1.2,<2,!=1.5.0", vec!["1.4"], vec!["1.5.0"]),
        ("1.x || 3", vec!["1.5", "3.1"], vec!["2.0"]),
        (">1.2", vec!["1.3"], vec!["1.2.9"]),
        ("<=1.2", vec!["1.2.9"], vec!["1.3"]),
        ("*", vec!["0.1"], vec!["1.0-rc1"]),
        ("", vec!["9"], vec![]),
        (
            ">=2.0.0-rc.1",
            vec!["2.0.0-rc.2", "2.0.0", "3.0"],
            vec!["3.0.0-rc.1"],
        ),
        ("1.0.0-beta.2", vec!["1.0.0-beta.2"], vec!["1.0.0"]),
        ("==2.1.*", vec!["2.1.4"], vec!["2.2"]),
    ] {
        let parsed = Range::parse(range).unwrap();
        for one in inside {
            assert!(parsed.holds(&version(one)), "{range} holds {one}");
        }
        for one in outside {
            assert!(!parsed.holds(&version(one)), "{range} does not hold {one}");
        }
    }
}

#[test]
fn what_is_no_range_is_refused_with_examples() {
    for text in [
        "one",
        ">>1",
        "1..2",
        "^",
        "1.x.3",
        "1 ||",
        &"1 ".repeat(40),
        &"9".repeat(300),
        "\u{1b}[31m",
    ] {
        let refusal = Range::parse(text).unwrap_err();
        assert!(refusal.contains("expected one such as 2.17.x"), "{refusal}");
        assert!(!refusal.contains('\u{1b}'), "{refusal}");
    }
}

/// Whether a version is held, given the range's own numbers.
type Meaning = fn([u64; 3], [u64; 3]) -> bool;

/// A range and what it means, said without ranges: by three numbers alone.
fn modelled() -> impl Strategy<Value = (String, Meaning, [u64; 3])> {
    let numbers = [0_u64..3, 0..3, 0..3];
    let kinds: [(&str, Meaning); 8] = [
        ("", |v, b| v == b),
        (">=", |v, b| v >= b),
        ("<", |v, b| v < b),
        (">", |v, b| v > b),
        ("<=", |v, b| v <= b),
        ("!=", |v, b| v != b),
        ("~", |v, b| v >= b && v[..2] == b[..2]),
        ("^", |v, b| {
            v >= b
                && match b {
                    [0, 0, patch] => v == [0, 0, patch],
                    [0, minor, _] => v[..2] == [0, minor],
                    [major, ..] => v[0] == major,
                }
        }),
    ];
    (prop::sample::select(kinds.to_vec()), numbers).prop_map(|((operator, meaning), [a, b, c])| {
        (format!("{operator}{a}.{b}.{c}"), meaning, [a, b, c])
    })
}

proptest! {
    #[test]
    fn ranges_agree_with_a_model_on_every_small_version(
        ranges in prop::collection::vec(prop::collection::vec(modelled(), 1..4), 1..3)
    ) {
        let text: Vec<String> = ranges
            .iter()
            .map(|all| all.iter().map(|(text, ..)| text.clone()).collect::<Vec<_>>().join(" "))
            .collect();
        let range = Range::parse(&text.join(" || ")).unwrap();
        for code in 0..64 {
            let numbers = [code / 16, code / 4 % 4, code % 4];
            let expected = ranges
                .iter()
                .any(|all| all.iter().all(|(_, meaning, bound)| meaning(numbers, *bound)));
            let version = version(&format!("{}.{}.{}", numbers[0], numbers[1], numbers[2]));
            prop_assert_eq!(range.holds(&version), expected, "{} in {}", version, range);
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,40}", near in "[0-9xv.*^~<>=!| ,a-c-]{0,24}") {
        for text in [text, near] {
            let version = Version::parse(&text);
            if let (Ok(range), Some(version)) = (Range::parse(&text), version) {
                let _ = range.holds(&version);
            }
        }
    }

    #[test]
    fn the_order_is_total(texts in prop::collection::vec("[0-2](\\.[0-2]){0,2}(-(a|rc)[0-2])?", 3)) {
        let mut versions: Vec<Version> = texts.iter().map(|text| version(text)).collect();
        versions.sort();
        prop_assert!(versions[0] <= versions[2]);
    }
}
