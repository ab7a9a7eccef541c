//! Why a call brought nothing, in words that the caller's model can act on.

use orch_api::client::ClientError;
use serde_json::{Value, json};

/// A call that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// What was given cannot be used.
    #[error("{0}")]
    Input(String),
    /// The server said no, or did not answer.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// The caller took it back.
    #[error("the call was cancelled")]
    Cancelled,
}

impl Fault {
    /// Whether it says that there is no such thing.
    pub(crate) fn is_missing(&self) -> bool {
        self.status() == Some(404)
    }

    /// The status of the server's refusal.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Client(error) => error.problem().map(|problem| problem.status),
            Self::Input(_) | Self::Cancelled => None,
        }
    }

    /// As an object: `{"error": {"message": …}}`.
    pub(crate) fn shown(&self) -> Value {
        let mut error = json!({"message": by_tools(&self.to_string())});
        if let Self::Client(client) = self {
            if let Some(step) = client.next_step() {
                error["next_step"] = step.into();
            }
            if let Some(problem) = client.problem() {
                let mut problem = problem.clone();
                problem.detail = by_tools(&problem.detail);
                error["problem"] = serde_json::to_value(problem).unwrap_or_default();
            }
        }
        json!({"error": error})
    }
}

/// What stands in place of the API's routes, which the caller does not use. The first that fits counts.
const ROUTES: [(&str, &str); 9] = [
    ("/requirements/propose", "the tool propose_requirements"),
    ("/vision", "the tool submit_vision"),
    ("/tasks/plan", "the tool propose_plan"),
    ("/tool-recipe", "the tool set_recipe"),
    ("/requirements", "the tool read_requirements"),
    ("/queue", "the tool read_queue"),
    ("/approve", "a person, who alone approves"),
    ("/deny", "a person, who alone decides"),
    ("/edits", "a person, who alone changes plans"),
];

/// The same words with the tools that do what the routes in them do.
fn by_tools(text: &str) -> String {
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    let mut words: Vec<String> = Vec::new();
    let mut rest = text.split(' ').peekable();
    while let Some(word) = rest.next() {
        let route = rest.peek().filter(|next| next.starts_with('/'));
        let bare = word.trim_start_matches('(');
        let (Some(route), true) = (route, methods.contains(&bare)) else {
            words.push(word.to_owned());
            continue;
        };
        let path = route.trim_end_matches([',', ';', '.', ')', ':']);
        let plain = path.split('?').next().unwrap_or(path);
        let tool = ROUTES.iter().find(|(end, _)| plain.ends_with(end));
        match tool {
            Some((_, tool)) => {
                let before = &word[..word.len() - bare.len()];
                words.push(format!("{before}{tool}{}", &route[path.len()..]));
                rest.next();
            }
            None => words.push(word.to_owned()),
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_point_to_tools_and_not_to_routes() {
        assert_eq!(
            by_tools("project 1 has no vision yet; submit one with POST /projects/1/vision"),
            "project 1 has no vision yet; submit one with the tool submit_vision"
        );
        assert_eq!(
            by_tools("it (POST /projects/1/requirements/3/approve), then  more"),
            "it (a person, who alone approves), then  more"
        );
        assert_eq!(
            by_tools("GET /elsewhere lists GET"),
            "GET /elsewhere lists GET"
        );
    }
}
