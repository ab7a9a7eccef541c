use crate::recipe::{RecipeError, parse};

fn refusal(yaml: &str) -> RecipeError {
    match parse(yaml) {
        Ok(recipe) => panic!("{yaml}\nwas accepted as {recipe:?}"),
        Err(error) => error,
    }
}

/// The whole message as people read it.
fn check(yaml: &str, message: &str) {
    assert_eq!(refusal(yaml).to_string(), message, "{yaml}");
}

fn check_parts(yaml: &str, parts: &[&str]) {
    let message = refusal(yaml).to_string();
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[test]
fn an_error_names_path_line_column_and_expectation() {
    assert_eq!(
        refusal("steps:\n  - make\n  - run: a\n    timeout: soon\n"),
        RecipeError {
            message: "expected seconds as a number, such as 60 or 0.5, got the text \"soon\""
                .to_owned(),
            line: Some(4),
            column: Some(14),
            path: "steps[1].timeout".to_owned(),
        }
    );
    check(
        "steps:\n  - run: a\n    timout: 1\n",
        "steps[0].timout (line 3, column 5): unknown key `timout`; did you mean `timeout`? known keys are run, name, env, timeout, cwd, idempotent, secrets, artifacts",
    );
}

#[test]
fn what_is_empty_says_what_a_recipe_needs() {
    let needs = "a recipe needs at least one entry under `tools` or `steps`, such as:\nsteps:\n  - echo build";
    for yaml in ["", "  \n", "# only a comment\n", "---\n", "null", "~"] {
        check(yaml, &format!("the recipe is empty; {needs}"));
    }
    for yaml in ["{}", "name: a", "tools: []\nsteps: []", "tools:\nsteps:\n"] {
        let expected = format!("the recipe has neither tools nor steps; {needs}");
        check(yaml, &expected);
    }
}

#[test]
fn unknown_keys_are_named_with_the_nearest_known_one() {
    for (yaml, parts) in [
        (
            "step: [a]",
            [
                "line 1, column 1",
                "unknown key `step`",
                "did you mean `steps`?",
            ],
        ),
        (
            "tools:\n - name: a\n   sha256: x\n",
            [
                "line 3, column 4",
                "tools[0].sha256",
                "did you mean `checksum`?",
            ],
        ),
        (
            "steps:\n - command: a\n",
            [
                "line 2, column 4",
                "steps[0].command",
                "did you mean `run`?",
            ],
        ),
        (
            "source: {url: 'https://a', md5: b}",
            [
                "line 1, column 28",
                "source.md5",
                "known keys are url, checksum",
            ],
        ),
        (
            "permissions: {netwrok: true}",
            [
                "line 1, column 15",
                "permissions.netwrok",
                "did you mean `network`?",
            ],
        ),
        (
            "steps: [a]\n1: b",
            [
                "line 2, column 1",
                "unknown key `1`",
                "known keys are name, version",
            ],
        ),
    ] {
        check_parts(yaml, &parts);
    }
}

#[test]
fn wrong_types_are_named_with_what_was_got() {
    for (yaml, message) in [
        (
            "make",
            "line 1, column 1: expected a mapping with `tools` and `steps`, got the text \"make\"",
        ),
        (
            "[make]",
            "line 1, column 1: expected a mapping with `tools` and `steps`, got a list of 1",
        ),
        (
            "steps: make",
            "steps (line 1, column 8): expected a list of steps, got the text \"make\"",
        ),
        (
            "steps: [1.5]",
            "steps[0] (line 1, column 9): expected a command or a mapping with `run`, got the number 1.5",
        ),
        (
            "steps:\n - a\n -\n",
            "steps[1] (line 3, column 3): expected a command or a mapping with `run`, got nothing",
        ),
        (
            "steps: [[a]]",
            "steps[0] (line 1, column 9): expected a command or a mapping with `run`, got a list of 1",
        ),
        (
            "steps: ['  ']",
            "steps[0] (line 1, column 9): the command is empty, expected a command or a mapping with `run`",
        ),
        (
            "steps: [{name: a}]",
            "steps[0] (line 1, column 9): `run` is missing",
        ),
        (
            "steps: [{run: }]",
            "steps[0] (line 1, column 9): `run` is missing",
        ),
        (
            "steps: [{run: [a, b]}]",
            "steps[0].run (line 1, column 15): expected a command, got a list of 2",
        ),
        (
            "steps:\n - echo done: yes",
            "steps[0] (line 2, column 4): `echo done: …` is a mapping, expected a command or a mapping with `run`; quote a command that contains `: `",
        ),
        (
            "steps: [{run: a, env: [A]}]",
            "steps[0].env (line 1, column 23): expected a mapping of variables, got a list",
        ),
        (
            "steps: [{run: a, env: {A: [secret]}}]",
            "steps[0].env.A (line 1, column 27): expected text, a number or a boolean, got a list",
        ),
        (
            "steps: [{run: a, env: {A: }}]",
            "steps[0].env.A (line 1, column 24): the variable has no value; write \"\" for an empty one",
        ),
        (
            "steps: [{run: a, idempotent: no way}]",
            "steps[0].idempotent (line 1, column 30): expected true or false, got the text \"no way\"",
        ),
        (
            "steps: [{run: a, cwd: 3}]",
            "steps[0].cwd (line 1, column 23): expected text, got the number 3",
        ),
        (
            "tools: [awscli]",
            "tools[0] (line 1, column 9): expected a mapping with `name`, got the text \"awscli\"",
        ),
        (
            "tools: [{version: 1}]",
            "tools[0] (line 1, column 9): `name` is missing",
        ),
        (
            "tools: [{name: a, network: yes}]",
            "tools[0].network (line 1, column 28): expected true, false or a list of hosts, got the text \"yes\"",
        ),
        (
            "tools: [{name: a, checksum: 12}]",
            "tools[0].checksum (line 1, column 29): expected sha256:<hex digits>, got the number 12",
        ),
        (
            "source: {checksum: 'sha256:a'}",
            "source (line 1, column 9): `url` is missing",
        ),
    ] {
        check(yaml, message);
    }
}

#[test]
fn checksums_of_another_kind_are_refused_by_name() {
    for (checksum, part) in [
        ("md5:d41d8cd9", "checksum algorithm `md5` is not supported"),
        (
            "sha1:da39a3ee",
            "checksum algorithm `sha1` is not supported",
        ),
        ("deadbeef", "`deadbeef` names no algorithm"),
        ("'sha256:'", "`sha256:` has no digits"),
        ("sha256:xyz", "contains `x`, which is no hex digit"),
        ("sha256:...", "contains `.`, which is no hex digit"),
    ] {
        let yaml = format!("tools: [{{name: a, checksum: {checksum}}}]");
        check_parts(
            &yaml,
            &[
                "tools[0].checksum (line 1, column 29)",
                part,
                "expected sha256:",
            ],
        );
    }
    let long = format!(
        "tools: [{{name: a, checksum: 'sha256:{}'}}]",
        "a".repeat(65)
    );
    check_parts(&long, &["has 65 digits"]);
}

#[test]
fn timeouts_that_mean_nothing_are_refused() {
    for (timeout, part) in [
        ("-1", "a negative timeout (-1) is not allowed"),
        ("-0.5", "a negative timeout"),
        ("0", "a timeout of zero is not allowed"),
        ("-0.0", "a timeout of zero is not allowed"),
        (".nan", ".nan is not a number of seconds"),
        (".inf", "an infinite timeout is not allowed"),
        ("-.inf", "an infinite timeout is not allowed"),
        ("1e400", "too long, at most 2592000 (30 days)"),
        ("2592000.1", "too long, at most 2592000 (30 days)"),
        ("0.0001", "too short, at least 0.001"),
        ("'60'", "got the text \"60\""),
        ("60s", "got the text \"60s\""),
        ("true", "got the boolean true"),
        ("0xffffffffffffffffff", "expected seconds"),
    ] {
        let yaml = format!("steps: [{{run: a, timeout: {timeout}}}]");
        check_parts(&yaml, &["steps[0].timeout (line 1, column 27): ", part]);
    }
}

#[test]
fn a_folder_outside_the_workspace_is_refused() {
    for (cwd, part) in [
        ("/etc", "`/etc` is an absolute path"),
        ("..", "`..` leads out of the workspace"),
        ("../x", "leads out"),
        ("a/../../b", "leads out"),
        ("./../a", "leads out"),
        ("a\\b", "contains a backslash"),
        ("C:\\x", "contains a backslash"),
        ("~/x", "is in the home folder"),
        ("", "the folder is empty"),
    ] {
        let yaml = format!("steps: [{{run: a, cwd: '{cwd}'}}]");
        check_parts(
            &yaml,
            &[
                "steps[0].cwd (line 1, column 23): ",
                part,
                "relative to the workspace",
            ],
        );
    }
    check_parts(
        "steps: [{run: a, cwd: \"a\\nb\"}]",
        &["`a\\nb` contains a control character"],
    );
}

#[test]
fn names_that_are_no_names_are_refused() {
    for name in ["1A", "A-B", "A B", "''", "A=B", "Ä"] {
        let yaml = format!("steps: [{{run: a, env: {{{name}: x}}}}]");
        check_parts(
            &yaml,
            &[
                "steps[0].env (line 1, column 24): ",
                "is no environment variable name",
            ],
        );
    }
    for name in ["'a b'", "../a", "a/../b", "-rf", "''", "'a;b'", "/a"] {
        check_parts(
            &format!("tools: [{{name: {name}}}]"),
            &["tools[0].name", "is no tool name"],
        );
    }
    check_parts(
        "tools: [{name: a, version: 1}, {name: a, version: 1}]",
        &["tools[1] (line 1, column 32)", "listed twice"],
    );
    for host in [
        "'https://a.b'",
        "a/b",
        "'a b'",
        "'a:0'",
        "'a:99999'",
        "'*'",
        "'[::g]'",
        "''",
        "-a",
    ] {
        let yaml = format!("tools: [{{name: a, network: [{host}]}}]");
        check_parts(
            &yaml,
            &["tools[0].network[0] (line 1, column 29)", "expected a host"],
        );
    }
    for url in [
        "ftp://a",
        "a.zip",
        "'https://'",
        "'https://a b'",
        "'javascript:x'",
    ] {
        check_parts(
            &format!("source: {{url: {url}}}"),
            &["source.url", "no address to fetch from"],
        );
    }
}

#[test]
fn duplicate_keys_and_second_documents_are_refused() {
    check(
        "steps:\n - run: a\n   env: {}\n   run: b\n",
        "steps[0] (line 4, column 4): key `run` stands twice in one mapping (first on line 2); keep one of them",
    );
    check_parts(
        "steps: [{run: a, env: {A: 1, 'A': 2}}]",
        &["steps[0].env", "key `A` stands twice"],
    );
    check(
        "steps: [a]\n---\nsteps: [b]\n",
        "line 2, column 1: a second YAML document begins here; a recipe is exactly one document (remove the `---`)",
    );
}

#[test]
fn broken_yaml_says_where() {
    for (yaml, place) in [
        (
            "steps: [a",
            "steps[0] (line 1, column 8): not valid YAML: unclosed bracket '['",
        ),
        ("steps:\n\t- a\n", "line 2, column"),
        ("steps: ]", "line 1, column 8"),
        ("steps: [\"a]", "line 1"),
        (
            "steps: [*nowhere]",
            "steps[0] (line 1, column 9): the alias refers to an anchor",
        ),
        (
            "a: &a [*a]",
            "the alias stands inside the value that it refers to",
        ),
        ("? [a]\n: b", "a list or mapping is used as a key"),
        (": b", "a key is missing before `:`"),
        ("steps: [!!binary aGk=]", "tag `!!binary` is not supported"),
        ("steps: !custom [a]", "tag `!custom` is not supported"),
        (
            "steps: [{run: a, env: {<<: 3}}]",
            "`<<` takes a mapping or a list of mappings, got a number",
        ),
    ] {
        check_parts(yaml, &[place]);
    }
}

#[test]
fn every_bound_has_its_message() {
    let deep = format!("steps: {}{}", "[".repeat(64), "]".repeat(64));
    let deep_flow = "[".repeat(100_000);
    let deep_block: String = (0..80)
        .map(|level| format!("{}a:\n", " ".repeat(level)))
        .collect();
    let chain: String = (0..70)
        .map(|n| match n {
            0 => "k0: &a0 [x]\n".to_owned(),
            _ => format!("k{n}: &a{n} [*a{}]\n", n - 1),
        })
        .collect();
    let many_steps = format!("steps: [{}]", vec!["a"; 1_001].join(","));
    let tools: Vec<String> = (0..201).map(|n| format!("{{name: t{n}}}")).collect();
    let aliases = format!("steps: [&a make{}]", ", *a".repeat(101));
    let anchors: String = (0..101).map(|n| format!("&a{n} x, ")).collect();
    let values = format!("steps: [{}]", "1,".repeat(60_000));
    for (yaml, part) in [
        (
            "#".repeat(256 * 1024 + 1),
            "the YAML is 262145 bytes long, at most 262144",
        ),
        (deep, "nested deeper than 64 levels"),
        (deep_flow, "nested deeper than 64 levels"),
        (deep_block, "nested deeper than 64 levels"),
        (chain, "nested deeper than 64 levels"),
        (many_steps, "1001 steps, at most 1000 are allowed"),
        (
            format!("tools: [{}]", tools.join(",")),
            "201 tools, at most 200 are allowed",
        ),
        (aliases, "more than 100 aliases"),
        (format!("steps: [{anchors}]"), "more than 100 anchors"),
        (values, "more than 50000 values"),
        (
            format!("steps:\n  - {}", "x".repeat(64 * 1024 + 1)),
            "this text is 65537 bytes long, at most 65536",
        ),
        (
            "steps: [\"a\\0b\"]".to_owned(),
            "steps[0] (line 1, column 9): the text contains a NUL byte",
        ),
        ("steps: [\"a\0b\"]".to_owned(), "line 1"),
    ] {
        check_parts(&yaml, &[part]);
    }
}

#[test]
fn billions_of_laughs_end_early() {
    let mut yaml = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        yaml.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    check_parts(
        &yaml,
        &["more than 50000 values once aliases are written out"],
    );
    let text = "x".repeat(60_000);
    check_parts(
        &format!("steps: [&a {text}{}]", ", *a".repeat(90)),
        &["more than 1048576 bytes of text once aliases are written out"],
    );
}

#[test]
fn messages_hold_no_terminal_escapes_and_no_flood() {
    let message = refusal("steps: [a]\n\"\\e[31m\\u202e\": b").to_string();
    assert!(message.contains("\\u{1b}[31m\\u{202e}"), "{message}");
    let message = refusal(&format!("steps: [a]\n? {}\n: b", "k".repeat(60_000))).to_string();
    assert!(message.len() < 500, "{} bytes", message.len());
}
