//! One model that can be asked, and where it was set.

use std::sync::Arc;

use orch_model::{
    By, CommandModel, Endpoint, EndpointError, HttpModels, Listed, Named, Patience, Price,
    Protocol, Provider, Speech,
};

use super::program;
use super::settings::ModelSettings;

/// What said that there is this model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `ORCH_OPENAI_BASE_URL`, `ORCH_OPENAI_MODEL`, `OPENAI_API_KEY`.
    OpenAi,
    /// `ORCH_ANTHROPIC_BASE_URL`, `ORCH_ANTHROPIC_MODEL`, `ANTHROPIC_API_KEY`.
    Anthropic,
    /// The file of `ORCH_MODELS`.
    File,
    /// A role, at the address of `ORCH_OPENAI_BASE_URL`.
    Role,
    /// `ORCH_MODEL_REPLAY`.
    Recording,
}

impl Origin {
    /// As people are told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "ORCH_OPENAI_MODEL",
            Self::Anthropic => "ORCH_ANTHROPIC_MODEL",
            Self::File => "ORCH_MODELS",
            Self::Role => "a role",
            Self::Recording => "ORCH_MODEL_REPLAY",
        }
    }
}

/// A model that can be asked.
#[derive(Clone, Debug)]
pub struct Known {
    pub name: String,
    /// As its provider names it.
    pub model: String,
    /// `responses`, `chat`, `responses_else_chat`, `messages`, `program` or `recording`.
    pub protocol: &'static str,
    /// Its address, or the program.
    pub place: String,
    /// The variable that its key is taken from.
    pub key_env: Option<String>,
    pub origin: Origin,
    /// Where the file gives one.
    pub price: Option<Price>,
    /// Why it cannot be asked, where that is seen without asking.
    pub fault: Option<String>,
    pub(super) patience: Patience,
    pub(super) asked: Arc<dyn Provider>,
}

pub(super) const fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Responses => "responses",
        Protocol::Chat => "chat",
        Protocol::ResponsesElseChat => "responses_else_chat",
        Protocol::Messages => "messages",
    }
}

/// Why a model of the file cannot be asked.
pub(super) enum Unfit {
    NoKey(String),
    Endpoint(EndpointError),
}

impl From<EndpointError> for Unfit {
    fn from(error: EndpointError) -> Self {
        Self::Endpoint(error)
    }
}

/// A model of the file that will not be asked itself: its key may be missing.
pub(super) fn without_key(model: &Listed, http: &HttpModels) -> Result<Known, EndpointError> {
    let mut keyless = model.clone();
    let mut wanted = None;
    if let By::Http { key_env, .. } = &mut keyless.by {
        wanted = key_env.take();
    }
    match listed(&keyless, http, &ModelSettings::default()) {
        Ok(known) => Ok(Known {
            key_env: wanted,
            ..known
        }),
        Err(Unfit::Endpoint(error)) => Err(error),
        Err(Unfit::NoKey(_)) => unreachable!("invariant: the model names no key"),
    }
}

/// A model of the file.
pub(super) fn listed(
    listed: &Listed,
    http: &HttpModels,
    settings: &ModelSettings,
) -> Result<Known, Unfit> {
    let (asked, protocol, place, key_env): (Arc<dyn Provider>, _, _, _) = match &listed.by {
        By::Http {
            protocol,
            base_url,
            key_env,
        } => {
            let key = match key_env {
                None => None,
                Some(variable) => match settings.variables.get(variable) {
                    Some(key) if !key.trim().is_empty() => Some(key.clone()),
                    Some(_) | None => return Err(Unfit::NoKey(variable.clone())),
                },
            };
            let mut endpoint = Endpoint::new(*protocol, base_url, &listed.model, key)?;
            endpoint.timeout = listed.timeout;
            endpoint.idle = listed.idle.min(listed.timeout);
            let asked = Arc::new(http.at(endpoint)?);
            (
                asked,
                protocol_name(*protocol),
                base_url.clone(),
                key_env.clone(),
            )
        }
        By::Program {
            command,
            speech,
            folder,
            environment,
        } => (
            Arc::new(command_model(
                listed,
                (command, *speech, folder.as_deref()),
                environment,
                settings,
            )),
            "program",
            command.first().cloned().unwrap_or_default(),
            None,
        ),
    };
    Ok(Known {
        name: listed.name.clone(),
        model: listed.model.clone(),
        protocol,
        place,
        key_env,
        origin: Origin::File,
        price: listed.price,
        fault: fault(&listed.by, settings),
        patience: Patience {
            attempts: listed.attempts,
            ..Patience::default()
        },
        asked: Arc::new(Named::new(&listed.name, asked)),
    })
}

fn fault(by: &By, settings: &ModelSettings) -> Option<String> {
    match by {
        By::Http { .. } => None,
        By::Program {
            command, folder, ..
        } => {
            let path = settings.variables.get("PATH").map_or("", String::as_str);
            program::fault(command.first()?, folder.as_deref(), path)
        }
    }
}

fn command_model(
    listed: &Listed,
    (command, speech, folder): (&[String], Speech, Option<&std::path::Path>),
    environment: &[String],
    settings: &ModelSettings,
) -> CommandModel {
    let mut parts = command.iter();
    let program = parts.next().cloned().unwrap_or_default();
    let arguments = parts.map(Into::into).collect();
    let mut model =
        CommandModel::new(&listed.model, program, arguments, speech).within(listed.timeout);
    if let Some(folder) = folder {
        model = model.in_folder(folder.to_owned());
    }
    for name in environment {
        if let Some(value) = settings.variables.get(name) {
            model = model.with_variable(name, value);
        }
    }
    model
}

/// A model at an address of simple settings.
pub(super) fn at(
    http: &HttpModels,
    origin: Origin,
    protocol: Protocol,
    (base_url, key, key_env): (&str, Option<&str>, &str),
    name: &str,
) -> Result<Known, EndpointError> {
    let endpoint = Endpoint::new(protocol, base_url, name, key.map(str::to_owned))?;
    Ok(Known {
        name: name.to_owned(),
        model: name.to_owned(),
        protocol: protocol_name(protocol),
        place: base_url.to_owned(),
        key_env: key.map(|_| key_env.to_owned()),
        origin,
        price: None,
        fault: None,
        patience: Patience::default(),
        asked: Arc::new(http.at(endpoint)?),
    })
}
