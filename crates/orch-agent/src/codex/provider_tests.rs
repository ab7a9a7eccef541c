use super::*;

const MINE: &str = r#"
model_provider = "mine"
[model_providers.mine]
base_url = "http://127.0.0.1:8080/v1"
env_key = "MINE_KEY"
env_http_headers = { "X-Team" = "MINE_TEAM" }
http_headers = { "X-Plain" = "p" }
"#;

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn the_providers_host_is_read_from_the_configuration() {
    let read = |config: &str, has_login| hosts(config, &env(&[]), has_login);
    assert_eq!(read(MINE, true), ["127.0.0.1:8080"]);
    let by_profile = format!("profile = \"p\"\n[profiles.p]\n{}", MINE.trim_start());
    assert_eq!(read(&by_profile, false), ["127.0.0.1:8080"]);
    assert_eq!(read("", false), ["api.openai.com"]);
    let with_login = ["api.openai.com", "auth.openai.com", "chatgpt.com"];
    assert_eq!(read("", true), with_login);
    assert_eq!(read("model_provider = \"unknown\"", false), [""; 0]);
    let moved = env(&[("OPENAI_BASE_URL", "https://x.test:8443/v1")]);
    assert_eq!(hosts("", &moved, false), ["x.test:8443"]);
}

#[test]
fn keys_stay_with_the_agent_and_the_configuration_leads_to_it() {
    let given = env(&[("MINE_KEY", "hush"), ("MINE_TEAM", "team")]);
    let found = upstream(MINE, &given, true).unwrap();
    assert_eq!(found.base_url, "http://127.0.0.1:8080/v1");
    let headers = [
        ("x-plain", "p"),
        ("x-team", "team"),
        ("authorization", "Bearer hush"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(found.headers, headers);

    let route = Route {
        url: "http://127.0.0.1:9/v1".to_owned(),
        token: "t".to_owned(),
        loopback: Loopback::Own,
    };
    let mut config: Table = toml::from_str(MINE).unwrap();
    reroute(&mut config, &route);
    let expected: Table = toml::from_str(
        r#"
        model_provider = "mine"
        [model_providers.mine]
        name = "mine"
        base_url = "http://127.0.0.1:9/v1"
        wire_api = "responses"
        supports_websockets = false
        http_headers = { "x-orchestrator-run" = "t" }
        [shell_environment_policy.set]
        NO_PROXY = "localhost,127.0.0.1,::1"
        no_proxy = "localhost,127.0.0.1,::1"
        "#,
    )
    .unwrap();
    assert_eq!(config, expected);

    let mut config = Table::new();
    let route = Route {
        loopback: Loopback::Machine,
        ..route
    };
    reroute(&mut config, &route);
    assert!(!config.contains_key("shell_environment_policy"));
    assert_eq!(config["model_provider"].as_str(), Some(OURS));
    assert!(config["model_providers"][OURS].get("env_key").is_none());
}

#[test]
fn a_recipe_that_lists_an_address_of_the_machine_means_the_machine() {
    let of = |network: &str| {
        let yaml = format!("permissions:\n  network: {network}\nsteps:\n  - run: make\n");
        Loopback::of(&orch_core::recipe::parse(&yaml).unwrap())
    };
    assert_eq!(of("[pypi.org]"), Loopback::Own);
    assert_eq!(of("true"), Loopback::Own);
    assert_eq!(of("[pypi.org, '127.0.0.1:5432']"), Loopback::Machine);
    assert_eq!(of("['localhost:5432']"), Loopback::Machine);
}

#[test]
fn without_a_key_of_the_agents_codex_goes_by_itself() {
    let has = |config: &str, pairs: &[(&str, &str)], has_login| {
        upstream(config, &env(pairs), has_login).is_some()
    };
    let key = [("OPENAI_API_KEY", "hush")];
    assert!(has("", &key, false));
    assert!(!has("", &key, true), "a login goes first");
    assert!(!has("", &[], false));
    assert!(!has(MINE, &[], false), "Codex says what is missing");
    assert!(!has("model_provider = \"ollama\"", &key, false));
    let by_command = "model_provider = \"m\"\n[model_providers.m]\nbase_url = \"http://x/v1\"\nauth = { command = \"x\" }\n";
    assert!(!has(by_command, &key, false));
}
