//! What is set about models, for people who look for a fault.

use super::ModelSettings;
use crate::app::orchestrate::{Team, TeamError, TeamSettings};

/// What a server would have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    pub models: Vec<Surveyed>,
    /// How many roles there are.
    pub roles: usize,
    /// What is wrong with the servers of tools (`ORCH_MCP_SERVERS`), a sentence each.
    pub tool_faults: Vec<String>,
}

/// A model and who asks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    pub name: String,
    pub protocol: &'static str,
    pub place: String,
    /// The setting that it comes from.
    pub source: &'static str,
    pub key_env: Option<String>,
    /// Roles that ask it, first or in place of another.
    pub roles: Vec<String>,
    /// Why it cannot be asked, where that is seen without asking.
    pub fault: Option<String>,
}

/// Reads all that is set about models, as a server would at its start; asks nobody and writes nothing.
///
/// # Errors
/// What a server would not start with.
pub fn survey(settings: &TeamSettings) -> Result<Survey, TeamError> {
    let settings = TeamSettings {
        models: ModelSettings {
            record: None,
            ..settings.models.clone()
        },
        ..settings.clone()
    };
    let team = Team::new(&settings, crate::clock::wall(), 0)?;
    let lines: Vec<_> = team
        .roles
        .all()
        .filter_map(|role| Some((role.name.clone(), team.models().line(role)?)))
        .collect();
    let surveyed = team.models().known().iter().map(|known| Surveyed {
        name: known.name.clone(),
        protocol: known.protocol,
        place: known.place.clone(),
        source: known.origin.name(),
        key_env: known.key_env.clone(),
        roles: lines
            .iter()
            .filter(|(_, line)| line.chain.contains(&known.name))
            .map(|(role, _)| role.clone())
            .collect(),
        fault: known.fault.clone(),
    });
    Ok(Survey {
        models: surveyed.collect(),
        roles: team.roles.all().count(),
        tool_faults: team.tool_faults(),
    })
}
