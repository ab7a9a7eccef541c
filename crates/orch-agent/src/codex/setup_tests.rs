use super::*;

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

#[test]
fn the_documents_defaults_hold() {
    let codex = CodexSetup::from_env(env(&[])).unwrap();
    assert_eq!(codex.bin, PathBuf::from("codex"));
    assert_eq!(codex.error_backoff, Duration::from_secs(2));
    assert_eq!(
        (codex.config.clone(), codex.user_home.clone()),
        (None, None)
    );
    assert_eq!(codex.chatter(), Chatter::Full);

    let planner = PlannerSetup::from_env(env(&[("OPENAI_API_KEY", "k")])).unwrap();
    assert_eq!(planner.command, None);
    assert_eq!(planner.timeout, Duration::from_secs(120));
    assert!(planner.fallback.is_none(), "a key alone allows nothing");

    let allowed = [
        ("OPENAI_API_KEY", "k"),
        ("AGENT_ALLOW_OPENAI_FALLBACK", "True"),
    ];
    let fallback = PlannerSetup::from_env(env(&allowed))
        .unwrap()
        .fallback
        .unwrap();
    assert_eq!(fallback.model, "gpt-4o-mini");
    assert_eq!(fallback.base_url, "https://api.openai.com/v1");
}

#[test]
fn the_remaining_context_is_read_in_every_spelling_and_never_refused() {
    for (text, expected) in [
        ("12", Some(12)),
        ("12%", Some(12)),
        ("0.12", Some(12)),
        ("1", Some(1)),
        ("100", Some(100)),
        ("80000", None),
        ("-1", None),
        ("much", None),
    ] {
        let setup = CodexSetup::from_env(env(&[("CODEX_CONTEXT_REMAINING", text)])).unwrap();
        assert_eq!(setup.context_remaining, expected, "{text}");
    }
    let chatter = |percent| {
        let setup = CodexSetup::from_env(env(&[("CODEX_CONTEXT_REMAINING", percent)]));
        setup.unwrap().chatter()
    };
    assert_eq!(chatter("15"), Chatter::Reduced { percent: 15 });
    assert_eq!(chatter("16"), Chatter::Full);
}

#[test]
fn a_value_that_cannot_be_used_is_named() {
    let codex = |name, value| CodexSetup::from_env(env(&[(name, value)])).unwrap_err();
    assert_eq!(
        codex("CODEX_ERROR_BACKOFF", "-1").to_string(),
        "CODEX_ERROR_BACKOFF is \"-1\"; expected seconds above 0, such as 2 or 0.5"
    );
    assert_eq!(codex("CODEX_ARGS", "-c 'open").name, "CODEX_ARGS");
    let planner = PlannerSetup::from_env(env(&[("AGENT_ALLOW_OPENAI_FALLBACK", "maybe")]));
    assert_eq!(planner.unwrap_err().expected, "true or false");
}

#[test]
fn the_planning_command_gets_the_users_environment_without_the_platforms() {
    let given = env(&[
        ("HOME", "/home/maker"),
        ("OPENAI_API_KEY", "k"),
        ("ORCH_API_TOKEN", "t"),
        ("AGENT_SECRET_KEY", "s"),
    ]);
    let expected = env(&[
        ("HOME", "/home/maker"),
        ("OPENAI_API_KEY", "k"),
        ("CODEX_API_KEY", "k"),
    ]);
    assert_eq!(
        PlannerSetup::from_env(given).unwrap().command_env(),
        expected
    );
}

#[test]
fn debug_shows_no_environment() {
    let given = env(&[
        ("OPENAI_API_KEY", "hush"),
        ("AGENT_ALLOW_OPENAI_FALLBACK", "1"),
        ("CODEX_ARGS", "-c a=hush"),
    ]);
    let shown = format!(
        "{:?} {:?}",
        CodexSetup::from_env(given.clone()).unwrap(),
        PlannerSetup::from_env(given).unwrap()
    );
    assert!(!shown.contains("hush"), "{shown}");
}

#[test]
fn keys_are_known_by_their_names() {
    let given = env(&[
        ("OPENAI_API_KEY", "sk-12345"),
        ("MONKEY", "no"),
        ("PATH", "/usr/bin:/bin"),
        ("github_token", "ghp-12345"),
    ]);
    let setup = CodexSetup::from_env(given).unwrap();
    assert_eq!(setup.secret_values(), ["sk-12345", "ghp-12345"]);
}
