//! Which models the server would ask, where each was set, and what is wrong with the file that names them.

use std::error::Error;

use orch_server::{Surveyed, TeamSettings, survey_models};

use super::checks::Check;

const NAME: &str = "models";
/// More roles than these are counted.
const MOST_NAMED: usize = 3;

/// Reads what is set about models and tools of roles, as the server would.
pub fn checks(team: &TeamSettings) -> Vec<Check> {
    let survey = match survey_models(team) {
        Ok(survey) => survey,
        Err(error) => {
            let mut said = error.to_string();
            let mut cause = error.source();
            while let Some(why) = cause {
                said = format!("{said}: {why}");
                cause = why.source();
            }
            return vec![Check::failed(NAME, said)];
        }
    };
    let mut checks: Vec<Check> = match survey.models.as_slice() {
        [] if team.models.replay.is_some() => vec![Check::ok(
            NAME,
            "answers come from a recording (ORCH_MODEL_REPLAY)",
        )],
        [] => vec![Check::ok(
            NAME,
            "none is set; roles need OPENAI_API_KEY, ORCH_OPENAI_BASE_URL, ANTHROPIC_API_KEY or ORCH_MODELS",
        )],
        models => models
            .iter()
            .map(|model| told(model, survey.roles))
            .collect(),
    };
    let faults = survey.tool_faults.into_iter();
    checks.extend(faults.map(|fault| Check::failed("tools of roles", fault)));
    checks
}

fn told(model: &Surveyed, all: usize) -> Check {
    let key = match &model.key_env {
        Some(variable) => format!(", key from {variable}"),
        None => String::new(),
    };
    let roles = match model.roles.as_slice() {
        [] => "no role asks it".to_owned(),
        roles if roles.len() == all => "asked by all roles".to_owned(),
        roles if roles.len() > MOST_NAMED => format!("asked by {} roles", roles.len()),
        roles => format!("asked by {}", roles.join(", ")),
    };
    let said = format!(
        "{} ({}): {} at {}{key}; {roles}",
        model.name, model.source, model.protocol, model.place
    );
    match &model.fault {
        Some(fault) => Check::failed(NAME, format!("{said}; {fault}")),
        None => Check::ok(NAME, said),
    }
}
