//! Which models the server would ask, where each was set, and what is wrong with the file that names them.

use std::error::Error;

use orch_server::{Surveyed, TeamSettings, survey_models};

use super::checks::Check;

const NAME: &str = "models";

/// Reads what is set about models, as the server would.
pub fn checks(team: &TeamSettings, path: &str) -> Vec<Check> {
    match survey_models(team) {
        Ok(models) if models.is_empty() && team.models.replay.is_some() => {
            vec![Check::ok(
                NAME,
                "answers come from a recording (ORCH_MODEL_REPLAY)",
            )]
        }
        Ok(models) if models.is_empty() => vec![Check::ok(
            NAME,
            "none is set; roles need OPENAI_API_KEY, ORCH_OPENAI_BASE_URL, ANTHROPIC_API_KEY or ORCH_MODELS",
        )],
        Ok(models) => models.iter().map(|model| told(model, path)).collect(),
        Err(error) => {
            let mut said = error.to_string();
            let mut cause = error.source();
            while let Some(why) = cause {
                said = format!("{said}: {why}");
                cause = why.source();
            }
            vec![Check::failed(NAME, said)]
        }
    }
}

fn told(model: &Surveyed, path: &str) -> Check {
    let key = match &model.key_env {
        Some(variable) => format!(", key from {variable}"),
        None => String::new(),
    };
    let roles = match model.roles.as_slice() {
        [] => "no role asks it".to_owned(),
        roles => format!("asked by {}", roles.join(", ")),
    };
    let said = format!(
        "{} ({}): {} at {}{key}; {roles}",
        model.name, model.source, model.protocol, model.place
    );
    match model.protocol == "program" && !is_there(&model.place, path) {
        true => Check::failed(NAME, format!("{said}; there is no such program")),
        false => Check::ok(NAME, said),
    }
}

/// Whether a program can be found as the server would find it.
fn is_there(program: &str, path: &str) -> bool {
    match program.contains('/') {
        true => std::path::Path::new(program).is_file(),
        false => std::env::split_paths(path).any(|folder| folder.join(program).is_file()),
    }
}
