//! Which program, with which arguments, and what it gets of the agent's environment.

use std::{collections::BTreeMap, fmt};

use orch_core::recipe::{check_env_name, check_host};

use crate::codex::{SetupError, argument_model, words};

/// How a program tells what it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Lines for people.
    #[default]
    Text,
    /// `claude -p --output-format stream-json --verbose`.
    ClaudeStreamJson,
    /// `opencode run --format json`.
    OpencodeJson,
    /// `gemini --output-format stream-json`.
    GeminiStreamJson,
}

impl Format {
    const ALL: [(&'static str, Self); 5] = [
        ("text", Self::Text),
        ("claude-stream-json", Self::ClaudeStreamJson),
        ("opencode-json", Self::OpencodeJson),
        ("gemini-stream-json", Self::GeminiStreamJson),
        ("gemini", Self::GeminiStreamJson),
    ];
}

/// A program that carries runs out.
#[derive(Clone)]
pub struct CommandSetup {
    /// What it is called in the log.
    pub name: String,
    /// Program and arguments; `{prompt}` and `{prompt_file}` stand for the prompt. Without either it
    /// comes on the standard input.
    pub argv: Vec<String>,
    pub format: Format,
    /// The hosts of its model provider.
    pub hosts: Vec<String>,
    /// Variables of the agent's environment that it gets, and some of its own.
    pub env: BTreeMap<String, String>,
}

struct Preset {
    name: &'static str,
    line: &'static str,
    format: Format,
    hosts: &'static [&'static str],
    pass: &'static [&'static str],
    set: &'static [(&'static str, &'static str)],
}

const PRESETS: [Preset; 3] = [
    Preset {
        name: "claude",
        line: "claude -p --output-format stream-json --verbose --permission-mode bypassPermissions",
        format: Format::ClaudeStreamJson,
        hosts: &["api.anthropic.com"],
        pass: &[
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "ANTHROPIC_BASE_URL",
            "ANTHROPIC_MODEL",
            "CLAUDE_CODE_OAUTH_TOKEN",
        ],
        // Whether it is one, the agent knows; Claude asks, because it refuses to work as root else.
        set: &[
            ("IS_SANDBOX", "1"),
            ("DISABLE_AUTOUPDATER", "1"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        ],
    },
    Preset {
        name: "opencode",
        line: "opencode run --format json {prompt}",
        format: Format::OpencodeJson,
        hosts: &[],
        pass: &[
            "ANTHROPIC_API_KEY",
            "OPENAI_API_KEY",
            "OPENROUTER_API_KEY",
            "OPENCODE_CONFIG_CONTENT",
        ],
        set: &[("OPENCODE_DISABLE_AUTOUPDATE", "1")],
    },
    Preset {
        name: "gemini",
        line: "gemini --output-format stream-json --approval-mode yolo -p {prompt}",
        format: Format::GeminiStreamJson,
        hosts: &["generativelanguage.googleapis.com"],
        pass: &["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"],
        set: &[],
    },
];

impl CommandSetup {
    /// The model that its arguments name.
    pub(super) fn model(&self) -> Option<String> {
        argument_model(&self.argv)
    }

    /// Reads the settings from the agent's environment. A preset's parts are those that no variable
    /// names.
    ///
    /// # Errors
    /// [`SetupError`] names the variable whose value cannot be used.
    pub fn from_env(agent_env: &BTreeMap<String, String>) -> Result<Self, SetupError> {
        let get = |name: &str| {
            let value = agent_env.get(name).map(|value| value.trim());
            value.filter(|value| !value.is_empty())
        };
        let refuse = |name, value: &str, expected| SetupError {
            name,
            value: value.to_owned(),
            expected,
        };
        const EXPECTED: &str =
            "claude, opencode, gemini, or a command line such as 'my-agent --quiet {prompt_file}'";
        let line = get("AGENT_COMMAND").unwrap_or_default();
        let preset = PRESETS.iter().find(|preset| preset.name == line);
        let text = preset.map_or(line, |preset| preset.line);
        let argv = words(text).filter(|argv| !argv.is_empty());
        let argv = argv.ok_or_else(|| refuse("AGENT_COMMAND", line, EXPECTED))?;
        let format = match get("AGENT_COMMAND_EVENTS") {
            None => preset.map_or(Format::Text, |preset| preset.format),
            Some(name) => {
                let known = Format::ALL.iter().find(|(known, _)| *known == name);
                let expected = "text, claude-stream-json, opencode-json or gemini-stream-json";
                known
                    .ok_or_else(|| refuse("AGENT_COMMAND_EVENTS", name, expected))?
                    .1
            }
        };
        let list = |name: &str| {
            get(name).map(|text| {
                let parts = text
                    .split([',', ' '])
                    .map(str::trim)
                    .filter(|part| !part.is_empty());
                parts.map(str::to_owned).collect::<Vec<_>>()
            })
        };
        let hosts = match list("AGENT_COMMAND_HOSTS") {
            None => preset
                .map_or(&[] as &[&str], |preset| preset.hosts)
                .iter()
                .map(|host| (*host).to_owned())
                .collect(),
            Some(hosts) => {
                let read = hosts
                    .iter()
                    .map(|host| check_host(host))
                    .collect::<Result<_, _>>();
                let expected =
                    "hosts with commas between them, such as api.example.com,127.0.0.1:8080";
                read.map_err(|_| refuse("AGENT_COMMAND_HOSTS", &hosts.join(","), expected))?
            }
        };
        let mut pass: Vec<String> = preset
            .map_or(&[] as &[&str], |preset| preset.pass)
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        for name in list("AGENT_COMMAND_ENV").unwrap_or_default() {
            let expected =
                "names of variables with commas between them; none of ORCH_* and AGENT_*";
            if check_env_name(&name).is_err()
                || name.starts_with("ORCH_")
                || name.starts_with("AGENT_")
            {
                return Err(refuse("AGENT_COMMAND_ENV", &name, expected));
            }
            pass.push(name);
        }
        let mut env: BTreeMap<String, String> = preset
            .map_or(&[] as &[(&str, &str)], |preset| preset.set)
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        env.extend(pass.into_iter().filter_map(|name| {
            let value = agent_env.get(&name)?.clone();
            Some((name, value))
        }));
        let program = argv[0].rsplit('/').next().unwrap_or_default();
        Ok(Self {
            name: program.to_owned(),
            argv,
            format,
            hosts,
            env,
        })
    }

    /// What it got of the agent's environment and must not tell.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let is_secret = |name: &str| {
            let parts = ["KEY", "TOKEN", "SECRET", "PASSWORD", "CONFIG_CONTENT"];
            parts
                .iter()
                .any(|part| name.to_ascii_uppercase().contains(part))
        };
        let secrets = self
            .env
            .iter()
            .filter(move |(name, value)| is_secret(name) && value.len() >= 8);
        secrets.map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for CommandSetup {
    /// Names of variables alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandSetup")
            .field("name", &self.name)
            .field("format", &self.format)
            .field("hosts", &self.hosts)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<CommandSetup, String> {
        let env = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        CommandSetup::from_env(&env.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_preset_brings_its_format_hosts_and_keys_and_nothing_else_of_the_environment() {
        let setup = read(&[
            ("AGENT_COMMAND", "claude"),
            ("ANTHROPIC_API_KEY", "hush-hush"),
            ("OTHER_KEY", "no"),
            ("AGENT_COMMAND_ENV", "MY_PROXY"),
            ("MY_PROXY", "http://p"),
        ])
        .unwrap();
        assert_eq!(setup.argv[..2], ["claude", "-p"]);
        assert_eq!(setup.format, Format::ClaudeStreamJson);
        assert_eq!(setup.hosts, ["api.anthropic.com"]);
        assert_eq!(setup.env["MY_PROXY"], "http://p");
        assert!(!setup.env.contains_key("OTHER_KEY"));
        assert_eq!(setup.secrets().collect::<Vec<_>>(), ["hush-hush"]);
        assert!(!format!("{setup:?}").contains("hush"));
    }

    #[test]
    fn a_template_is_split_into_words_and_wrong_values_are_named() {
        let setup = read(&[("AGENT_COMMAND", "/opt/bin/mine --say 'a b' {prompt_file}")]).unwrap();
        assert_eq!(
            setup.argv,
            ["/opt/bin/mine", "--say", "a b", "{prompt_file}"]
        );
        assert_eq!((setup.name.as_str(), setup.format), ("mine", Format::Text));
        for (pairs, part) in [
            (
                vec![],
                "AGENT_COMMAND is \"\"; expected claude, opencode, gemini",
            ),
            (vec![("AGENT_COMMAND", "a 'b")], "AGENT_COMMAND is"),
            (
                vec![("AGENT_COMMAND", "a"), ("AGENT_COMMAND_EVENTS", "xml")],
                "expected text, claude-stream-json",
            ),
            (
                vec![
                    ("AGENT_COMMAND", "a"),
                    ("AGENT_COMMAND_ENV", "ORCH_API_TOKEN"),
                ],
                "none of ORCH_*",
            ),
            (
                vec![("AGENT_COMMAND", "a"), ("AGENT_COMMAND_HOSTS", "https://x")],
                "expected hosts",
            ),
        ] {
            let refusal = read(&pairs).unwrap_err();
            assert!(refusal.contains(part), "`{part}` is not in: {refusal}");
        }
    }
}
