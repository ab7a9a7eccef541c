//! The model provider that a configuration chooses: its hosts, its keys, and how a run's Codex is sent
//! to it by way of the agent.
//!
//! Pure: a configuration in, values and a configuration out.

use std::collections::{BTreeMap, BTreeSet};

use orch_core::recipe::{Network, Recipe, rights};
use toml::{Table, Value};

/// The provider where the configuration names none.
const USUAL: &str = "openai";
/// What the one is called that leads through the agent, where the user's has no table of its own.
const OURS: &str = "orchestrator";
/// By this header the agent knows its own run.
pub(super) const RUN_HEADER: &str = "x-orchestrator-run";
/// What commands start for themselves is reached directly.
const LOOPBACK: &str = "localhost,127.0.0.1,::1";

/// Where requests go and what is added to them.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Upstream {
    /// Up to and without `/responses`.
    pub(super) base_url: String,
    /// Names in lower case; the values are secrets.
    pub(super) headers: Vec<(String, String)>,
}

/// How the run's Codex reaches the agent.
#[derive(Clone)]
pub struct Route {
    pub(super) url: String,
    pub(super) token: String,
    pub(super) loopback: Loopback,
}

/// What a run's commands mean by an address of the loopback interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loopback {
    /// What they start for themselves.
    Own,
    /// This machine's, which their recipe lists.
    Machine,
}

impl Loopback {
    /// As a recipe has it.
    #[must_use]
    pub fn of(recipe: &Recipe) -> Self {
        let is_local = |host: &String| {
            ["localhost", "127.", "::1", "[::1]"]
                .iter()
                .any(|local| host.starts_with(local))
        };
        let lists = rights::networks(recipe).any(|network| match network {
            Network::Hosts(hosts) => hosts.iter().any(is_local),
            Network::Denied | Network::Open => false,
        });
        match lists {
            true => Self::Machine,
            false => Self::Own,
        }
    }
}

struct Chosen<'c> {
    name: &'c str,
    /// Its table, where the configuration has one.
    own: Option<&'c Table>,
    /// Settings beside it, those of the profile first.
    top: [Option<&'c Table>; 2],
}

impl<'c> Chosen<'c> {
    fn of(config: &'c Table) -> Self {
        let profile = text(config, "profile").and_then(|name| {
            let profiles = table(config, "profiles")?;
            table(profiles, name)
        });
        let top = [profile, Some(config)];
        let named = top
            .iter()
            .flatten()
            .find_map(|top| text(top, "model_provider"));
        let name = named.unwrap_or(USUAL);
        let own = table(config, "model_providers").and_then(|all| table(all, name));
        Self { name, own, top }
    }

    fn setting(&self, key: &str) -> Option<&'c str> {
        self.top.iter().flatten().find_map(|top| text(top, key))
    }

    fn base_url(&self, env: &BTreeMap<String, String>) -> Option<String> {
        if let Some(url) = self.own.and_then(|own| text(own, "base_url")) {
            return Some(url.to_owned());
        }
        match self.name {
            USUAL => {
                let moved = self.setting("openai_base_url");
                let moved = moved.or_else(|| env.get("OPENAI_BASE_URL").map(String::as_str));
                Some(moved.unwrap_or("https://api.openai.com/v1").to_owned())
            }
            "ollama" => Some("http://localhost:11434/v1".to_owned()),
            "lmstudio" => Some("http://localhost:1234/v1".to_owned()),
            _ => None,
        }
    }

    /// Whether it takes what OpenAI's own does: a login, or the usual key.
    fn is_openai(&self) -> bool {
        match self.own {
            None => self.name == USUAL,
            Some(own) => own.get("requires_openai_auth") == Some(&Value::Boolean(true)),
        }
    }
}

/// The hosts of the provider that a configuration chooses, as recipes write them. A configuration
/// that cannot be read names none: whoever uses it says so.
pub(super) fn hosts(config: &str, env: &BTreeMap<String, String>, has_login: bool) -> Vec<String> {
    let config: Table = toml::from_str(config).unwrap_or_default();
    let chosen = Chosen::of(&config);
    let mut urls: Vec<String> = chosen.base_url(env).into_iter().collect();
    if has_login && chosen.is_openai() {
        let moved = chosen.setting("chatgpt_base_url");
        urls.push(moved.unwrap_or("https://chatgpt.com").to_owned());
        urls.push("https://auth.openai.com".to_owned());
    }
    let found: BTreeSet<String> = urls.iter().filter_map(|url| host(url)).collect();
    found.into_iter().collect()
}

/// The model that a configuration chooses, in its profile or beside it.
pub(super) fn configured_model(config: &str) -> Option<String> {
    let config: Table = toml::from_str(config).ok()?;
    Chosen::of(&config).setting("model").map(str::to_owned)
}

/// Where the agent is to send requests, and with which keys; `None` where Codex has no key that could
/// stay with the agent.
pub(super) fn upstream(
    config: &str,
    env: &BTreeMap<String, String>,
    has_login: bool,
) -> Option<Upstream> {
    let config: Table = toml::from_str(config).ok()?;
    let chosen = Chosen::of(&config);
    if chosen.is_openai() && has_login {
        return None;
    }
    let base_url = chosen.base_url(env)?;
    let own = chosen.own.cloned().unwrap_or_default();
    if own.contains_key("auth") {
        return None;
    }
    let named = |name: &str| env.get(name).filter(|value| !value.trim().is_empty());
    let key = match (
        text(&own, "env_key"),
        text(&own, "experimental_bearer_token"),
    ) {
        // Without its value Codex says what is missing.
        (Some(name), _) => Some(named(name)?.clone()),
        (None, Some(token)) => Some(token.to_owned()),
        (None, None) if chosen.is_openai() => {
            let usual = named("CODEX_API_KEY").or_else(|| named("OPENAI_API_KEY"));
            Some(usual?.clone())
        }
        (None, None) => None,
    };
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in table(&own, "http_headers").into_iter().flatten() {
        headers.extend(
            value
                .as_str()
                .map(|value| (name.to_ascii_lowercase(), value.to_owned())),
        );
    }
    for (name, variable) in table(&own, "env_http_headers").into_iter().flatten() {
        let value = variable.as_str().and_then(named);
        headers.extend(value.map(|value| (name.to_ascii_lowercase(), value.clone())));
    }
    headers.extend(key.map(|key| ("authorization".to_owned(), format!("Bearer {key}"))));
    let has_something = !headers.is_empty();
    has_something.then_some(Upstream { base_url, headers })
}

/// Sends a run's Codex to the agent, which has the keys, in place of its provider.
pub(super) fn reroute(config: &mut Table, route: &Route) {
    let chosen = Chosen::of(config);
    let mut own = chosen.own.cloned().unwrap_or_default();
    let name = match chosen.own {
        Some(_) => chosen.name.to_owned(),
        None => OURS.to_owned(),
    };
    for key in [
        "env_key",
        "env_key_instructions",
        "experimental_bearer_token",
        "env_http_headers",
        "requires_openai_auth",
    ] {
        own.remove(key);
    }
    let mut header = Table::new();
    header.insert(RUN_HEADER.to_owned(), route.token.clone().into());
    own.entry("name").or_insert_with(|| name.clone().into());
    own.insert("http_headers".to_owned(), header.into());
    own.insert("base_url".to_owned(), route.url.clone().into());
    own.insert("supports_websockets".to_owned(), false.into());
    own.entry("wire_api").or_insert_with(|| "responses".into());
    // Keys of other providers are of no use here.
    let mut all = Table::new();
    all.insert(name.clone(), own.into());
    config.insert("model_providers".to_owned(), all.into());
    config.insert("model_provider".to_owned(), name.clone().into());
    if let Some(profile) = text(config, "profile").map(str::to_owned)
        && let Some(Value::Table(profiles)) = config.get_mut("profiles")
        && let Some(Value::Table(profile)) = profiles.get_mut(&profile)
    {
        profile.insert("model_provider".to_owned(), name.into());
    }
    if route.loopback == Loopback::Machine {
        return;
    }
    // The agent is on a loopback address, which is why none is exempt from the proxy otherwise.
    let policy = config
        .entry("shell_environment_policy")
        .or_insert_with(|| Table::new().into());
    if let Value::Table(policy) = policy {
        let set = policy.entry("set").or_insert_with(|| Table::new().into());
        if let Value::Table(set) = set {
            for name in ["NO_PROXY", "no_proxy"] {
                set.entry(name).or_insert_with(|| LOOPBACK.into());
            }
        }
    }
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
#[path = "provider_tests.rs"]
mod tests;
