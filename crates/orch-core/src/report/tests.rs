//! Samples of what tools write, and hostile bytes.

use proptest::prelude::{any, prop_assert, proptest};
use serde_json::{Value, json};

use super::{MAX_NAMED, recognise};

fn read(text: &str) -> Value {
    serde_json::to_value(recognise(text.as_bytes())).unwrap()
}

const JUNIT: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<testsuites tests="99"><testsuite name="pytest" errors="0">
<testcase classname="tests.test_a" name="ok" time="0.25"/>
<testcase classname="tests.test_a" name="bad[&lt;x&gt;]" time="0.5"><failure message="assert 1 == 2">trace</failure></testcase>
<testcase name="broken"><error><![CDATA[boom
here]]></error></testcase>
<testcase name="later"><skipped message="why"/></testcase>
</testsuite></testsuites>"#;

#[test]
fn junit_counts_the_cases_that_are_there_and_names_the_failed() {
    assert_eq!(
        read(JUNIT),
        json!({"format": "junit", "tests": 4, "failures": 1, "errors": 1, "skipped": 1, "seconds": 0.75, "failed": [
            {"name": "tests.test_a::bad[<x>]", "message": "assert 1 == 2"},
            {"name": "broken", "message": "boom here"},
        ]})
    );
    assert_eq!(read("\u{feff} <testsuite/>")["tests"], 0);
}

#[test]
fn sarif_counts_by_level_and_names_the_gravest_first() {
    let sarif = json!({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [
        {"tool": {"driver": {"name": "semgrep", "rules": [{"id": "a"}]}}, "results": [
            {"ruleId": "a", "message": {"text": "note it"}, "level": "note"},
            {"ruleId": "b", "message": {"text": "look\nhere"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "src/a.py"}, "region": {"startLine": 7}}}]},
            {"ruleId": "c", "message": {"text": "bad"}, "level": "error"},
            {"ruleId": "d", "message": {"text": "set aside"}, "level": "error", "suppressions": [{"kind": "inSource"}]},
        ]},
        {"tool": {"driver": {"name": "other"}}, "results": null},
    ]});
    let read = read(&sarif.to_string());
    assert_eq!(read["tools"], json!(["semgrep", "other"]));
    assert_eq!(read["levels"], json!({"error": 1, "warning": 1, "note": 1}));
    assert_eq!(
        read["top"][1],
        json!({"level": "warning", "rule": "b", "message": "look here", "place": "src/a.py:7"})
    );
    assert_eq!(
        (&read["results"], &read["top"][0]["rule"]),
        (&json!(3), &json!("c"))
    );
}

/// The levels of one run's results.
fn levels(tool: Value, results: Value) -> Value {
    // Results before the tool, as some write them.
    let run = format!("{{\"results\": {results}, \"tool\": {tool}}}");
    read(&format!("{{\"version\": \"2.1.0\", \"runs\": [{run}]}}"))["levels"].clone()
}

#[test]
fn a_sarif_result_without_a_level_has_its_rules() {
    let rule = |id: &str, level: &str| json!({"id": id, "defaultConfiguration": {"level": level}});
    let tool = json!({
        "driver": {"name": "t", "rules": [rule("A", "error"), {"id": "B"}, rule("C", "note"), rule("D", "none")]},
        "extensions": [{"name": "e", "rules": [rule("X", "error")]}],
    });
    for (result, level) in [
        (json!({"ruleId": "A"}), "error"),
        (json!({"ruleId": "A/1/2"}), "error"),
        (json!({"ruleId": "A", "level": "note"}), "note"),
        (json!({"ruleId": "B"}), "warning"),
        (json!({"ruleIndex": 2}), "note"),
        (json!({"ruleIndex": -1, "ruleId": "D"}), "none"),
        (json!({"rule": {"id": "C"}}), "note"),
        (json!({"rule": {"index": 0}}), "error"),
        (
            json!({"rule": {"index": 0, "toolComponent": {"index": 0}}}),
            "error",
        ),
        (
            json!({"rule": {"id": "X", "toolComponent": {"index": 0}}}),
            "error",
        ),
        (
            json!({"rule": {"id": "X", "toolComponent": {"index": 9}}}),
            "warning",
        ),
        (json!({"ruleId": "unknown"}), "warning"),
        (json!({"ruleId": "A", "level": "fatal"}), "warning"),
        (json!({"ruleId": "A", "kind": "fail"}), "error"),
    ] {
        let found = levels(tool.clone(), json!([result]));
        assert_eq!(found, json!({ level: 1 }), "{result}");
    }
}

#[test]
fn a_sarif_result_that_is_no_open_failure_is_no_finding() {
    let suppressed = |statuses: &[Option<&str>]| {
        let list: Vec<Value> = statuses
            .iter()
            .map(|status| json!({"kind": "external", "status": status}))
            .collect();
        json!({"level": "error", "suppressions": list})
    };
    for result in [
        json!({"level": "none", "kind": "pass"}),
        json!({"kind": "notApplicable"}),
        json!({"kind": "informational"}),
        json!({"level": "error", "baselineState": "absent"}),
        suppressed(&[None]),
        suppressed(&[Some("accepted")]),
        suppressed(&[Some("accepted"), None]),
    ] {
        assert_eq!(levels(json!({}), json!([result])), json!({}), "{result}");
    }
    for result in [
        suppressed(&[]),
        suppressed(&[Some("rejected")]),
        suppressed(&[Some("underReview")]),
        suppressed(&[Some("accepted"), Some("rejected")]),
    ] {
        assert_eq!(
            levels(json!({}), json!([result])),
            json!({"error": 1}),
            "{result}"
        );
    }
}

#[test]
fn what_a_junit_suite_fails_with_itself_is_counted_and_named() {
    let text = "<testsuites><testsuite name='db'><error message='no database'/><failure>late\n</failure>\
                <testcase name='a'/><properties><error/></properties></testsuite></testsuites>";
    let read = read(text);
    assert_eq!(
        (&read["tests"], &read["errors"], &read["failures"]),
        (&json!(3), &json!(1), &json!(1))
    );
    assert_eq!(
        read["failed"],
        json!([{"name": "db", "message": "no database"}, {"name": "db", "message": "late"}])
    );
}

#[test]
fn times_that_cannot_be_are_no_times() {
    let case = |time: &str| format!("<testcase name='a' time='{time}'/>");
    let cases = ["1e308", "1e308", "inf", "NaN", "-1", "0.5"].map(case);
    let read = read(&format!("<testsuite>{}</testsuite>", cases.concat()));
    assert_eq!(read["seconds"], 0.5);
}

#[test]
fn a_report_in_utf16_is_told_as_not_readable() {
    let text = "<?xml version=\"1.0\" encoding=\"utf-16\"?>\n<testsuite><testcase/></testsuite>";
    for mark in ["", "\u{feff}"] {
        let units: Vec<u16> = format!("{mark}{text}").encode_utf16().collect();
        for bytes in [
            units
                .iter()
                .flat_map(|unit| unit.to_le_bytes())
                .collect::<Vec<u8>>(),
            units.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
        ] {
            let read = serde_json::to_value(recognise(&bytes)).unwrap();
            assert_eq!(
                read,
                json!({"format": "unreadable", "of": "junit", "why": "it is UTF-16; reports are read as UTF-8"})
            );
        }
    }
    assert_eq!(recognise(b"\xff\xfeh\0i\0"), None);
}

#[test]
fn more_lines_that_ran_than_a_file_has_do_not_cover_another() {
    let lcov = "TN:\nSF:a\nLF:1\nLH:100\nend_of_record\nSF:b\nLF:9\nLH:0\nend_of_record\n";
    assert_eq!(read(lcov)["covered"], 1);
}

#[test]
fn coverage_is_read_in_three_formats() {
    let lcov = "TN:\nSF:a.rs\nDA:1,1\nDA:2,0\nLF:4\nLH:3\nend_of_record\nSF:b.rs\nDA:1,5\r\nDA:2,0\nend_of_record\n";
    assert_eq!(
        read(lcov),
        json!({"format": "coverage", "source": "lcov", "lines": 6, "covered": 4, "percent": 66.67})
    );
    let cobertura = r#"<?xml version="1.0"?><!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage line-rate="0.5"><packages><package><classes><class><methods><method><lines><line number="1" hits="1"/></lines></method></methods>
<lines><line number="1" hits="1"/><line number="2" hits="0"/></lines></class></classes></package></packages></coverage>"#;
    assert_eq!(read(cobertura)["percent"], 50.0);
    assert_eq!(read(cobertura)["lines"], 2);
    assert_eq!(
        read("<coverage generated='1'><project/></coverage>"),
        Value::Null
    );
    let python = r#"{"meta": {"format": 3}, "files": {}, "totals": {"covered_lines": 9, "num_statements": 10, "percent_covered": 90.0}}"#;
    assert_eq!(read(python)["percent"], 90.0);
}

#[test]
fn cyclonedx_counts_components_within_components_and_their_licences() {
    let bom = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "vulnerabilities": [{}], "components": [
        {"name": "a", "licenses": [{"license": {"id": "MIT"}}]},
        {"name": "b", "licenses": [{"expression": "MIT OR Apache-2.0"}], "components": [{"name": "c", "licenses": [{"license": {"name": "MIT"}}]}]},
        {"name": "d"},
    ]});
    assert_eq!(
        read(&bom.to_string()),
        json!({"format": "cyclonedx", "components": 4, "vulnerabilities": 1, "unlicensed": 1, "licences": {"MIT": 2, "MIT OR Apache-2.0": 1}})
    );
}

#[test]
fn what_is_no_report_is_none_whatever_it_is_called() {
    for text in [
        "",
        "  ",
        "hello",
        "{}",
        "[1]",
        "<html></html>",
        "<",
        "{\"runs\": 1",
        "SF:",
        "TN:x",
    ] {
        assert_eq!(read(text), Value::Null, "{text}");
    }
}

#[test]
fn hostile_files_are_refused_with_a_reason() {
    let laughs = "<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]><testsuite><testcase name='&b;'/></testsuite>";
    let deep = format!("<testsuite>{}", "<x>".repeat(100_000));
    let cut = "<testsuite><testcase name='a'>";
    let nested = format!(
        "{{\"bomFormat\": \"CycloneDX\", \"components\": {}",
        "[".repeat(100_000)
    );
    for (text, why) in [
        (laughs, "declares entities of its own"),
        (&deep, "nested deeper than 64"),
        (cut, "ends within an element"),
        (&nested, "line 1 column"),
    ] {
        let read = read(text);
        assert_eq!(read["format"], "unreadable", "{read}");
        let said = read["why"].as_str().unwrap();
        assert!(said.contains(why), "`{why}` is not in: {said}");
    }
    let entity =
        "<testsuite><testcase name='a&unknown;b'><failure>x</failure></testcase></testsuite>";
    assert_eq!(read(entity)["failed"][0]["name"], "a&unknown;b");
}

#[test]
fn many_and_long_texts_are_cut() {
    let case = format!(
        "<testcase name='{}'><failure message='\u{1b}[31mred'/></testcase>",
        "n".repeat(5_000)
    );
    let read = read(&format!("<testsuite>{}</testsuite>", case.repeat(500)));
    assert_eq!(read["failures"], 500);
    let failed = read["failed"].as_array().unwrap();
    assert_eq!(failed.len(), MAX_NAMED);
    assert_eq!(failed[0]["name"].as_str().unwrap().chars().count(), 301);
    assert_eq!(failed[0]["message"], " [31mred");
}

proptest! {
    #[test]
    fn no_bytes_fail_in_another_way_than_by_a_message(bytes in any::<Vec<u8>>(), at in any::<usize>(), which in 0..5_usize) {
        let sarif = r#"{"version": "2.1.0", "runs": [{"results": [{"level": "error", "locations": [{}]}]}]}"#;
        let bom = r#"{"bomFormat": "CycloneDX", "components": [{"licenses": [{"license": {"id": "MIT"}}]}]}"#;
        let cobertura = "<coverage line-rate='1'><line hits='1'/></coverage>";
        let sample = [JUNIT, sarif, bom, cobertura, "SF:a\nDA:1,1\nend_of_record\n"][which];
        let mut hostile = sample.as_bytes().to_vec();
        let at = at % hostile.len();
        hostile.splice(at..(at + bytes.len()).min(sample.len()), bytes.iter().copied());
        for input in [&bytes, &hostile] {
            let read = serde_json::to_string(&recognise(input)).unwrap();
            prop_assert!(read.len() < 100_000);
        }
    }
}
