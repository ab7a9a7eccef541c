//! What a person does next when a plan cannot be made, edited or approved.

use orch_api::client::ClientError;
use serde_json::Value;

use crate::exit::Exit;
use crate::failure::Failure;

/// The failure with the command that helps.
pub fn refusal(project: i64, error: ClientError) -> Failure {
    let failure = Failure::from(error);
    if failure.exit != Exit::Conflict {
        return failure;
    }
    let code = failure
        .problem
        .as_ref()
        .and_then(|problem| problem.extra.get("code"))
        .and_then(Value::as_str);
    let command = next(code.unwrap_or_default());
    failure.next_step(format!("codex-orchestrator {command} {project}"))
}

fn next(code: &str) -> &'static str {
    match code {
        "requirements_not_approved" => "requirements show",
        "no_plan" | "plan_work_ended" => "plan propose",
        "requirements_changed" => "plan impact",
        "no_parent" => "plan list",
        _ => "plan show",
    }
}
