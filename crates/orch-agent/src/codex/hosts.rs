//! Which hosts Codex itself has to reach: those of its model provider.
//!
//! Pure: a configuration in, hosts out. What a run's commands may reach besides is the recipe's
//! matter.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

/// The provider where the configuration names none.
const USUAL: &str = "openai";

/// The hosts of the provider that a configuration chooses, as recipes write them. A configuration
/// that cannot be read names none: whoever uses it says so.
pub(super) fn hosts(config: &str, env: &BTreeMap<String, String>, has_login: bool) -> Vec<String> {
    let config: Table = toml::from_str(config).unwrap_or_default();
    let profile = text(&config, "profile")
        .and_then(|name| table(table(&config, "profiles")?, name))
        .cloned()
        .unwrap_or_default();
    let of = |key: &str| text(&profile, key).or_else(|| text(&config, key));
    let provider = of("model_provider").unwrap_or(USUAL);
    let own = table(&config, "model_providers").and_then(|all| table(all, provider));
    let base = own.and_then(|own| text(own, "base_url"));
    let named = |name: &str| env.get(name).map(String::as_str);
    let mut urls: Vec<&str> = Vec::new();
    match (base, provider) {
        (Some(url), _) => urls.push(url),
        (None, USUAL) => {
            let moved = of("openai_base_url").or_else(|| named("OPENAI_BASE_URL"));
            urls.push(moved.unwrap_or("https://api.openai.com"));
        }
        (None, "ollama") => urls.push("http://localhost:11434"),
        (None, "lmstudio") => urls.push("http://localhost:1234"),
        (None, _) => {}
    }
    if has_login {
        urls.push(of("chatgpt_base_url").unwrap_or("https://chatgpt.com"));
        urls.push("https://auth.openai.com");
    }
    let found: BTreeSet<String> = urls.into_iter().filter_map(host).collect();
    found.into_iter().collect()
}

/// `host`, or `host:port` where the port is not that of the scheme.
fn host(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

fn text<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    table.get(key)?.as_str()
}

fn table<'t>(table: &'t Table, key: &str) -> Option<&'t Table> {
    table.get(key).and_then(Value::as_table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(config: &str, has_login: bool) -> Vec<String> {
        hosts(config, &BTreeMap::new(), has_login)
    }

    #[test]
    fn the_providers_host_is_read_from_the_configuration() {
        let own = "model_provider = \"mine\"\n[model_providers.mine]\nbase_url = \"http://127.0.0.1:8080/v1\"\n";
        assert_eq!(read(own, false), ["127.0.0.1:8080"]);
        let by_profile = format!("profile = \"p\"\n[profiles.p]\n{own}")
            .replace("[model_providers", "\n[model_providers");
        assert_eq!(read(&by_profile, false), ["127.0.0.1:8080"]);
    }

    #[test]
    fn without_one_it_is_openais_and_with_a_login_that_of_the_login_as_well() {
        assert_eq!(read("", false), ["api.openai.com"]);
        assert_eq!(
            read("", true),
            ["api.openai.com", "auth.openai.com", "chatgpt.com"]
        );
        let moved = [(
            "OPENAI_BASE_URL".to_owned(),
            "https://x.test:8443/v1".to_owned(),
        )];
        assert_eq!(hosts("", &moved.into(), false), ["x.test:8443"]);
        assert_eq!(read("model_provider = \"unknown\"", false), [""; 0]);
    }
}
