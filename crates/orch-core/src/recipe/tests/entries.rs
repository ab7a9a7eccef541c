use crate::recipe::{Recipe, Registry, parse, parse_entry};

const ENTRY: &str = "name: opentofu
version: 1.7.0
sources:
  linux/amd64: {url: 'https://a.example/tofu_amd64.zip', checksum: 'sha256:ab'}
  linux/arm64: {url: 'https://a.example/tofu_arm64.zip'}
bin: {tofu: dist/tofu}
strip: 1
sbom: tofu.cdx.json
";

fn refusal(yaml: &str) -> String {
    parse_entry(yaml).unwrap_err().to_string()
}

#[test]
fn an_entry_needs_no_steps_and_travels_as_json_and_back() {
    let entry = parse_entry(ENTRY).unwrap();
    assert_eq!(entry.offer.bin["tofu"], "dist/tofu");
    assert_eq!(entry.offer.sources.len(), 2);
    assert_eq!(entry.offer.strip, Some(1));
    let json = serde_json::to_string(&entry).unwrap();
    assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), entry);
    // The same text is no work.
    assert!(
        parse(ENTRY)
            .unwrap_err()
            .to_string()
            .contains("neither tools nor steps")
    );
}

#[test]
fn packages_are_written_with_and_without_a_version() {
    for (spelt, registry, name, version) in [
        ("npm: prettier", Registry::Npm, "prettier", None),
        (
            "npm: '@openai/codex@0.1.x'",
            Registry::Npm,
            "@openai/codex",
            Some("0.1.x"),
        ),
        (
            "pypi: poetry@>=2 <3",
            Registry::Pypi,
            "poetry",
            Some(">=2 <3"),
        ),
        ("crate: ripgrep", Registry::Crate, "ripgrep", None),
        (
            "apt: g++@4:12.2.0-3",
            Registry::Apt,
            "g++",
            Some("4:12.2.0-3"),
        ),
    ] {
        let entry = parse_entry(&format!("name: t\npackage: {{{spelt}}}\n")).unwrap();
        let package = entry.offer.package.clone().unwrap();
        assert_eq!(
            (
                package.registry,
                package.name.as_str(),
                package.version.as_deref()
            ),
            (registry, name, version)
        );
        let json = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), entry);
    }
}

#[test]
fn programs_are_a_path_a_list_or_a_mapping() {
    for (bin, expected) in [
        ("tofu", vec![("tofu", "tofu")]),
        ("[a, bin/b]", vec![("a", "a"), ("b", "bin/b")]),
        ("{aws: dist/aws}", vec![("aws", "dist/aws")]),
    ] {
        let entry = parse_entry(&format!("name: t\npackage: {{npm: p}}\nbin: {bin}\n")).unwrap();
        let got: Vec<(&str, &str)> = entry.offer.bin.iter().map(|(a, b)| (&**a, &**b)).collect();
        assert_eq!(got, expected);
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_the_nearest_key() {
    let with = |line: &str| format!("name: t\npackage: {{npm: p}}\n{line}\n");
    for (yaml, expected) in [
        (
            "version: 1\npackage: {npm: p}\n".to_owned(),
            "`name` is missing",
        ),
        (
            "name: t\n".to_owned(),
            "expected `source`, `sources` or `package`",
        ),
        (
            with("bim: a"),
            "bim (line 3, column 1): unknown key `bim`; did you mean `bin`?",
        ),
        (
            with("bin: ../x"),
            "bin (line 3, column 6): `../x` is no path inside the unpacked folder",
        ),
        (
            with("bin: /x"),
            "`/x` is no path inside the unpacked folder",
        ),
        (with("bin: {'a b': x}"), "`a b` is no program name"),
        (with("bin: [a/x, b/x]"), "program `x` stands twice"),
        (
            with("strip: 17"),
            "expected how many leading folders to leave out, 0 to 16",
        ),
        (
            with("sources: {linux/amd65: {url: 'https://a/b'}}"),
            "did you mean `linux/amd64`?",
        ),
        (
            "name: t\npackage: {npm: p, pypi: q}\n".to_owned(),
            "expected exactly one package",
        ),
        (
            "name: t\npackage: {gem: p}\n".to_owned(),
            "known keys are npm, pypi, crate, apt",
        ),
        (
            "name: t\npackage: {npm: p@}\n".to_owned(),
            "nothing follows the `@`",
        ),
        (
            "name: '../t'\npackage: {npm: p}\n".to_owned(),
            "`../t` is no tool name",
        ),
    ] {
        let refusal = refusal(&yaml);
        assert!(refusal.contains(expected), "{refusal}");
    }
}
