//! The file's form, its bounds, and how it becomes a [`Roster`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use orch_core::variable::is_variable;
use serde::Deserialize;
use toml::Spanned;

use super::{By, Line, Listed, Roster, RosterError};
use crate::{Endpoint, OnLimit, Price, Protocol, Sampling, Speech};

/// The newest form of the file.
const VERSION: u32 = 1;
const LARGEST_BYTES: usize = 256 << 10;
const MOST_MODELS: usize = 100;
const MOST_IN_CHAIN: usize = 8;
const LONGEST_NAME: usize = 100;
const MOST_ARGUMENTS: usize = 100;
const LONGEST_SECONDS: u64 = 86_400;
const MOST_ATTEMPTS: u32 = 20;
const MOST_TOKENS: u32 = 1_000_000;
const WARMEST: f64 = 2.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    model: Vec<Entry>,
    default: Option<Chosen>,
    #[serde(default)]
    role: BTreeMap<Spanned<String>, Chosen>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Spanned<String>,
    protocol: Spoken,
    base_url: Option<Spanned<String>>,
    model: Option<Spanned<String>>,
    key_env: Option<Spanned<String>>,
    command: Option<Spanned<Vec<String>>>,
    speech: Option<Spanned<Said>>,
    folder: Option<Spanned<PathBuf>>,
    environment: Option<Spanned<Vec<String>>>,
    timeout_seconds: Option<Spanned<u64>>,
    idle_seconds: Option<Spanned<u64>>,
    attempts: Option<Spanned<u32>>,
    price: Option<Priced>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Spoken {
    Responses,
    Chat,
    ResponsesElseChat,
    Messages,
    Program,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Text,
    Json,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Priced {
    input: u64,
    cached: Option<u64>,
    output: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    chain: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    on_limit: Limit,
    sampling: Option<Spanned<Kind>>,
    temperature: Option<Spanned<f64>>,
    seed: Option<u32>,
    max_output_tokens: Option<Spanned<u32>>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Limit {
    #[default]
    Park,
    Next,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Deterministic,
    Provider,
}

/// A file being read: its text, for the lines of faults.
struct Reading<'a> {
    text: &'a str,
}

/// The parser's words and the line, but not what stands there: it may be a key.
fn without_excerpt(error: &toml::de::Error, text: &str) -> String {
    let said = error.message();
    match error.span() {
        Some(span) => {
            let before = text.as_bytes().iter().take(span.start);
            let line = 1 + before.filter(|byte| **byte == b'\n').count();
            format!("line {line}: {said}")
        }
        None => said.to_owned(),
    }
}

impl Roster {
    /// Reads a file in TOML. `set` are models that are set beside it, `roles` the roles that there are.
    ///
    /// # Errors
    /// What is wrong, with its line and what is accepted.
    pub fn parse(text: &str, set: &[&str], roles: &[&str]) -> Result<Self, RosterError> {
        if text.len() > LARGEST_BYTES {
            return Err(RosterError::TooLarge {
                bytes: text.len(),
                most: LARGEST_BYTES,
            });
        }
        let text = text.trim_start_matches('\u{feff}');
        let file: File = toml::from_str(text)
            .map_err(|error| RosterError::Form(without_excerpt(&error, text)))?;
        if file.version != VERSION {
            return Err(RosterError::Version(file.version));
        }
        let reading = Reading { text };
        if file.model.len() > MOST_MODELS {
            let why = format!(
                "{} models; at most {MOST_MODELS} are read",
                file.model.len()
            );
            return Err(RosterError::Form(why));
        }
        let mut known: BTreeSet<String> = set.iter().map(|&name| name.to_owned()).collect();
        let mut models = Vec::with_capacity(file.model.len());
        for entry in file.model {
            let name = entry.name.clone();
            let listed = reading.model(entry)?;
            if !known.insert(listed.name.clone()) {
                let why = format!(
                    "there is a model {:?} already, here or by ORCH_OPENAI_MODEL or ORCH_ANTHROPIC_MODEL; each name stands once",
                    listed.name
                );
                return Err(reading.at(&name, why));
            }
            models.push(listed);
        }
        let usual = file
            .default
            .map(|chosen| reading.line(chosen, &known))
            .transpose()?;
        let mut lines = BTreeMap::new();
        for (name, chosen) in file.role {
            if !roles.contains(&name.get_ref().as_str()) {
                let why = format!(
                    "there is no role {:?}{}; the roles are {}",
                    name.get_ref(),
                    meant(name.get_ref(), roles),
                    roles.join(", ")
                );
                return Err(reading.at(&name, why));
            }
            let line = reading.line(chosen, &known)?;
            lines.insert(name.into_inner(), line);
        }
        Ok(Self {
            models,
            usual,
            roles: lines,
        })
    }
}

impl Reading<'_> {
    fn at<T>(&self, place: &Spanned<T>, why: impl Into<String>) -> RosterError {
        let before = self.text.get(..place.span().start).unwrap_or_default();
        RosterError::At {
            line: before.matches('\n').count() + 1,
            why: why.into(),
        }
    }

    /// A number within its bounds, or what holds where it is left out.
    fn number<N: Copy + PartialOrd + std::fmt::Display>(
        &self,
        name: &str,
        given: Option<Spanned<N>>,
        (least, most): (N, N),
        otherwise: N,
    ) -> Result<N, RosterError> {
        let Some(given) = given else {
            return Ok(otherwise);
        };
        let value = *given.get_ref();
        match least <= value && value <= most {
            true => Ok(value),
            false => Err(self.at(
                &given,
                format!("{name} is {value}; expected a number from {least} to {most}"),
            )),
        }
    }

    fn model(&self, entry: Entry) -> Result<Listed, RosterError> {
        let name = entry.name.get_ref().clone();
        if !is_name(&name) {
            let why = format!(
                "{name:?} is no name of a model; expected 1 to {LONGEST_NAME} letters, digits, and . _ - : /"
            );
            return Err(self.at(&entry.name, why));
        }
        let seconds = |field, given, otherwise| {
            self.number(field, given, (1, LONGEST_SECONDS), otherwise)
                .map(Duration::from_secs)
        };
        let timeout = seconds("timeout_seconds", entry.timeout_seconds.clone(), 600)?;
        let idle = seconds("idle_seconds", entry.idle_seconds.clone(), 180)?;
        let attempts = self.number("attempts", entry.attempts.clone(), (1, MOST_ATTEMPTS), 5)?;
        let model = match &entry.model {
            Some(given) if given.get_ref().trim().is_empty() => {
                return Err(self.at(
                    given,
                    "model is empty; leave it out, or give the provider's name",
                ));
            }
            Some(given) => given.get_ref().clone(),
            None => name.clone(),
        };
        let wrong_for = |place: &Spanned<String>, field: &str, kind: &str| {
            let why = format!("{field} is not for {kind}; take it out");
            self.at(place, why)
        };
        let by = match entry.protocol {
            Spoken::Program => {
                if let Some(given) = &entry.base_url {
                    return Err(wrong_for(given, "base_url", "a program"));
                }
                if let Some(given) = &entry.key_env {
                    return Err(wrong_for(
                        given,
                        "key_env",
                        "a program (name it in environment)",
                    ));
                }
                let Some(command) = entry.command else {
                    let why =
                        "a program needs a command, such as command = [\"llm\", \"-m\", \"local\"]";
                    return Err(self.at(&entry.name, why));
                };
                let given = command.get_ref();
                if given.first().is_none_or(String::is_empty) || given.len() > MOST_ARGUMENTS {
                    let why =
                        format!("command is to have a program and at most {MOST_ARGUMENTS} parts");
                    return Err(self.at(&command, why));
                }
                let environment = match entry.environment {
                    None => Vec::new(),
                    Some(names) => match names.get_ref().iter().find(|name| !is_variable(name)) {
                        Some(wrong) => {
                            let why = format!("{wrong:?} is no name of a variable");
                            return Err(self.at(&names, why));
                        }
                        None => names.into_inner(),
                    },
                };
                By::Program {
                    command: command.into_inner(),
                    speech: match entry.speech.map(Spanned::into_inner) {
                        Some(Said::Json) => Speech::Json,
                        Some(Said::Text) | None => Speech::Text,
                    },
                    folder: entry.folder.map(Spanned::into_inner),
                    environment,
                }
            }
            Spoken::Responses => self.http(&entry, Protocol::Responses, &model)?,
            Spoken::Chat => self.http(&entry, Protocol::Chat, &model)?,
            Spoken::ResponsesElseChat => self.http(&entry, Protocol::ResponsesElseChat, &model)?,
            Spoken::Messages => self.http(&entry, Protocol::Messages, &model)?,
        };
        Ok(Listed {
            name,
            model,
            by,
            timeout,
            idle,
            attempts,
            price: entry.price.map(|price| Price {
                input: price.input,
                cached: price.cached.unwrap_or(price.input),
                output: price.output,
            }),
        })
    }

    fn http(&self, entry: &Entry, protocol: Protocol, model: &str) -> Result<By, RosterError> {
        let only = |name: &str| format!("{name} is for protocol = \"program\" alone; take it out");
        if let Some(given) = &entry.command {
            return Err(self.at(given, only("command")));
        }
        if let Some(given) = &entry.speech {
            return Err(self.at(given, only("speech")));
        }
        if let Some(given) = &entry.folder {
            return Err(self.at(given, only("folder")));
        }
        if let Some(given) = &entry.environment {
            return Err(self.at(given, only("environment")));
        }
        let Some(base_url) = &entry.base_url else {
            let why = "base_url is missing: the address above /responses and its like, such as https://api.openai.com/v1";
            return Err(self.at(&entry.name, why));
        };
        if let Err(error) = Endpoint::new(protocol, base_url.get_ref(), model, None) {
            return Err(self.at(base_url, error.to_string()));
        }
        if let Some(name) = &entry.key_env
            && !is_variable(name.get_ref())
        {
            // What was put here may be the key itself: it is not repeated.
            let why = "key_env is to be the name of the variable that holds the key, such as OPENAI_API_KEY, never the key";
            return Err(self.at(name, why));
        }
        Ok(By::Http {
            protocol,
            base_url: base_url.get_ref().clone(),
            key_env: entry.key_env.clone().map(Spanned::into_inner),
        })
    }

    fn line(&self, chosen: Chosen, known: &BTreeSet<String>) -> Result<Line, RosterError> {
        let count = chosen.chain.get_ref().len();
        if !(1..=MOST_IN_CHAIN).contains(&count) {
            let why = format!("chain has {count} models; expected 1 to {MOST_IN_CHAIN}");
            return Err(self.at(&chosen.chain, why));
        }
        let mut chain: Vec<String> = Vec::with_capacity(count);
        for name in chosen.chain.get_ref() {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            if !known.contains(&name.get_ref().as_str()) {
                let why = format!(
                    "there is no model {:?}{}; the models are {}",
                    name.get_ref(),
                    meant(name.get_ref(), &known),
                    known.join(", ")
                );
                return Err(self.at(name, why));
            }
            if chain.contains(name.get_ref()) {
                return Err(self.at(
                    name,
                    format!("{:?} stands in the chain twice", name.get_ref()),
                ));
            }
            chain.push(name.get_ref().clone());
        }
        let temperature_milli = match &chosen.temperature {
            None => None,
            Some(given) if (0.0..=WARMEST).contains(given.get_ref()) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "from 0 to 2000"
                )]
                let milli = (given.get_ref() * 1000.0).round() as u16;
                Some(milli)
            }
            Some(given) => {
                let why = format!(
                    "temperature is {}; expected a number from 0 to {WARMEST}",
                    given.get_ref()
                );
                return Err(self.at(given, why));
            }
        };
        let by_numbers = temperature_milli.is_some() || chosen.seed.is_some();
        let sampling = match chosen.sampling {
            Some(given) if by_numbers => {
                let why = "sampling stands beside temperature or seed; keep what is meant";
                return Err(self.at(&given, why));
            }
            Some(given) => Some(match given.into_inner() {
                Kind::Deterministic => Sampling::Deterministic,
                Kind::Provider => Sampling::Provider,
            }),
            None => by_numbers.then_some(Sampling::Chosen {
                temperature_milli,
                seed: chosen.seed,
            }),
        };
        let max_output_tokens = match chosen.max_output_tokens {
            None => None,
            given => Some(self.number("max_output_tokens", given, (1, MOST_TOKENS), 1)?),
        };
        Ok(Line {
            chain,
            on_limit: match chosen.on_limit {
                Limit::Park => OnLimit::Park,
                Limit::Next => OnLimit::Next,
            },
            sampling,
            max_output_tokens,
        })
    }
}

fn meant(name: &str, known: &[&str]) -> String {
    orch_core::recipe::nearest(name, known)
        .map_or(String::new(), |near| format!(", did you mean {near:?}"))
}

fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-:/".contains(&byte))
}

#[cfg(test)]
mod tests;
