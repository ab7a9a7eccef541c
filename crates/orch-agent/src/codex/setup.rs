//! What planner and executor need to know, read from the agent's environment.
//!
//! Holds values alone. The agent's own environment is kept here so that the parts that Codex needs
//! can be passed on by name; it never shows in `Debug`.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::AppSetup;

/// The documents' pause after an error.
const DEFAULT_BACKOFF: Duration = Duration::from_secs(2);
const DEFAULT_PLAN_TIMEOUT: Duration = Duration::from_secs(120);
const DEFAULT_MODEL: &str = "gpt-4o-mini";
const DEFAULT_BASE_URL: &str = "https://api.openai.com/v1";

/// At this share of the context, in percent, and below, less is said.
const LOW_CONTEXT_PERCENT: u32 = 15;

/// Shorter values are no keys, and removing them would tear other text apart.
const SHORTEST_SECRET_BYTES: usize = 8;

/// A setting whose value cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name} is {value:?}; expected {expected}")]
pub struct SetupError {
    /// The environment variable.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// What it takes.
    pub expected: &'static str,
}

/// The Codex command line as executor.
#[derive(Clone)]
pub struct CodexSetup {
    /// `CODEX_BIN`, else `codex` along the `PATH` of the run's environment.
    pub bin: PathBuf,
    /// The configuration that each run starts from: `CODEX_CONFIG`, else `config.toml` in
    /// [`CodexSetup::user_home`], where it exists.
    pub config: Option<PathBuf>,
    /// The user's Codex folder, for `auth.json`: `CODEX_HOME`, else `~/.codex`.
    pub user_home: Option<PathBuf>,
    /// `CODEX_ARGS`: further arguments of `codex exec`.
    pub extra_args: Vec<String>,
    /// `CODEX_CONTEXT_REMAINING`: percent of the context left to whoever started the agent.
    pub context_remaining: Option<u32>,
    /// `CODEX_ERROR_BACKOFF`: the shortest pause after a rate limit, a usage limit or an outage.
    pub error_backoff: Duration,
    /// What is particular to the app-server.
    pub app: AppSetup,
    /// The agent's environment; only what model providers need is passed on, to Codex alone.
    pub agent_env: BTreeMap<String, String>,
}

impl CodexSetup {
    /// Reads the settings from the agent's environment. Blank values count as unset.
    ///
    /// # Errors
    /// [`SetupError`] names the variable whose value cannot be used.
    pub fn from_env(agent_env: BTreeMap<String, String>) -> Result<Self, SetupError> {
        let read = Read(&agent_env);
        let user_home = user_home(&agent_env);
        let beside_auth = user_home.as_ref().map(|home| home.join("config.toml"));
        let extra_args = read.get("CODEX_ARGS").map(|args| {
            super::command_line::words(args).ok_or_else(|| SetupError {
                name: "CODEX_ARGS",
                value: args.to_owned(),
                expected: "arguments separated by white space, with every quote closed",
            })
        });
        Ok(Self {
            bin: read.get("CODEX_BIN").unwrap_or("codex").into(),
            config: read
                .get("CODEX_CONFIG")
                .map(PathBuf::from)
                .or_else(|| beside_auth.filter(|file| file.is_file())),
            user_home,
            extra_args: extra_args.transpose()?.unwrap_or_default(),
            context_remaining: read.get("CODEX_CONTEXT_REMAINING").and_then(percent),
            error_backoff: read.seconds("CODEX_ERROR_BACKOFF", DEFAULT_BACKOFF)?,
            app: AppSetup::from_env(&agent_env)?,
            agent_env,
        })
    }

    /// Values of the agent's environment that look like keys by their names, for removing them from
    /// what Codex reports; a provider's error message may quote one.
    #[must_use]
    pub fn secret_values(&self) -> Vec<&str> {
        let is_secret = |name: &str| {
            let name = name.to_ascii_uppercase();
            ["KEY", "TOKEN", "SECRET", "PASSWORD"]
                .iter()
                .any(|part| name.contains(part))
        };
        let secrets = self.agent_env.iter().filter(|(name, _)| is_secret(name));
        let values = secrets.map(|(_, value)| value.as_str());
        values
            .filter(|value| value.len() >= SHORTEST_SECRET_BYTES)
            .collect()
    }

    /// How much is said, by the context that is left.
    pub(super) fn chatter(&self) -> Chatter {
        match self.context_remaining {
            Some(percent) if percent <= LOW_CONTEXT_PERCENT => Chatter::Reduced { percent },
            Some(_) | None => Chatter::Full,
        }
    }
}

/// How much of what Codex does is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chatter {
    /// All.
    Full,
    /// Neither reasoning nor announcements.
    Reduced {
        /// The percent of the context that is left.
        percent: u32,
    },
}

impl Chatter {
    /// What is said of it.
    pub(super) fn notice(self) -> Option<String> {
        match self {
            Self::Full => None,
            Self::Reduced { percent } => Some(format!(
                "CODEX_CONTEXT_REMAINING is {percent} %: reasoning and announcements of commands are left out of this log"
            )),
        }
    }
}

/// Planning by a command line and, where allowed, by an OpenAI-compatible server.
#[derive(Clone)]
pub struct PlannerSetup {
    /// `CODEX_PLAN_CMD`, for a shell: reads the prompt from its standard input and prints a JSON
    /// array of steps. Without one, the form of `codex exec` that the installed Codex accepts.
    pub command: Option<String>,
    /// `CODEX_BIN`: what the bare word `codex` stands for in the command.
    pub bin: PathBuf,
    /// `CODEX_PLAN_TIMEOUT`: how long the command may take, and the fallback again.
    pub timeout: Duration,
    /// `CODEX_ERROR_BACKOFF`: the first pause between attempts of the fallback.
    pub error_backoff: Duration,
    /// `AGENT_ALLOW_OPENAI_FALLBACK` with `OPENAI_API_KEY`.
    pub fallback: Option<OpenAiSetup>,
    /// The agent's environment, which the command gets without the platform's own settings.
    pub agent_env: BTreeMap<String, String>,
}

/// An OpenAI-compatible server.
#[derive(Clone)]
pub struct OpenAiSetup {
    /// `ORCH_OPENAI_BASE_URL`, up to and without `/chat/completions`.
    pub base_url: String,
    /// `ORCH_OPENAI_MODEL`.
    pub model: String,
    /// `OPENAI_API_KEY`.
    pub api_key: String,
}

impl PlannerSetup {
    /// Reads the settings from the agent's environment. Blank values count as unset.
    ///
    /// # Errors
    /// [`SetupError`] names the variable whose value cannot be used.
    pub fn from_env(agent_env: BTreeMap<String, String>) -> Result<Self, SetupError> {
        let read = Read(&agent_env);
        let key = read.get("OPENAI_API_KEY");
        let allowed = read.switch("AGENT_ALLOW_OPENAI_FALLBACK")?;
        let fallback = key.filter(|_| allowed == Some(Allowed)).map(|api_key| {
            let text = |name, default: &str| read.get(name).unwrap_or(default).to_owned();
            OpenAiSetup {
                base_url: text("ORCH_OPENAI_BASE_URL", DEFAULT_BASE_URL),
                model: text("ORCH_OPENAI_MODEL", DEFAULT_MODEL),
                api_key: api_key.to_owned(),
            }
        });
        Ok(Self {
            command: read.get("CODEX_PLAN_CMD").map(str::to_owned),
            bin: read.get("CODEX_BIN").unwrap_or("codex").into(),
            timeout: read.seconds("CODEX_PLAN_TIMEOUT", DEFAULT_PLAN_TIMEOUT)?,
            error_backoff: read.seconds("CODEX_ERROR_BACKOFF", DEFAULT_BACKOFF)?,
            fallback,
            agent_env,
        })
    }

    /// The environment of the planning command: the agent's own, because it is the user's tool with
    /// the user's login, without what belongs to the platform.
    pub(super) fn command_env(&self) -> BTreeMap<String, String> {
        let is_ours = |name: &str| name.starts_with("ORCH_") || name.starts_with("AGENT_");
        let mut env = self.agent_env.clone();
        env.retain(|name, _| !is_ours(name));
        add_api_key(&mut env, user_home(&self.agent_env).as_deref());
        env
    }
}

/// `codex exec` reads a key from `CODEX_API_KEY` alone, and the documents promise that
/// `OPENAI_API_KEY` is enough. A login goes first, as it does in Codex.
pub(super) fn add_api_key(env: &mut BTreeMap<String, String>, codex_home: Option<&Path>) {
    let is_logged_in = codex_home.is_some_and(|home| home.join("auth.json").is_file());
    if is_logged_in || env.contains_key("CODEX_API_KEY") {
        return;
    }
    if let Some(key) = env.get("OPENAI_API_KEY").cloned() {
        env.insert("CODEX_API_KEY".to_owned(), key);
    }
}

fn user_home(env: &BTreeMap<String, String>) -> Option<PathBuf> {
    let read = Read(env);
    let by_default = || Some(Path::new(read.get("HOME")?).join(".codex"));
    read.get("CODEX_HOME")
        .map(PathBuf::from)
        .or_else(by_default)
}

/// `12`, `12%` or `0.12`. Written by another program and advisory: what cannot be read is left out.
fn percent(text: &str) -> Option<u32> {
    let text = text.trim();
    let number: f64 = text.trim_end_matches('%').trim_end().parse().ok()?;
    let is_share = text.contains('.') && !text.ends_with('%') && number <= 1.0;
    let percent = if is_share { number * 100.0 } else { number };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range was checked"
    )]
    (0.0..=100.0)
        .contains(&percent)
        .then(|| percent.round() as u32)
}

#[derive(PartialEq, Eq)]
struct Allowed;

struct Read<'e>(&'e BTreeMap<String, String>);

impl<'e> Read<'e> {
    fn get(&self, name: &str) -> Option<&'e str> {
        let value = self.0.get(name).map(String::as_str);
        value.filter(|value| !value.trim().is_empty())
    }

    fn seconds(&self, name: &'static str, default: Duration) -> Result<Duration, SetupError> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        let seconds = text.trim().parse::<f64>().ok();
        seconds
            .filter(|seconds| *seconds > 0.0)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| SetupError {
                name,
                value: text.to_owned(),
                expected: "seconds above 0, such as 2 or 0.5",
            })
    }

    fn switch(&self, name: &'static str) -> Result<Option<Allowed>, SetupError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        match text.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(Some(Allowed)),
            "0" | "false" | "no" | "off" => Ok(None),
            _ => Err(SetupError {
                name,
                value: text.to_owned(),
                expected: "true or false",
            }),
        }
    }
}

impl fmt::Debug for CodexSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodexSetup")
            .field("bin", &self.bin)
            .field("config", &self.config)
            .field("user_home", &self.user_home)
            .field("context_remaining", &self.context_remaining)
            .field("error_backoff", &self.error_backoff)
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PlannerSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlannerSetup")
            .field("command", &self.command)
            .field("bin", &self.bin)
            .field("timeout", &self.timeout)
            .field("fallback", &self.fallback)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OpenAiSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiSetup")
            .field("base_url", &self.base_url)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "setup_tests.rs"]
mod tests;
