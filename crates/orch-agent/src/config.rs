//! The agent's settings, and their reading from the documents' environment names.
//!
//! Holds values alone; nothing is looked up on disk or network here. Secrets never show in `Debug`.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use orch_core::ids::AgentName;
use orch_tools::{SettingError, ToolSettings};

use crate::{
    AgentError, ArtifactLimits, SandboxSetup,
    codex::{CodexSetup, Mode, PlannerSetup, SetupError},
    command::CommandSetup,
    confine,
    workspaces::{self, WorkspaceSetup},
};

/// Everything an agent is told at its start.
#[derive(Clone)]
pub struct AgentConfig {
    /// Where the server listens (`ORCH_URL`); several addresses with commas between them are tried in
    /// turn.
    pub url: String,
    /// The agent's name (`AGENT_ID`); without one it is made once and kept in `state_dir/agent-id`.
    pub agent_id: Option<AgentName>,
    /// Holds the id, and the run folders under `runs` (`AGENT_STATE_DIR`).
    pub state_dir: PathBuf,
    /// Runs worked at once, at least 1 (`AGENT_SLOTS`).
    pub slots: usize,
    /// What keeps steps where they belong (`AGENT_SANDBOX`, `AGENT_LIMIT_*`, `AGENT_ALLOWED_HOSTS`).
    pub sandbox: SandboxSetup,
    /// Where tools come from and lie (`AGENT_TOOL_*`).
    pub tools: ToolSettings,
    /// The shell of steps (`AGENT_SHELL`).
    pub shell: PathBuf,
    /// Runs in place of a run's own steps (`AGENT_STEPS`, one a line).
    pub steps: Option<Vec<String>>,
    /// Presented to get answers in clear (`AGENT_SECRET_KEY`).
    pub secret: Option<String>,
    /// Sent as bearer token (`ORCH_API_TOKEN`).
    pub api_token: Option<String>,
    /// How long a hold lasts without a word, in place of the server's default (`AGENT_CLAIM_TTL`).
    pub claim_ttl: Option<Duration>,
    /// The longest pause between attempts to connect (`AGENT_INTERVAL`). Nothing is polled: the
    /// server pushes work.
    pub interval: Duration,
    /// How often the connection is checked while nothing is said (`AGENT_HEARTBEAT_INTERVAL`);
    /// more often where the hold's end requires it.
    pub heartbeat_interval: Duration,
    /// Accepted for the documents' sake (`AGENT_TICK_INTERVAL`) and without effect: the server
    /// schedules on wake-up while an agent is connected.
    pub tick_interval: Duration,
    /// How workspaces are made and kept (`AGENT_GIT_*`, `AGENT_DISK_CAP`).
    pub workspaces: WorkspaceSetup,
    /// Copied into the folder of each run whose project has no repository (`AGENT_WORKSPACE`).
    pub workspace: Option<PathBuf>,
    /// Who carries runs out (`AGENT_EXECUTOR`).
    pub executor: Executor,
    /// Planning by a model, where there is no recipe (`AGENT_ENABLE_LLM_PLANNING`).
    pub llm_planning: LlmPlanning,
    /// The pause after the server refused for overload (`CODEX_ERROR_BACKOFF`).
    pub error_backoff: Duration,
    /// Folders of so many finished runs are kept (`AGENT_KEEP_RUNS`).
    pub keep_runs: usize,
    /// What the agent says of itself.
    pub labels: Vec<String>,
    /// How much of a run is kept (`AGENT_ARTIFACT_FILE_LIMIT`, `AGENT_ARTIFACT_RUN_LIMIT`).
    pub artifacts: ArtifactLimits,
    /// Where steps and planners find programs (`PATH`).
    pub path: String,
}

/// Who carries a run out.
#[derive(Clone, Debug, Default)]
pub enum Executor {
    /// The run's steps, in a shell.
    #[default]
    Shell,
    /// The Codex command line, which decides by itself what to do.
    Codex(CodexSetup),
    /// Another coding agent's program (`AGENT_COMMAND`).
    Command(CommandSetup),
}

impl Executor {
    /// Whether it can be talked to while it works, unless what is installed lacks that.
    pub(crate) fn steers(&self) -> bool {
        match self {
            Self::Codex(setup) => setup.app.mode != Some(Mode::Exec),
            Self::Shell | Self::Command(_) => false,
        }
    }
}

/// Whether a model plans where nothing is given.
#[derive(Clone, Debug, Default)]
pub enum LlmPlanning {
    /// The workspace alone tells what to run.
    #[default]
    Off,
    /// A model is asked first.
    On(PlannerSetup),
}

impl AgentConfig {
    /// The defaults, for an agent that keeps its things in `state_dir`.
    #[must_use]
    pub fn new(url: impl Into<String>, state_dir: impl Into<PathBuf>) -> Self {
        let state_dir = state_dir.into();
        Self {
            url: url.into(),
            agent_id: None,
            tools: ToolSettings::new(&state_dir),
            state_dir,
            slots: 4,
            sandbox: SandboxSetup::default(),
            shell: "/bin/sh".into(),
            steps: None,
            secret: None,
            api_token: None,
            claim_ttl: None,
            interval: Duration::from_secs(2),
            heartbeat_interval: Duration::from_secs(10),
            tick_interval: Duration::from_secs(1),
            workspaces: WorkspaceSetup::default(),
            workspace: None,
            executor: Executor::Shell,
            llm_planning: LlmPlanning::Off,
            error_backoff: Duration::from_secs(2),
            keep_runs: 0,
            labels: Vec::new(),
            artifacts: ArtifactLimits::default(),
            path: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        }
    }

    /// Applies the documents' variables, as they stand in the agent's environment, over these
    /// settings. Blank values count as unset.
    ///
    /// # Errors
    /// [`AgentError::Setting`] names the first variable whose value cannot be used.
    pub fn with_variables(mut self, env: &BTreeMap<String, String>) -> Result<Self, AgentError> {
        let read = Variables(env);
        read.text("ORCH_URL", &mut self.url);
        if let Some(folder) = read.get("AGENT_STATE_DIR") {
            self.state_dir = folder.into();
        }
        if let Some(name) = read.get("AGENT_ID") {
            let expected = "1 to 128 characters without controls";
            let parsed = AgentName::parse(&name);
            self.agent_id = Some(parsed.ok_or_else(|| setting("AGENT_ID", name, expected))?);
        }
        read.count("AGENT_SLOTS", 1, &mut self.slots)?;
        confine::Variables(env).apply(&mut self.sandbox)?;
        self.tools = ToolSettings::new(&self.state_dir).with_variables(env)?;
        workspaces::Variables(env).apply(&mut self.workspaces)?;
        read.count("AGENT_KEEP_RUNS", 0, &mut self.keep_runs)?;
        let limits = &mut self.artifacts;
        read.bytes("AGENT_ARTIFACT_FILE_LIMIT", &mut limits.file_bytes)?;
        read.bytes("AGENT_ARTIFACT_RUN_LIMIT", &mut limits.run_bytes)?;
        if let Some(shell) = read.get("AGENT_SHELL") {
            self.shell = shell.into();
        }
        if let Some(steps) = read.get("AGENT_STEPS") {
            self.steps = Some(commands(&steps));
        }
        self.secret = read.get("AGENT_SECRET_KEY").or(self.secret);
        self.api_token = read.get("ORCH_API_TOKEN").or(self.api_token);
        if read.get("AGENT_CLAIM_TTL").is_some() {
            let mut ttl = Duration::ZERO;
            read.seconds("AGENT_CLAIM_TTL", &mut ttl)?;
            self.claim_ttl = Some(ttl);
        }
        read.seconds("AGENT_INTERVAL", &mut self.interval)?;
        read.seconds("AGENT_HEARTBEAT_INTERVAL", &mut self.heartbeat_interval)?;
        read.seconds("AGENT_TICK_INTERVAL", &mut self.tick_interval)?;
        self.workspace = read
            .get("AGENT_WORKSPACE")
            .map(PathBuf::from)
            .or(self.workspace);
        read.text("PATH", &mut self.path);
        read.seconds("CODEX_ERROR_BACKOFF", &mut self.error_backoff)?;
        self.executor = read.executor(self.executor)?;
        self.llm_planning = read.planning(self.llm_planning)?;
        Ok(self)
    }
}

/// The commands of a text with one on each line; blank lines are passed over.
pub(crate) fn commands(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

struct Variables<'v>(&'v BTreeMap<String, String>);

impl Variables<'_> {
    fn get(&self, name: &str) -> Option<String> {
        let value = self.0.get(name).filter(|value| !value.trim().is_empty());
        value.cloned()
    }

    fn text(&self, name: &str, value: &mut String) {
        if let Some(text) = self.get(name) {
            *value = text;
        }
    }

    fn count(&self, name: &'static str, least: usize, value: &mut usize) -> Result<(), AgentError> {
        let Some(text) = self.get(name) else {
            return Ok(());
        };
        let expected = if least == 0 {
            "a whole number"
        } else {
            "a whole number from 1"
        };
        let parsed = text.trim().parse().ok().filter(|count| *count >= least);
        *value = parsed.ok_or_else(|| setting(name, text, expected))?;
        Ok(())
    }

    fn bytes(&self, name: &'static str, value: &mut u64) -> Result<(), AgentError> {
        if let Some(text) = self.get(name) {
            let parsed = confine::parse_bytes(&text);
            let expected = "bytes, such as 512M or 4G";
            *value = parsed.ok_or_else(|| setting(name, text, expected))?;
        }
        Ok(())
    }

    fn seconds(&self, name: &'static str, value: &mut Duration) -> Result<(), AgentError> {
        let Some(text) = self.get(name) else {
            return Ok(());
        };
        let parsed = text
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|seconds| *seconds > 0.0);
        let parsed = parsed.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        *value = parsed.ok_or_else(|| setting(name, text, "seconds above 0, such as 2 or 0.5"))?;
        Ok(())
    }

    fn executor(&self, executor: Executor) -> Result<Executor, AgentError> {
        let Some(name) = self.get("AGENT_EXECUTOR") else {
            return Ok(executor);
        };
        match name.trim().to_ascii_lowercase().as_str() {
            "shell" => Ok(Executor::Shell),
            "codex" => Ok(Executor::Codex(CodexSetup::from_env(self.0.clone())?)),
            "command" => Ok(Executor::Command(CommandSetup::from_env(self.0)?)),
            _ => Err(setting("AGENT_EXECUTOR", name, "shell, codex or command")),
        }
    }

    fn planning(&self, planning: LlmPlanning) -> Result<LlmPlanning, AgentError> {
        const NAME: &str = "AGENT_ENABLE_LLM_PLANNING";
        let Some(text) = self.get(NAME) else {
            return Ok(planning);
        };
        match text.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => {
                Ok(LlmPlanning::On(PlannerSetup::from_env(self.0.clone())?))
            }
            "0" | "false" | "no" | "off" => Ok(LlmPlanning::Off),
            _ => Err(setting(NAME, text, "true or false")),
        }
    }
}

impl From<SettingError> for AgentError {
    fn from(error: SettingError) -> Self {
        setting(error.name, error.value, error.expected)
    }
}

impl From<SetupError> for AgentError {
    fn from(error: SetupError) -> Self {
        setting(error.name, error.value, error.expected)
    }
}

fn setting(name: &'static str, value: String, expected: &'static str) -> AgentError {
    AgentError::Setting {
        name,
        value,
        expected,
    }
}

/// Whether a secret is set, without the secret.
struct Hidden<'s>(&'s Option<String>);

impl fmt::Debug for Hidden<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "set, not shown"
        } else {
            "unset"
        })
    }
}

impl fmt::Debug for AgentConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentConfig")
            .field("url", &self.url)
            .field("agent_id", &self.agent_id)
            .field("state_dir", &self.state_dir)
            .field("slots", &self.slots)
            .field("sandbox", &self.sandbox)
            .field("shell", &self.shell)
            .field("steps", &self.steps)
            .field("secret", &Hidden(&self.secret))
            .field("api_token", &Hidden(&self.api_token))
            .field("claim_ttl", &self.claim_ttl)
            .field("interval", &self.interval)
            .field("heartbeat_interval", &self.heartbeat_interval)
            .field("workspace", &self.workspace)
            .field("executor", &self.executor)
            .field("llm_planning", &self.llm_planning)
            .field("error_backoff", &self.error_backoff)
            .field("keep_runs", &self.keep_runs)
            .field("artifacts", &self.artifacts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<AgentConfig, String> {
        let env = pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        let config = AgentConfig::new("http://127.0.0.1:18080", "/state");
        config
            .with_variables(&env)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_documents_variables_are_read() {
        let config = read(&[
            ("ORCH_URL", "http://control:1"),
            ("AGENT_SLOTS", "2"),
            ("AGENT_STEPS", "echo a\n\n  echo b \n"),
            ("AGENT_CLAIM_TTL", "300"),
            ("AGENT_INTERVAL", "0.5"),
            ("AGENT_EXECUTOR", "codex"),
            ("AGENT_ENABLE_LLM_PLANNING", "True"),
            ("AGENT_ID", " "),
            ("CODEX_CONTEXT_REMAINING", "12%"),
        ])
        .unwrap();
        assert_eq!(config.url, "http://control:1");
        assert_eq!(config.slots, 2);
        assert_eq!(
            config.steps,
            Some(vec!["echo a".to_owned(), "echo b".to_owned()])
        );
        assert_eq!(config.claim_ttl, Some(Duration::from_secs(300)));
        assert_eq!(config.interval, Duration::from_millis(500));
        assert!(
            matches!(config.executor, Executor::Codex(setup) if setup.context_remaining == Some(12))
        );
        assert!(matches!(config.llm_planning, LlmPlanning::On(_)));
        assert_eq!(config.agent_id, None);
    }

    #[test]
    fn a_value_that_cannot_be_used_is_named() {
        let refusal = |name, value| read(&[(name, value)]).unwrap_err();
        assert_eq!(
            refusal("AGENT_SLOTS", "0"),
            "AGENT_SLOTS is \"0\"; expected a whole number from 1"
        );
        assert_eq!(
            refusal("AGENT_INTERVAL", "-1"),
            "AGENT_INTERVAL is \"-1\"; expected seconds above 0, such as 2 or 0.5"
        );
        assert_eq!(
            refusal("AGENT_EXECUTOR", "magic"),
            "AGENT_EXECUTOR is \"magic\"; expected shell, codex or command"
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let config = read(&[
            ("AGENT_SECRET_KEY", "hush-1"),
            ("ORCH_API_TOKEN", "hush-2"),
            ("OPENAI_API_KEY", "hush-3"),
            ("AGENT_EXECUTOR", "codex"),
            ("AGENT_ENABLE_LLM_PLANNING", "on"),
            ("AGENT_ALLOW_OPENAI_FALLBACK", "on"),
        ])
        .unwrap();
        let shown = format!("{config:?}");
        assert!(!shown.contains("hush"), "{shown}");
        assert!(shown.contains("set, not shown"), "{shown}");
    }
}
