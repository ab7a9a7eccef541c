use std::collections::BTreeMap;
use std::time::Duration;

use crate::recipe::{Checksum, Network, Permissions, Recipe, Source, Step, Tool, parse};

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn checksum(text: &str) -> Option<Checksum> {
    Some(text.parse().unwrap())
}

fn one_step(yaml: &str) -> Step {
    let recipe = parse(yaml).unwrap_or_else(|error| panic!("{yaml}\n{error}"));
    assert_eq!(recipe.steps.len(), 1, "{yaml}");
    recipe.steps.into_iter().next().unwrap()
}

#[test]
fn the_documents_own_example_is_valid() {
    let yaml = r#"
tools:
  - name: awscli
    version: 2.15.0
    checksum: sha256:deadbeef
    env: { AWS_DEFAULT_REGION: us-east-1 }
    network: true
  - name: opentofu
    version: 1.7.0
    network: false
steps:
  - echo "build"
  - echo "test"
  - run: echo "deploy"
    env: { STAGE: prod }
    timeout: 60
    cwd: ./deploy
"#;
    let expected = Recipe {
        tools: vec![
            Tool {
                name: "awscli".to_owned(),
                version: Some("2.15.0".to_owned()),
                checksum: checksum("sha256:deadbeef"),
                env: env(&[("AWS_DEFAULT_REGION", "us-east-1")]),
                network: Network::Open,
            },
            Tool {
                name: "opentofu".to_owned(),
                version: Some("1.7.0".to_owned()),
                checksum: None,
                env: env(&[]),
                network: Network::Denied,
            },
        ],
        steps: vec![
            Step::command("echo \"build\""),
            Step::command("echo \"test\""),
            Step {
                name: None,
                run: "echo \"deploy\"".to_owned(),
                env: env(&[("STAGE", "prod")]),
                timeout: Some(Duration::from_secs(60)),
                cwd: Some("./deploy".to_owned()),
                ..Step::default()
            },
        ],
        ..Recipe::default()
    };
    assert_eq!(parse(yaml).unwrap(), expected);
    assert!(!expected.tools[0].checksum.as_ref().unwrap().is_complete());
}

#[test]
fn the_catalog_form_is_valid() {
    let yaml = r#"
name: awscli
version: 2.17.x
source:
  url: https://awscli.amazonaws.com/awscli-exe-linux-x86_64.zip
  checksum: SHA256:ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789
steps:
  - run: unzip awscli-exe-linux-x86_64.zip && ./aws/install
permissions:
  network: ["S3.amazonaws.com", "*.example.com:8443", "[::1]:80"]
  filesystem: ["/workspace"]
  capabilities: []
"#;
    let full = "sha256:abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789";
    let expected = Recipe {
        name: Some("awscli".to_owned()),
        version: Some("2.17.x".to_owned()),
        source: Some(Source {
            url: "https://awscli.amazonaws.com/awscli-exe-linux-x86_64.zip".to_owned(),
            checksum: checksum(full),
        }),
        permissions: Some(Permissions {
            network: Network::Hosts(vec![
                "s3.amazonaws.com".to_owned(),
                "*.example.com:8443".to_owned(),
                "[::1]:80".to_owned(),
            ]),
            filesystem: vec!["/workspace".to_owned()],
            capabilities: Vec::new(),
        }),
        tools: Vec::new(),
        steps: vec![Step::command(
            "unzip awscli-exe-linux-x86_64.zip && ./aws/install",
        )],
        ..Recipe::default()
    };
    let recipe = parse(yaml).unwrap();
    assert_eq!(recipe, expected);
    let checksum = recipe.source.unwrap().checksum.unwrap();
    assert!(checksum.is_complete());
    assert_eq!(checksum.to_string(), full);
}

#[test]
fn tools_without_steps_are_a_recipe() {
    let recipe = parse("tools:\n  - name: opentofu\n    version: 1.7.0\nsteps:\n").unwrap();
    assert_eq!((recipe.tools.len(), recipe.steps.len()), (1, 0));
}

#[test]
fn versions_keep_the_text_they_were_written_with() {
    for (written, read) in [
        ("1.10", "1.10"),
        ("1.7.0", "1.7.0"),
        ("2", "2"),
        ("1e3", "1e3"),
        ("0x10", "0x10"),
        ("'1.10'", "1.10"),
        ("!!str 1.10", "1.10"),
        ("true", "true"),
    ] {
        let recipe = parse(&format!("version: {written}\nsteps: [a]")).unwrap();
        assert_eq!(recipe.version.as_deref(), Some(read), "{written}");
    }
}

#[test]
fn a_tool_is_wanted_in_a_range_or_in_a_version_of_debian() {
    for version in [
        "1.7.0",
        "2.17.x",
        "^1.2",
        "'>=1.2 <2 || 3'",
        "latest",
        "'*'",
        "2.0.0-rc.1",
        "1:2.36.1-8+deb11u1",
        "7.88.1-10+deb12u5",
        "1.6~rc1-2",
    ] {
        let recipe = parse(&format!("tools: [{{name: a, version: {version}}}]"));
        assert!(recipe.is_ok(), "{version}: {recipe:?}");
    }
    for version in ["'^^1'", "newest please", "'>=>1'", "'1:2 || x'", "true"] {
        let refused = parse(&format!("tools: [{{name: a, version: {version}}}]"));
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.contains("tools[0].version") && refused.contains("is no version range"),
            "{refused}"
        );
    }
}

#[test]
fn variables_keep_the_text_they_were_written_with() {
    let step = one_step(
        "steps:\n - run: a\n   env: {A: 1.10, B: true, C: 1.7.0, D: \"\", E: 0o17, F: .inf, _g: 'null', H: False}",
    );
    let expected = [
        ("A", "1.10"),
        ("B", "true"),
        ("C", "1.7.0"),
        ("D", ""),
        ("E", "0o17"),
        ("F", ".inf"),
        ("_g", "null"),
        ("H", "False"),
    ];
    assert_eq!(step.env, env(&expected));
}

#[test]
fn steps_come_as_text_block_or_mapping() {
    for (yaml, run) in [
        ("steps: [make]", "make"),
        ("steps: [true]", "true"),
        ("steps:\n - run: false", "false"),
        ("steps:\n - |\n  set -e\n  make\n", "set -e\nmake\n"),
        ("steps:\n - >-\n  make\n  all\n", "make all"),
        ("steps: [\"echo \\u00e9\"]", "echo é"),
        ("\u{feff}steps: [make]", "make"),
        ("--- # recipe\nsteps: [make]\n...\n", "make"),
        ("steps:\r\n  - make\r\n", "make"),
    ] {
        assert_eq!(one_step(yaml), Step::command(run), "{yaml}");
    }
    let step = one_step("steps:\n - name: 7\n   run: make\n   cwd: ~\n   env:\n   timeout: null\n");
    let expected = Step {
        name: Some("7".to_owned()),
        ..Step::command("make")
    };
    assert_eq!(step, expected);
}

#[test]
fn timeouts_are_seconds_to_the_millisecond() {
    for (written, milliseconds) in [
        ("60", 60_000),
        ("0.5", 500),
        ("1.2345", 1_235),
        ("1e2", 100_000),
        ("0x10", 16_000),
        ("+3", 3_000),
        ("0.001", 1),
        ("2592000", 2_592_000_000),
    ] {
        let step = one_step(&format!("steps: [{{run: a, timeout: {written}}}]"));
        let expected = Some(Duration::from_millis(milliseconds));
        assert_eq!(step.timeout, expected, "{written}");
    }
}

#[test]
fn a_folder_inside_the_workspace_is_kept_and_resolved() {
    for (cwd, folder) in [
        ("./deploy", "deploy"),
        ("a/../b", "b"),
        (".", "."),
        ("a/b/", "a/b"),
        ("a/./b/../..", "."),
        ("..a", "..a"),
        ("a b/ü", "a b/ü"),
    ] {
        let step = one_step(&format!("steps: [{{run: a, cwd: '{cwd}'}}]"));
        assert_eq!(step.cwd.as_deref(), Some(cwd));
        assert_eq!(step.folder(), folder, "{cwd}");
    }
    assert_eq!(Step::command("a").folder(), ".");
}

#[test]
fn network_is_a_switch_or_hosts() {
    for (written, network) in [
        ("true", Network::Open),
        ("false", Network::Denied),
        ("[]", Network::Denied),
        ("", Network::Denied),
        (
            "[a.b, '10.0.0.1:80']",
            Network::Hosts(vec!["a.b".to_owned(), "10.0.0.1:80".to_owned()]),
        ),
    ] {
        let recipe = parse(&format!("tools:\n - name: a\n   network: {written}\n")).unwrap();
        assert_eq!(recipe.tools[0].network, network, "{written}");
    }
}

#[test]
fn aliases_and_merge_keys_are_followed() {
    let yaml = r"
tools:
  - name: a
    env: &common { A: 1, B: 2 }
steps:
  - run: &cmd make
    env:
      <<: *common
      B: 3
  - *cmd
  - run: x
    env: { <<: [{ A: 9 }, *common] }
";
    let recipe = parse(yaml).unwrap();
    assert_eq!(recipe.steps[0].env, env(&[("A", "1"), ("B", "3")]));
    assert_eq!(recipe.steps[1], Step::command("make"));
    assert_eq!(recipe.steps[2].env, env(&[("A", "9"), ("B", "2")]));
}

#[test]
fn the_bounds_themselves_are_allowed() {
    let steps = format!("steps: [{}]", vec!["a"; 1_000].join(","));
    assert_eq!(parse(&steps).unwrap().steps.len(), 1_000);
    let tools: Vec<String> = (0..200).map(|n| format!("{{name: t{n}}}")).collect();
    let recipe = parse(&format!("tools: [{}]", tools.join(","))).unwrap();
    assert_eq!(recipe.tools.len(), 200);
    let long = "x".repeat(64 * 1024);
    assert_eq!(one_step(&format!("steps:\n  - {long}")).run, long);
    let padding = "#".repeat(256 * 1024 - "steps: [a]\n".len());
    assert_eq!(one_step(&format!("steps: [a]\n{padding}")).run, "a");
    let aliases = format!("steps: [&a make{}]", ", *a".repeat(100));
    assert_eq!(parse(&aliases).unwrap().steps.len(), 101);
}
