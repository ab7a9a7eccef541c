//! The toolbox that settings and flags name, and what its errors are told with.

use orch_agent::AgentConfig;
use orch_tools::{InstallError, Platform, ResolveError, ToolError, Toolbox, Want};

use super::command::Place;
use crate::commands::Context;
use crate::config::{AgentFlags, Reader, agent_config, data_dir};
use crate::exit::Exit;
use crate::failure::Failure;

/// An agent's settings and its toolbox.
pub struct Opened {
    pub config: AgentConfig,
    pub toolbox: Toolbox,
}

/// Opens it.
pub fn open(place: &Place, context: &Context<'_>) -> Result<Opened, Failure> {
    let mut reader = Reader::new(&context.settings);
    let data = data_dir(&mut reader, None);
    let flags = AgentFlags {
        tools: place.settings(),
        ..AgentFlags::default()
    };
    let config = agent_config(&mut reader, &flags, "", &data.join("agents"));
    reader.finish()?;
    let toolbox = Toolbox::open(config.tools.clone()).map_err(|error| failure(&error))?;
    Ok(Opened { config, toolbox })
}

impl Place {
    /// The flags by the names of the settings that they stand over.
    fn settings(&self) -> Vec<(&'static str, String)> {
        let unsigned = self.allow_unsigned.then(|| "allow".to_owned());
        [
            ("AGENT_TOOL_CATALOG", self.catalog.clone()),
            ("AGENT_TOOL_CACHE", self.cache.clone()),
            ("AGENT_TOOL_KEYS", self.keys.clone()),
            ("AGENT_TOOL_OSV", self.osv.clone()),
            ("AGENT_TOOL_UNSIGNED", unsigned),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

impl Opened {
    /// The catalog must be named for what asks it.
    pub fn needs_catalog(&self) -> Result<(), Failure> {
        match &self.config.tools.catalog {
            Some(_) => Ok(()),
            None => Err(Failure::usage("no catalog is set").next_step(
                "name a folder of entries with --catalog or AGENT_TOOL_CATALOG; examples/catalog in the \
                 sources is one",
            )),
        }
    }
}

/// Reads `name[@range]` of arguments.
pub fn wants(texts: &[String]) -> Result<Vec<Want>, Failure> {
    let parsed: Result<Vec<Want>, String> = texts.iter().map(|text| Want::parse(text)).collect();
    parsed.map_err(Failure::usage)
}

/// The platform that is meant.
pub fn platform(given: Option<&str>) -> Result<Platform, Failure> {
    match given {
        Some(given) => given.parse().map_err(Failure::usage),
        None => Platform::here().ok_or_else(|| {
            Failure::usage("this machine is none of the platforms that tools are for")
                .next_step("name one with --platform, such as linux/amd64")
        }),
    }
}

/// What went wrong with tools, with the next step.
pub fn failure(error: &ToolError) -> Failure {
    let step = match error {
        ToolError::Resolve(ResolveError::NotFound(_)) => {
            "`codex-orchestrator tool list` shows what the catalog has"
        }
        ToolError::Resolve(ResolveError::Incomplete { .. }) => {
            "`sha256sum FILE` prints a whole checksum; compare it with what the tool's makers publish"
        }
        ToolError::Install(InstallError::EntryChanged { .. }) => {
            "`codex-orchestrator tool resolve` makes a new lock"
        }
        _ => "",
    };
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let mut failure = Failure::new(Exit::Failed, error.to_string());
    failure.causes.extend(causes.map(ToString::to_string));
    match step {
        "" => failure,
        step => failure.next_step(step),
    }
}
