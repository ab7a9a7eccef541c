//! `--by`: who proposes requirements or a plan, and the way that is left where a model does not help.

use orch_api::types::requirements::ProposedBy;
use serde_json::Value;

use crate::failure::Failure;

/// What the server answers where no model can be asked at all.
const CODES: [&str; 5] = [
    "no_model",
    "unknown_model",
    "no_price",
    "over_budget",
    "role_not_allowed",
];
/// How its answer tells that rules are left.
const WAY_OUT: &str = r#"{"by": "rules"}"#;

/// Who proposes.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Proposer {
    /// Rules over the words
    Rules,
    /// A model, by the role `requirements` or `breakdown`
    Model,
}

impl From<Proposer> for ProposedBy {
    fn from(proposer: Proposer) -> Self {
        match proposer {
            Proposer::Rules => Self::Rules,
            Proposer::Model => Self::Model,
        }
    }
}

/// The failure with the command that does without a model, where it is a model that failed.
pub fn by_rules(failure: Failure, command: &str) -> Failure {
    let Some(problem) = &failure.problem else {
        return failure;
    };
    let code = problem.extra.get("code").and_then(Value::as_str);
    let is_models = problem.detail.contains(WAY_OUT)
        || code.is_some_and(|code| CODES.contains(&code))
        || problem.status == 402;
    match is_models {
        true => failure.next_step(format!("without a model: {command} --by rules")),
        false => failure,
    }
}

/// A word for a shell.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.,:/=@%+".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use orch_api::client::ClientError;
    use orch_api::problem::Problem;

    use super::*;

    #[test]
    fn only_where_a_model_failed_the_way_without_one_is_told() {
        let next = |problem: Problem| {
            let failure = Failure::from(ClientError::Refused(Box::new(problem)));
            by_rules(failure, "codex-orchestrator plan propose 1").next_step
        };
        let way = "without a model: codex-orchestrator plan propose 1 --by rules";
        let mut down = Problem::conflict(r#"it is down; {"by": "rules"} proposes without a model"#);
        down.status = 503;
        assert_eq!(next(down).as_deref(), Some(way));
        let mut none = Problem::conflict("no model is configured");
        none.extra
            .insert("code".to_owned(), Value::from("no_model"));
        assert_eq!(next(none).as_deref(), Some(way));
        let other = next(Problem::conflict("decided already"));
        assert_ne!(other.as_deref(), Some(way));
    }

    #[test]
    fn what_a_shell_would_read_otherwise_is_quoted() {
        assert_eq!(quoted("T-3"), "T-3");
        assert_eq!(quoted("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
