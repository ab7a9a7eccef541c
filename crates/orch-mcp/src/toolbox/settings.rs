//! The file of `ORCH_MCP_SERVERS`: which servers there are, how they are reached, and what of them may be used.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use orch_core::variable::is_variable;
use serde::Deserialize;

use super::{McpSettingsError, NamedTool};

/// Variables whose values are no secrets.
const EVERYDAY: [&str; 9] = [
    "PATH", "HOME", "USER", "SHELL", "LANG", "LC_ALL", "TERM", "TMPDIR", "TZ",
];
const LARGEST_FILE: u64 = 256 << 10;
const MOST_SERVERS: usize = 50;
const MOST_SECONDS: u64 = 600;
const USUAL_SECONDS: u64 = 30;

/// Servers by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct McpSettings {
    servers: BTreeMap<String, ServerSettings>,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerSettings {
    pub way: Way,
    /// For its start, and for each call.
    pub timeout: Duration,
    /// The tools of it that roles may name.
    pub tools: Vec<String>,
}

/// How it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// A program that is started for each use and spoken to over its standard input and output.
    Program {
        program: String,
        arguments: Vec<String>,
        /// Names of variables that it is given; nothing else of the environment that might be secret.
        environment: Vec<String>,
    },
    Url {
        url: String,
        /// The variable that holds its bearer token.
        token: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    server: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    command: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: Vec<String>,
    url: Option<String>,
    bearer_env: Option<String>,
    timeout_seconds: Option<u64>,
    tools: Vec<String>,
}

impl ServerSettings {
    /// Names of the variables that it needs.
    fn variables(&self) -> &[String] {
        match &self.way {
            Way::Program { environment, .. } => environment,
            Way::Url { token, .. } => token.as_slice(),
        }
    }
}

impl McpSettings {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// What is wrong with it, and what is expected.
    pub fn read(path: &Path) -> Result<Self, McpSettingsError> {
        let place = path.display().to_string();
        let failed = |why: String| McpSettingsError::File {
            place: place.clone(),
            why,
        };
        let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?;
        if !size.is_file() || size.len() > LARGEST_FILE {
            return Err(failed(format!(
                "it is no file of at most {LARGEST_FILE} bytes"
            )));
        }
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        Self::parse(&place, &text)
    }

    /// Reads its text; `place` is how messages name it.
    ///
    /// # Errors
    /// What is wrong with it, and what is expected.
    pub fn parse(place: &str, text: &str) -> Result<Self, McpSettingsError> {
        let wrong = |why: String| McpSettingsError::File {
            place: place.to_owned(),
            why,
        };
        let file: File = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        if file.version != 1 {
            return Err(wrong(format!(
                "its version is {}, expected 1",
                file.version
            )));
        }
        if file.server.len() > MOST_SERVERS {
            let count = file.server.len();
            return Err(wrong(format!(
                "it has {count} servers; at most {MOST_SERVERS} are allowed"
            )));
        }
        let mut servers = BTreeMap::new();
        for (name, entry) in file.server {
            let checked = check(&name, entry);
            let checked =
                checked.map_err(|why| wrong(format!("server `{}`: {why}", shown(&name))))?;
            servers.insert(name, checked);
        }
        Ok(Self { servers })
    }

    /// The values of the variables that servers are given.
    pub(super) fn secrets(&self) -> Vec<String> {
        let named = self.servers.values().flat_map(ServerSettings::variables);
        named
            .filter(|name| !EVERYDAY.contains(&name.as_str()))
            .filter_map(|name| std::env::var(name).ok())
            .collect()
    }

    /// Variables that servers need and that have no value.
    pub(super) fn faults(&self, value: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let is_missing = |name: &&String| value(name).is_none_or(|value| value.trim().is_empty());
        let of = |(server, settings): (&String, &ServerSettings)| {
            let use_of_it = match &settings.way {
                Way::Program { .. } => "is given",
                Way::Url { .. } => "takes its bearer token from",
            };
            let names = settings.variables().iter();
            names
                .filter(is_missing)
                .map(|name| format!("the server `{server}` {use_of_it} {name}, which is not set"))
                .collect::<Vec<_>>()
        };
        self.servers.iter().flat_map(of).collect()
    }

    pub(super) fn server(&self, name: &str) -> Option<&ServerSettings> {
        self.servers.get(name)
    }

    /// Whether a role may have the tool.
    ///
    /// # Errors
    /// Says why not.
    pub(super) fn admit(&self, wanted: &NamedTool) -> Result<(), String> {
        let Some(server) = self.servers.get(&wanted.server) else {
            let names: Vec<&str> = self.servers.keys().map(String::as_str).collect();
            return Err(match names.is_empty() {
                true => "no servers are set; ORCH_MCP_SERVERS names the file of them".to_owned(),
                false => format!(
                    "there is no server `{}`; there are {}",
                    wanted.server,
                    names.join(", ")
                ),
            });
        };
        match server.tools.contains(&wanted.tool) {
            true => Ok(()),
            false => Err(format!(
                "`tools` of the server `{}` lists {} and not `{}`",
                wanted.server,
                server.tools.join(", "),
                wanted.tool
            )),
        }
    }
}

fn check(name: &str, entry: Entry) -> Result<ServerSettings, String> {
    if !is_name(name) {
        return Err("expected up to 24 small letters, digits, `_` and `-` as its name, beginning with a letter".to_owned());
    }
    if entry.tools.is_empty() {
        return Err("`tools` is empty: name those of its tools that roles may use".to_owned());
    }
    let seconds = entry.timeout_seconds.unwrap_or(USUAL_SECONDS);
    if !(1..=MOST_SECONDS).contains(&seconds) {
        return Err(format!(
            "`timeout_seconds` is {seconds}; expected 1 to {MOST_SECONDS}"
        ));
    }
    let of_program = !entry.args.is_empty() || !entry.env.is_empty();
    let mut variables = entry.env.iter().chain(&entry.bearer_env);
    if !variables.all(|name| is_variable(name)) {
        // It may be the value itself, which is not shown.
        return Err(
            "`env` or `bearer_env` holds what is no name of an environment variable; variables are named here, never their values"
                .to_owned(),
        );
    }
    let way = match (entry.command, entry.url) {
        (Some(program), None) if entry.bearer_env.is_none() => Way::Program {
            program,
            arguments: entry.args,
            environment: entry.env,
        },
        (Some(_), None) => {
            return Err("`bearer_env` goes with `url`; a command has `env`".to_owned());
        }
        (None, Some(_)) if of_program => {
            return Err(
                "`args` and `env` go with `command`; an address has `bearer_env`".to_owned(),
            );
        }
        (None, Some(url)) => Way::Url {
            url: address(url)?,
            token: entry.bearer_env,
        },
        (Some(_), Some(_)) | (None, None) => {
            return Err("expected one of `command` and `url`".to_owned());
        }
    };
    Ok(ServerSettings {
        way,
        timeout: Duration::from_secs(seconds),
        tools: entry.tools,
    })
}

fn address(url: String) -> Result<String, String> {
    let parsed = reqwest::Url::parse(&url).map_err(|error| format!("its url: {error}"))?;
    let is_plain = parsed.username().is_empty() && parsed.password().is_none();
    match parsed.scheme() {
        "http" | "https" if is_plain => Ok(url),
        _ => Err("its url is no http or https address without a user".to_owned()),
    }
}

fn is_name(name: &str) -> bool {
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
    let fits = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-')
    };
    begins && name.len() <= 24 && name.bytes().all(fits)
}

fn shown(name: &str) -> String {
    name.chars().take(40).collect()
}
