//! Settings of the agent, by the documents' names.
//!
//! Finds each value and its origin; what a value means, the agent itself says.

use std::path::{Path, PathBuf};

use clap::Args;
use orch_agent::{AgentConfig, AgentError};

use super::{Reader, Setting, client, parse, server, team};

const STATE_DIR: Setting = Setting::new("AGENT_STATE_DIR").flag("state-dir");
const WORKSPACE: Setting = Setting::new("AGENT_WORKSPACE").flag("workspace");
const SETTINGS: [Setting; 65] = [
    Setting::new("AGENT_ID").flag("id"),
    Setting::new("AGENT_SLOTS").flag("slots").default("4"),
    WORKSPACE,
    Setting::new("AGENT_EXECUTOR")
        .flag("executor")
        .default("shell"),
    // Arguments may carry keys.
    Setting::new("AGENT_COMMAND").secret(),
    Setting::new("AGENT_COMMAND_EVENTS"),
    Setting::new("AGENT_COMMAND_ENV"),
    Setting::new("AGENT_COMMAND_HOSTS"),
    // Without a default here: one that is asked for must be there.
    Setting::new("AGENT_CODEX_MODE"),
    Setting::new("AGENT_CODEX_APPROVAL").default("on-request"),
    Setting::new("AGENT_CODEX_TOKEN_BUDGET"),
    Setting::new("AGENT_CODEX_HOSTS"),
    Setting::new("AGENT_SANDBOX")
        .flag("sandbox")
        .default("auto"),
    Setting::new("AGENT_SANDBOX_IMAGE"),
    Setting::new("AGENT_SANDBOX_PULL").default("never"),
    Setting::new("AGENT_SANDBOX_SOCKET"),
    Setting::new("AGENT_SANDBOX_READ"),
    Setting::new("AGENT_ALLOWED_HOSTS"),
    // Without defaults here: one that is given needs a sandbox.
    Setting::new("AGENT_LIMIT_MEMORY"),
    Setting::new("AGENT_LIMIT_DISK"),
    Setting::new("AGENT_MIN_FREE_BYTES").default("64M"),
    Setting::new("AGENT_LIMIT_FILE"),
    Setting::new("AGENT_LIMIT_TMPFS"),
    Setting::new("AGENT_LIMIT_PROCESSES"),
    Setting::new("AGENT_LIMIT_OPEN_FILES"),
    Setting::new("AGENT_LIMIT_CPU"),
    Setting::new("AGENT_TOOL_CATALOG").flag("catalog"),
    Setting::new("AGENT_TOOL_CACHE").flag("cache"),
    Setting::new("AGENT_TOOL_KEYS").flag("keys"),
    Setting::new("AGENT_TOOL_UNSIGNED")
        .flag("allow-unsigned")
        .default("refuse"),
    Setting::new("AGENT_TOOL_CACHE_BYTES").default("20G"),
    Setting::new("AGENT_TOOL_CACHE_DAYS").default("30"),
    Setting::new("AGENT_TOOL_OSV").flag("osv"),
    Setting::new("AGENT_TOOL_SEVERITY").default("high"),
    Setting::new("AGENT_GIT_SSH_KEY"),
    Setting::new("AGENT_GIT_SSH_KNOWN_HOSTS"),
    Setting::new("AGENT_GIT_TIMEOUT").default("600"),
    Setting::new("AGENT_DISK_CAP"),
    Setting::new("AGENT_KEEP_FAILED").default("24h"),
    Setting::new("AGENT_KEEP_FAILED_BYTES").default("5G"),
    Setting::new("AGENT_SNAPSHOT_BYTES").default("256M"),
    Setting::new("AGENT_SHELL").default("/bin/sh"),
    Setting::new("AGENT_STEPS"),
    STATE_DIR,
    Setting::new("AGENT_KEEP_RUNS").default("0"),
    Setting::new("AGENT_ARTIFACT_FILE_LIMIT").default("1G"),
    Setting::new("AGENT_ARTIFACT_RUN_LIMIT").default("4G"),
    Setting::new("AGENT_CLAIM_TTL"),
    Setting::new("AGENT_INTERVAL").default("2"),
    Setting::new("AGENT_HEARTBEAT_INTERVAL").default("10"),
    Setting::new("AGENT_TICK_INTERVAL").default("1"),
    server::AGENT_SECRET,
    Setting::new("AGENT_ENABLE_LLM_PLANNING").default("false"),
    Setting::new("AGENT_ALLOW_OPENAI_FALLBACK").default("false"),
    Setting::new("CODEX_PLAN_CMD"),
    Setting::new("CODEX_PLAN_TIMEOUT"),
    Setting::new("CODEX_BIN").default("codex"),
    Setting::new("CODEX_HOME"),
    Setting::new("CODEX_CONFIG"),
    // Options may carry keys.
    Setting::new("CODEX_ARGS").secret(),
    Setting::new("CODEX_CONTEXT_REMAINING"),
    Setting::new("CODEX_ERROR_BACKOFF").default("2"),
    team::KEY,
    team::MODEL,
    team::BASE_URL,
];

/// Flags of `agent run` and `up`.
#[derive(Args, Clone, Debug, Default)]
pub struct AgentFlags {
    /// Name of the agent [env: AGENT_ID] [default: a random one, kept in the data folder]
    #[arg(long, value_name = "NAME")]
    pub id: Option<String>,
    /// Runs that it works at once [env: AGENT_SLOTS] [default: 4]
    #[arg(long, value_name = "N")]
    pub slots: Option<String>,
    /// Folder that every run works in a copy of [env: AGENT_WORKSPACE] [default: an empty one]
    #[arg(long, value_name = "FOLDER")]
    pub workspace: Option<String>,
    /// shell runs the steps, codex hands the work to the Codex CLI, command to the program in AGENT_COMMAND [env: AGENT_EXECUTOR] [default: shell]
    #[arg(long, value_name = "EXECUTOR")]
    pub executor: Option<String>,
    /// What steps run in: auto, bubblewrap, landlock, docker, podman, or process, which is no sandbox [env: AGENT_SANDBOX] [default: auto]
    #[arg(long, value_name = "SANDBOX")]
    pub sandbox: Option<String>,
    /// Folder of the agent's name and runs [env: AGENT_STATE_DIR] [default: one of its own in the data folder]
    #[arg(long, value_name = "FOLDER")]
    pub state_dir: Option<String>,
    /// Flags of other commands, by the settings that they stand over.
    #[arg(skip)]
    pub tools: Vec<(&'static str, String)>,
}

impl AgentFlags {
    fn of(&self, setting: &Setting) -> Option<&str> {
        match setting.flag {
            Some("id") => self.id.as_deref(),
            Some("slots") => self.slots.as_deref(),
            Some("workspace") => self.workspace.as_deref(),
            Some("executor") => self.executor.as_deref(),
            Some("sandbox") => self.sandbox.as_deref(),
            Some("state-dir") => self.state_dir.as_deref(),
            Some(_) | None => {
                let given = self
                    .tools
                    .iter()
                    .find(|(name, _)| *name == setting.variable);
                given.map(|(_, value)| value.as_str())
            }
        }
    }
}

/// The folder of one agent's name and runs, where it is named.
pub fn state_dir(reader: &mut Reader<'_>, flag: Option<&str>) -> Option<PathBuf> {
    reader.optional(&STATE_DIR, flag, parse::path)
}

/// Reads the settings of an agent that talks to `url`, and keeps its things in `state_dir` unless
/// a setting says otherwise.
pub fn agent_config(
    reader: &mut Reader<'_>,
    flags: &AgentFlags,
    url: &str,
    state_dir: &Path,
) -> AgentConfig {
    // Codex gets what this program got, as far as the agent lets it.
    let mut variables = reader.variables();
    for setting in &SETTINGS {
        let given = match setting.variable {
            name if name == WORKSPACE.variable => {
                reader.optional(setting, flags.of(setting), folder)
            }
            _ => reader.optional(setting, flags.of(setting), parse::text),
        };
        variables.extend(given.map(|text| (setting.variable.to_owned(), text)));
    }
    // One cache for all agents of a data folder.
    if let Some(data) = state_dir.parent() {
        let cache = data.join("tools").to_string_lossy().into_owned();
        variables
            .entry("AGENT_TOOL_CACHE".to_owned())
            .or_insert(cache);
    }
    reader.optional(&client::TOKEN, None, parse::text);
    // Which server is meant, the caller knows.
    variables.remove("ORCH_URL");

    let plain = AgentConfig::new(url, state_dir);
    plain
        .clone()
        .with_variables(&variables)
        .unwrap_or_else(|error| {
            reader.refuse(&faulty(&error), error.to_string());
            plain
        })
}

/// The setting that the agent cannot use.
fn faulty(error: &AgentError) -> Setting {
    let name = match error {
        AgentError::Setting { name, .. } | AgentError::NeedsSandbox { name } => name,
        AgentError::Url { .. }
        | AgentError::Token
        | AgentError::Identity { .. }
        | AgentError::InvalidIdentity { .. }
        | AgentError::Leftovers(_)
        | AgentError::OwnProgram(_)
        | AgentError::Sandbox(_)
        | AgentError::Missing(_)
        | AgentError::Refused { .. } => "AGENT_ID",
    };
    let known = SETTINGS.iter().find(|setting| setting.variable == name);
    known.copied().unwrap_or_else(|| Setting::new("AGENT_ID"))
}

fn folder(text: &str) -> Result<String, String> {
    match Path::new(text).metadata() {
        Ok(found) if found.is_dir() => Ok(text.to_owned()),
        Ok(_) => Err("it is no folder".to_owned()),
        Err(error) => Err(format!("expected a folder that exists ({error})")),
    }
}

#[cfg(test)]
mod tests {
    use orch_agent::Executor;

    use super::*;
    use crate::config::Settings;
    use crate::failure::Failure;

    fn read(environment: &[(&str, &str)], flags: &AgentFlags) -> Result<AgentConfig, Failure> {
        let variables = environment
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let settings = Settings::new(variables, &[]).unwrap();
        let mut reader = Reader::new(&settings);
        let agent = agent_config(
            &mut reader,
            flags,
            "http://127.0.0.1:1",
            Path::new("/state"),
        );
        reader.finish().map(|()| agent)
    }

    #[test]
    fn flags_win_over_the_documents_variables() {
        let environment = [
            ("AGENT_SLOTS", "2"),
            ("AGENT_EXECUTOR", "codex"),
            ("AGENT_STEPS", "a\nb"),
            ("PATH", "/bin"),
            ("ORCH_API_TOKEN", "t"),
            ("ORCH_URL", "http://else"),
        ];
        let flags = AgentFlags {
            slots: Some("7".into()),
            workspace: Some("/".into()),
            ..AgentFlags::default()
        };
        let agent = read(&environment, &flags).unwrap();
        assert_eq!((agent.slots, agent.path.as_str()), (7, "/bin"));
        assert!(matches!(agent.executor, Executor::Codex(_)));
        assert_eq!(agent.url, "http://127.0.0.1:1");
        assert_eq!(agent.steps, Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(
            (agent.workspace, agent.api_token),
            (Some(PathBuf::from("/")), Some("t".to_owned()))
        );
    }

    #[test]
    fn wrong_values_are_named_with_what_is_expected() {
        let fault = |name, value| {
            read(&[(name, value)], &AgentFlags::default())
                .unwrap_err()
                .message
        };
        assert_eq!(
            fault("AGENT_SLOTS", "0"),
            "AGENT_SLOTS is \"0\"; expected a whole number from 1"
        );
        assert!(
            fault("AGENT_WORKSPACE", "/nowhere/at/all").contains("expected a folder that exists")
        );
    }
}
