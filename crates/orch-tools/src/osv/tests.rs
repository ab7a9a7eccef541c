use std::fs;

use super::{Database, Severity, cvss};
use crate::{Digest, Kind, Locked, Pinned};

fn tool(kind: Kind, name: &str, version: &str) -> Locked {
    Locked {
        name: name.to_owned(),
        version: version.to_owned(),
        entry: Digest::of(b""),
        kind,
        files: vec![Pinned {
            name: name.to_owned(),
            version: version.to_owned(),
            url: "https://a.example/x".to_owned(),
            sha256: Digest::of(b""),
            size: None,
            integrity: None,
            needs: std::collections::BTreeMap::new(),
        }],
        bin: std::collections::BTreeMap::new(),
        strip: None,
        signed_by: None,
    }
}

fn record(ecosystem: &str, name: &str, events: &str, more: &str) -> String {
    format!(
        r#"{{"id":"T-1","summary":"bad","affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},
        "ranges":[{{"type":"ECOSYSTEM","events":[{events}]}}],"versions":["9.9"]}}]{more}}}"#
    )
}

fn ids(record: &str, kind: Kind, name: &str, version: &str) -> Vec<(String, Option<Severity>)> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.json"), record).unwrap();
    fs::write(folder.path().join("broken.json"), "{").unwrap();
    let verdict = Database::new(folder.path())
        .check(&tool(kind, name, version))
        .unwrap();
    verdict
        .findings
        .into_iter()
        .map(|finding| (finding.id, finding.severity))
        .collect()
}

#[test]
fn a_version_is_affected_between_its_events() {
    let events =
        r#"{"introduced":"0"},{"fixed":"1.5.0"},{"introduced":"2.0.0"},{"last_affected":"2.3.0"}"#;
    for (version, affected) in [
        ("1.0.0-rc.1", true),
        ("1.4.9", true),
        ("1.5.0", false),
        ("1.9.0", false),
        ("2.0.0", true),
        ("2.3.0", true),
        ("2.3.1", false),
        ("9.9", true),
    ] {
        let found = ids(
            &record("npm", "left", events, ""),
            Kind::Npm,
            "left",
            version,
        );
        assert_eq!(!found.is_empty(), affected, "{version}");
    }
    let npm = record("npm", "left", events, "");
    assert_eq!(ids(&npm, Kind::Npm, "left-pad", "1.0.0"), []);
    assert_eq!(ids(&npm, Kind::Pypi, "left", "1.0.0"), []);
    let python = record("PyPI", "My.Package", events, "");
    assert_eq!(ids(&python, Kind::Pypi, "my-package", "1.0.0").len(), 1);
    let debian = record(
        "Debian:12",
        "curl",
        r#"{"introduced":"0"},{"fixed":"7.88.1-10+deb12u6"}"#,
        "",
    );
    assert_eq!(ids(&debian, Kind::Apt, "curl", "7.74.0-1").len(), 1);
    assert_eq!(
        ids(
            &record(
                "npm",
                "left",
                events,
                r#","withdrawn":"2024-01-01T00:00:00Z""#
            ),
            Kind::Npm,
            "left",
            "1.0.0"
        ),
        []
    );
}

#[test]
fn severity_comes_from_words_or_vectors_and_none_counts_as_the_worst() {
    let events = r#"{"introduced":"0"}"#;
    for (more, expected) in [
        (
            r#","database_specific":{"severity":"MODERATE"}"#,
            Some(Severity::Medium),
        ),
        (
            r#","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]"#,
            Some(Severity::Critical),
        ),
        ("", None),
    ] {
        assert_eq!(
            ids(
                &record("npm", "left", events, more),
                Kind::Npm,
                "left",
                "1.0.0"
            )[0]
            .1,
            expected
        );
    }
    for (vector, expected) in [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.0/AV:L/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:L", 1.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
    ] {
        assert_eq!(cvss::score(vector), Some(expected), "{vector}");
    }
    assert_eq!(cvss::score("CVSS:4.0/AV:N"), None);
}
