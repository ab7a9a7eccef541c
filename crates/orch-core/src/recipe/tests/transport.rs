use std::collections::BTreeMap;
use std::time::Duration;

use crate::recipe::{Recipe, Step, parse};

#[test]
fn a_step_travels_as_json_and_back() {
    let step = Step {
        name: Some("deploy".to_owned()),
        run: "make deploy".to_owned(),
        env: BTreeMap::from([("STAGE".to_owned(), "prod".to_owned())]),
        timeout: Some(Duration::from_millis(1_500)),
        cwd: Some("./deploy".to_owned()),
        idempotent: Some(false),
        ..Step::default()
    };
    let json = serde_json::to_value(&step).unwrap();
    let expected = serde_json::json!({
        "name": "deploy",
        "run": "make deploy",
        "env": {"STAGE": "prod"},
        "timeout": 1.5,
        "cwd": "./deploy",
        "idempotent": false,
    });
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<Step>(json).unwrap(), step);
}

#[test]
fn empty_parts_are_left_out_and_whole_seconds_are_integers() {
    let step = Step {
        timeout: Some(Duration::from_secs(60)),
        ..Step::command("make")
    };
    assert_eq!(
        serde_json::to_string(&step).unwrap(),
        r#"{"run":"make","timeout":60}"#
    );
}

#[test]
fn every_timeout_survives_the_journey() {
    for milliseconds in [1, 999, 1_001, 1_234_567, 2_591_999_999, 2_592_000_000] {
        let step = Step {
            timeout: Some(Duration::from_millis(milliseconds)),
            ..Step::command("a")
        };
        let json = serde_json::to_string(&step).unwrap();
        assert_eq!(serde_json::from_str::<Step>(&json).unwrap(), step, "{json}");
    }
}

#[test]
fn a_recipe_travels_as_json_and_back() {
    let yaml = "name: a\nversion: 1.10\nsource: {url: 'https://a/b', checksum: 'sha256:ab'}\npermissions: {network: [a.b], filesystem: [/w], capabilities: [docker]}\ntools: [{name: t, version: 1.0, checksum: 'sha256:cd', env: {A: 1.10}, network: true}]\nsteps: [make, {run: x, timeout: 0.25}]\n";
    let recipe = parse(yaml).unwrap();
    let json = serde_json::to_string(&recipe).unwrap();
    assert_eq!(
        serde_json::from_str::<Recipe>(&json).unwrap(),
        recipe,
        "{json}"
    );
}

#[test]
fn json_obeys_the_rules_of_yaml() {
    for (json, part) in [
        (
            r#"{"run":"a","cwd":"/etc"}"#,
            "step.cwd: `/etc` is an absolute path",
        ),
        (
            r#"{"run":"a","timeout":-1}"#,
            "step.timeout: a negative timeout (-1)",
        ),
        (
            r#"{"run":"a","timeout":1e300}"#,
            "step.timeout: a timeout of 1e300 seconds is too long",
        ),
        (
            r#"{"run":"a","evn":{}}"#,
            "unknown key `evn`; did you mean `env`?",
        ),
        (r#"{"run":"a","run":"b"}"#, "key `run` stands twice"),
        (
            r#"{"run":"a\u0000"}"#,
            "step.run: the text contains a NUL byte",
        ),
        (
            r#"{"run":"a","env":{"A B":"x"}}"#,
            "is no environment variable name",
        ),
        (
            "3",
            "step: expected a command or a mapping with `run`, got the number 3",
        ),
    ] {
        let error = serde_json::from_str::<Step>(json).unwrap_err().to_string();
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
    let long = format!(r#"{{"run":"{}"}}"#, "x".repeat(65_537));
    assert!(serde_json::from_str::<Step>(&long).is_err());
}
