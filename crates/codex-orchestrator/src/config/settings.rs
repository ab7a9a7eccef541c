//! The environment, and the files `.env.local` and `.env` of the current folder.
//!
//! The files add variables of this program alone: a `.env` found in a foreign folder must not
//! reach anything else.

use std::collections::BTreeMap;
use std::io;

use super::Source;
use crate::failure::Failure;

/// Strongest first.
const FILES: [&str; 2] = [".env.local", ".env"];
const PREFIXES: [&str; 4] = ["ORCH_", "AGENT_", "CODEX_", "OPENAI_"];
const NAMES: [&str; 9] = [
    "PORT",
    "LOG_LEVEL",
    "LOG_FORMAT",
    "MAX_CONCURRENT_REQUESTS",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_ENDPOINT_URL",
];

/// Variables by name, in layers.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    layers: Vec<(Source, BTreeMap<String, String>)>,
}

impl Settings {
    /// Reads the process's environment and the files of the current folder.
    pub fn load() -> Result<Self, Failure> {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let mut files = Vec::new();
        for name in FILES {
            match std::fs::read_to_string(name) {
                Ok(text) => files.push((name, text)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let message = format!("failed to read `{name}` in the current folder");
                    return Err(Failure::usage(message).caused_by(&error));
                }
            }
        }
        Self::new(environment, &files)
    }

    /// Settings from an environment and from files, by name and content, strongest first.
    pub fn new(
        environment: impl IntoIterator<Item = (String, String)>,
        files: &[(&'static str, String)],
    ) -> Result<Self, Failure> {
        let mut layers = vec![(Source::Environment, environment.into_iter().collect())];
        for (name, text) in files {
            layers.push((Source::File(name), parse(name, text)?));
        }
        Ok(Self { layers })
    }

    /// The value of a variable and its origin. An empty one counts as not set.
    pub fn get(&self, name: &str) -> Option<(&str, Source)> {
        self.layers.iter().find_map(|(source, variables)| {
            let value = variables.get(name)?;
            (!value.trim().is_empty()).then_some((value.as_str(), *source))
        })
    }

    /// Every variable with the value that holds.
    pub fn merged(&self) -> BTreeMap<String, String> {
        let names = self
            .layers
            .iter()
            .flat_map(|(_, variables)| variables.keys());
        names
            .filter_map(|name| Some((name.clone(), self.get(name)?.0.to_owned())))
            .collect()
    }

    /// The names of this program's variables that are set anywhere.
    pub fn own_names(&self) -> impl Iterator<Item = &str> {
        let names = self
            .layers
            .iter()
            .flat_map(|(_, variables)| variables.keys());
        names.map(String::as_str).filter(|name| is_ours(name))
    }
}

fn is_ours(name: &str) -> bool {
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn parse(file: &str, text: &str) -> Result<BTreeMap<String, String>, Failure> {
    let mut variables = BTreeMap::new();
    for item in dotenvy::from_read_iter(text.as_bytes()) {
        // The error would show the line, and with it perhaps a secret.
        let (name, value) = item.map_err(|_| unreadable(file, text))?;
        if is_ours(&name) {
            variables.insert(name, value);
        }
    }
    Ok(variables)
}

fn unreadable(file: &str, text: &str) -> Failure {
    let faulty = (1..).zip(text.lines()).find(|(_, line)| {
        dotenvy::from_read_iter(format!("{line}\n").as_bytes()).any(|item| item.is_err())
    });
    let place = faulty.map_or_else(
        || format!("`{file}`"),
        |(number, _)| format!("line {number} of `{file}`"),
    );
    Failure::usage(format!("{place} in the current folder cannot be read")).next_step(
        "write NAME=value, and put values with spaces, quotes or `#` between single quotes",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(
        environment: &[(&str, &str)],
        files: &[(&'static str, &str)],
    ) -> Result<Settings, Failure> {
        let environment = environment
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let files: Vec<_> = files
            .iter()
            .map(|(name, text)| (*name, (*text).to_owned()))
            .collect();
        Settings::new(environment, &files)
    }

    #[test]
    fn the_environment_wins_over_env_local_and_that_over_env() {
        let settings = settings(
            &[("ORCH_HOST", "a"), ("ORCH_URL", ""), ("HOME", "/h")],
            &[
                (".env.local", "ORCH_HOST=b\nORCH_PORT=2 # comment\n"),
                (
                    ".env",
                    "export ORCH_PORT=3\nORCH_URL='http://x y'\nLD_PRELOAD=/evil.so\n",
                ),
            ],
        )
        .unwrap();
        assert_eq!(settings.get("ORCH_HOST"), Some(("a", Source::Environment)));
        assert_eq!(
            settings.get("ORCH_PORT"),
            Some(("2", Source::File(".env.local")))
        );
        assert_eq!(
            settings.get("ORCH_URL"),
            Some(("http://x y", Source::File(".env")))
        );
        assert_eq!(settings.get("HOME"), Some(("/h", Source::Environment)));
        assert_eq!(settings.get("LD_PRELOAD"), None);
    }

    #[test]
    fn a_broken_line_is_named_by_its_number_and_not_shown() {
        let failure = settings(
            &[],
            &[(".env", "ORCH_PORT=1\n\nORCH_SECRET_KEY='hunter2\n")],
        )
        .unwrap_err();
        assert_eq!(
            failure.message,
            "line 3 of `.env` in the current folder cannot be read"
        );
        assert!(!format!("{failure:?}").contains("hunter2"));
    }
}
