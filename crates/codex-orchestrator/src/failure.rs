//! Why a command did not do what was asked: the error, its causes, the next step, the exit code.

use std::error::Error;
use std::io;

use orch_api::client::ClientError;
use orch_api::problem::{FieldError, Problem};
use serde_json::{Value, json};

use crate::exit::Exit;

/// A command that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
    /// From the nearest to the farthest.
    pub causes: Vec<String>,
    pub next_step: Option<String>,
    /// What the server answered, when it refused.
    pub problem: Option<Box<Problem>>,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            causes: Vec::new(),
            next_step: None,
            problem: None,
        }
    }

    /// The command line, or a setting, is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    #[must_use]
    pub fn caused_by(mut self, error: &dyn Error) -> Self {
        self.causes.push(error.to_string());
        self.causes.extend(causes(error));
        self
    }

    #[must_use]
    pub fn next_step(mut self, step: impl Into<String>) -> Self {
        self.next_step = Some(step.into());
        self
    }

    /// For callers that read JSON.
    pub fn to_json(&self) -> Value {
        let mut json = json!({
            "error": self.message, "causes": self.causes, "next_step": self.next_step, "exit_code": self.exit.code(),
        });
        if let Some(problem) = &self.problem {
            json["problem"] = json!(problem);
        }
        json
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = match &error {
            ClientError::Address { .. } | ClientError::Token(_) | ClientError::Key(_) => {
                Exit::Usage
            }
            ClientError::Unreachable { .. }
            | ClientError::TimedOut { .. }
            | ClientError::Interrupted { .. } => Exit::Unreachable,
            ClientError::Refused(problem) => match problem.status {
                409 => Exit::Conflict,
                400..=499 => Exit::Refused,
                _ => Exit::Failed,
            },
            ClientError::Setup(_)
            | ClientError::Redirected { .. }
            | ClientError::TooLarge { .. }
            | ClientError::Unreadable { .. }
            | ClientError::BrokenStream { .. }
            | ClientError::Ended { .. } => Exit::Failed,
        };
        let problem = error.problem().cloned();
        let message = error.to_string();
        // The detail of a problem with one field says the same as the field.
        let told = |field: &&FieldError| !message.contains(&field.expected);
        let fields = problem.iter().flat_map(|problem| &problem.errors);
        let fields = fields.filter(told).map(ToString::to_string);
        // In between stand the layers of the HTTP client, which tell people nothing.
        let causes = fields.chain(causes(&error).last()).collect();
        Self {
            exit,
            message,
            causes,
            next_step: error.next_step(),
            problem: problem.map(Box::new),
        }
    }
}

/// Only the output is written through plain [`io::Error`]s; other I/O says what it was about.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(Exit::ReaderLeft, "");
        }
        Self::new(Exit::Failed, "failed to write the output").caused_by(&error)
    }
}

fn causes(error: &dyn Error) -> impl Iterator<Item = String> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_fields_and_conflicts_have_an_exit_code_of_their_own() {
        let refused = |problem: Problem| Failure::from(ClientError::Refused(Box::new(problem)));
        let two = Problem::unprocessable("two fields are wrong")
            .with_field(FieldError::new("title", "1 to 500 characters"))
            .with_field(FieldError::new("kind", "story, task, spike, test or infra").got("chore"));
        let failure = refused(two);
        assert_eq!(failure.exit, Exit::Refused);
        assert_eq!(
            failure.causes,
            [
                "`title`: expected 1 to 500 characters",
                "`kind`: expected story, task, spike, test or infra, got chore"
            ]
        );
        let one = Problem::invalid_field(FieldError::new("title", "1 to 500 characters"));
        assert_eq!(refused(one).causes, [""; 0]);
        assert_eq!(
            refused(Problem::conflict("decided already")).exit,
            Exit::Conflict
        );
        assert_eq!(refused(Problem::internal("failed")).exit, Exit::Failed);
    }

    #[test]
    fn a_reader_that_left_is_no_failure() {
        let gone = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(gone.exit.code(), 0);
    }
}
