//! By which of its two interfaces Codex carries runs out, and what is particular to the app-server.
//!
//! The app-server is taken where the installed Codex has one. Falling back is said in the log, and
//! where the operator asked for the app-server by name it is an error.

use std::collections::BTreeMap;

use orch_core::recipe::check_host;
use tokio_util::sync::CancellationToken;

use super::{
    CodexError, CodexSetup, Keeper, SetupError, probe, program::installed, provider,
    session::Launch,
};

/// How Codex is talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `codex app-server`: one process for the run, which can be interrupted, steered and answered.
    AppServer,
    /// `codex exec --json`: one process for each turn.
    Exec,
}

/// When Codex asks for leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approval {
    /// For what it takes for dangerous, and for what its own sandbox refuses.
    #[default]
    OnRequest,
    /// For everything but reading.
    Untrusted,
    /// Never.
    Never,
}

impl Approval {
    const ALL: [(&'static str, Self); 3] = [
        ("on-request", Self::OnRequest),
        ("untrusted", Self::Untrusted),
        ("never", Self::Never),
    ];

    /// Codex's word for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OnRequest => "on-request",
            Self::Untrusted => "untrusted",
            Self::Never => "never",
        }
    }
}

/// The settings of the app-server and of the way to the model provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppSetup {
    /// `AGENT_CODEX_MODE`; without one, the app-server where there is one.
    pub mode: Option<Mode>,
    /// `AGENT_CODEX_APPROVAL`.
    pub approval: Approval,
    /// `AGENT_CODEX_TOKEN_BUDGET`: input and output tokens that a run may use.
    pub token_budget: Option<u64>,
    /// `AGENT_CODEX_HOSTS`: hosts that the sandbox lets Codex reach, in place of those that the
    /// configuration tells.
    pub hosts: Option<Vec<String>>,
}

impl AppSetup {
    /// Reads the settings. Blank values count as unset.
    pub(super) fn from_env(env: &BTreeMap<String, String>) -> Result<Self, SetupError> {
        let get = |name: &str| {
            let value = env.get(name).map(|value| value.trim());
            value.filter(|value| !value.is_empty())
        };
        let refuse = |name, value: &str, expected| SetupError {
            name,
            value: value.to_owned(),
            expected,
        };
        let mode = match get("AGENT_CODEX_MODE") {
            None => None,
            Some("app-server") => Some(Mode::AppServer),
            Some("exec") => Some(Mode::Exec),
            Some(other) => return Err(refuse("AGENT_CODEX_MODE", other, "app-server or exec")),
        };
        let approval = match get("AGENT_CODEX_APPROVAL") {
            None => Approval::default(),
            Some(name) => {
                let known = Approval::ALL.iter().find(|(known, _)| *known == name);
                let expected = "on-request, untrusted or never";
                known
                    .ok_or_else(|| refuse("AGENT_CODEX_APPROVAL", name, expected))?
                    .1
            }
        };
        let token_budget = match get("AGENT_CODEX_TOKEN_BUDGET") {
            None => None,
            Some(text) => {
                let tokens = text.parse::<u64>().ok().filter(|tokens| *tokens > 0);
                let expected = "a whole number of tokens from 1, such as 500000";
                Some(tokens.ok_or_else(|| refuse("AGENT_CODEX_TOKEN_BUDGET", text, expected))?)
            }
        };
        let hosts = match get("AGENT_CODEX_HOSTS") {
            None => None,
            Some(text) => {
                let listed = text
                    .split([',', ' '])
                    .map(str::trim)
                    .filter(|host| !host.is_empty());
                let read: Result<Vec<String>, _> = listed.map(check_host).collect();
                let expected =
                    "hosts with commas between them, such as api.example.com,127.0.0.1:8080";
                Some(read.map_err(|_| refuse("AGENT_CODEX_HOSTS", text, expected))?)
            }
        };
        Ok(Self {
            mode,
            approval,
            token_budget,
            hosts,
        })
    }
}

impl CodexSetup {
    /// The hosts that Codex itself has to reach, where it has to.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        match &self.app.hosts {
            Some(hosts) => hosts.clone(),
            None => self.provider_hosts(),
        }
    }

    /// The hosts of the model provider, as the configuration tells them.
    #[must_use]
    pub fn provider_hosts(&self) -> Vec<String> {
        let (config, has_login) = self.chosen();
        provider::hosts(&config, &self.agent_env, has_login)
    }

    /// The user's configuration, and whether there is a login.
    pub(super) fn chosen(&self) -> (String, bool) {
        let config = self.config.as_ref();
        let text = config.and_then(|file| std::fs::read_to_string(file).ok());
        let home = self.user_home.as_ref();
        let has_login = home.is_some_and(|home| home.join("auth.json").is_file());
        (text.unwrap_or_default(), has_login)
    }
}

/// How this run's Codex is talked to, and what to say of it.
///
/// # Errors
/// When the operator's choice cannot be followed.
pub(super) async fn choose(
    setup: &CodexSetup,
    launch: &Launch,
    cancel: &CancellationToken,
) -> Result<(Mode, Option<String>), CodexError> {
    if setup.app.mode == Some(Mode::Exec) {
        return Ok((Mode::Exec, None));
    }
    let path = launch.env.get("PATH").map_or("", String::as_str);
    let program = match &launch.keeper {
        Keeper::Run(_) | Keeper::Codex => installed(&setup.bin, path)?.program,
    };
    let known = match Arguments::read(&setup.extra_args) {
        Err(argument) => Err(format!(
            "CODEX_ARGS holds `{argument}`, which `codex exec` alone takes"
        )),
        Ok(_) => probe::app_server(&program, &launch.work, &launch.env, cancel).await,
    };
    match (known, setup.app.mode) {
        (Ok(()), _) => Ok((Mode::AppServer, None)),
        (Err(why), Some(Mode::AppServer)) => Err(CodexError::NoAppServer { why }),
        (Err(why), _) => {
            let said = format!(
                "{why}: `codex exec` carries the run out, which can neither be steered nor ask for leave"
            );
            Ok((Mode::Exec, Some(said)))
        }
    }
}

/// What of `CODEX_ARGS` the app-server takes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    /// On its command line.
    pub(super) own: Vec<String>,
    /// Said when a thread begins.
    pub(super) model: Option<String>,
}

impl Arguments {
    /// # Errors
    /// The first argument that it does not take.
    pub(super) fn read(arguments: &[String]) -> Result<Self, String> {
        let mut read = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (argument.as_str(), None),
            };
            if !matches!(
                name,
                "-c" | "--config" | "--enable" | "--disable" | "-m" | "--model"
            ) {
                return Err(argument.clone());
            }
            let value = value.or_else(|| rest.next().cloned());
            let value = value.ok_or_else(|| argument.clone())?;
            match name {
                "-m" | "--model" => read.model = Some(value),
                name => read.own.extend([name.to_owned(), value]),
            }
        }
        Ok(read)
    }
}

/// The model that arguments of a coding agent's program name; the last one counts.
pub(crate) fn argument_model(arguments: &[String]) -> Option<String> {
    let mut rest = arguments.iter();
    let mut named = None;
    while let Some(argument) = rest.next() {
        match argument.split_once('=') {
            Some(("--model" | "-m", value)) => named = Some(value.to_owned()),
            Some(_) | None if matches!(&**argument, "-m" | "--model") => {
                named = rest.next().cloned();
            }
            Some(_) | None => {}
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<AppSetup, String> {
        let env = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        AppSetup::from_env(&env.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_settings_are_read_and_wrong_ones_named() {
        assert_eq!(read(&[]).unwrap(), AppSetup::default());
        let expected = AppSetup {
            mode: Some(Mode::Exec),
            approval: Approval::Never,
            token_budget: Some(9),
            hosts: Some(vec!["a.test".to_owned(), "127.0.0.1:80".to_owned()]),
        };
        let all = [
            ("AGENT_CODEX_MODE", "exec"),
            ("AGENT_CODEX_APPROVAL", "never"),
            ("AGENT_CODEX_TOKEN_BUDGET", "9"),
            ("AGENT_CODEX_HOSTS", "a.test, 127.0.0.1:80"),
        ];
        assert_eq!(read(&all).unwrap(), expected);
        for (name, value, expected) in [
            ("AGENT_CODEX_MODE", "mcp", "expected app-server or exec"),
            (
                "AGENT_CODEX_APPROVAL",
                "ask",
                "expected on-request, untrusted or never",
            ),
            (
                "AGENT_CODEX_TOKEN_BUDGET",
                "0",
                "expected a whole number of tokens from 1",
            ),
            ("AGENT_CODEX_HOSTS", "https://x", "expected hosts"),
        ] {
            let refusal = read(&[(name, value)]).unwrap_err();
            assert!(
                refusal.starts_with(name) && refusal.contains(expected),
                "{refusal}"
            );
        }
    }

    #[test]
    fn the_last_model_that_arguments_name_counts_however_it_is_written() {
        for (line, named) in [
            ("agent --quiet", None),
            ("agent -m a", Some("a")),
            ("agent --model a", Some("a")),
            ("agent --model=a -x", Some("a")),
            ("agent -m=a", Some("a")),
            ("agent --model=a -m b", Some("b")),
            ("agent -m a --model=b", Some("b")),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(argument_model(&words).as_deref(), named, "{line}");
        }
    }

    #[test]
    fn of_the_arguments_of_exec_those_are_taken_that_the_app_server_knows() {
        let read = |text: &[&str]| {
            let words: Vec<String> = text.iter().map(|word| (*word).to_owned()).collect();
            Arguments::read(&words)
        };
        let expected = Arguments {
            own: ["-c", "a=\"b=c\"", "--enable", "x"]
                .map(str::to_owned)
                .to_vec(),
            model: Some("m".to_owned()),
        };
        let given = ["-c", "a=\"b=c\"", "--enable=x", "--model", "m"];
        assert_eq!(read(&given), Ok(expected));
        assert_eq!(read(&["-s", "read-only"]), Err("-s".to_owned()));
        assert_eq!(read(&["-c"]), Err("-c".to_owned()));
    }
}
