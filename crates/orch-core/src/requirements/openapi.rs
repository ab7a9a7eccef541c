//! Reads the operations out of an OpenAPI description (JSON or YAML): each becomes a functional item.
//! References are not followed, and nothing but paths, methods and summaries is looked at.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::document::Operation;
use crate::seen::seen;

/// The most operations that are read.
pub const MOST_OPERATIONS: usize = 2_000;
/// The longest summary that is kept, in characters.
const LONGEST_SUMMARY: usize = 300;
/// How the summary of an operation begins that the description marks as deprecated.
pub const DEPRECATED: &str = "deprecated:";
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// Why a text is no description of an API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenApiError {
    #[error("is neither JSON nor YAML: {0}")]
    Syntax(String),
    #[error("has no `openapi` or `swagger` member: it is no OpenAPI description")]
    NotOpenApi,
    #[error("describes {0} operations; at most {MOST_OPERATIONS} are read")]
    TooMany(usize),
}

#[derive(Deserialize)]
struct Description {
    #[serde(default)]
    openapi: Option<Value>,
    #[serde(default)]
    swagger: Option<Value>,
    #[serde(default)]
    paths: Map<String, Value>,
}

/// Whether a text is meant as a description of an API.
pub fn is_openapi(text: &str) -> bool {
    let start: String = text.chars().take(4_096).collect();
    start.lines().any(|line| {
        let line = line.trim_start_matches([' ', '\t', '{', '"', '\'']);
        line.starts_with("openapi") || line.starts_with("swagger")
    })
}

/// The operations of the API that `text` describes, in the order of its paths.
///
/// # Errors
/// When it cannot be read, describes no API, or too large a one.
pub fn operations(text: &str) -> Result<Vec<Operation>, OpenApiError> {
    let syntax = |error: &dyn std::fmt::Display| {
        let first = error.to_string();
        let first = first.lines().next().unwrap_or_default();
        OpenApiError::Syntax(first.chars().take(200).collect())
    };
    let description: Description = match text.trim_start().starts_with('{') {
        true => serde_json::from_str(text).map_err(|error| syntax(&error))?,
        false => serde_saphyr::from_str(text).map_err(|error| syntax(&error))?,
    };
    if description.openapi.is_none() && description.swagger.is_none() {
        return Err(OpenApiError::NotOpenApi);
    }
    let mut found = Vec::new();
    for (path, item) in &description.paths {
        let Value::Object(item) = item else { continue };
        for method in METHODS {
            if let Some(Value::Object(operation)) = item.get(method) {
                found.push(Operation {
                    name: one_line(&format!("{} {path}", method.to_uppercase())),
                    summary: summary(operation),
                });
            }
        }
    }
    if found.len() > MOST_OPERATIONS {
        return Err(OpenApiError::TooMany(found.len()));
    }
    Ok(found)
}

fn summary(operation: &Map<String, Value>) -> String {
    let text = |name: &str| operation.get(name).and_then(Value::as_str);
    let said = text("summary").or_else(|| text("description"));
    let said = said.or_else(|| text("operationId")).unwrap_or_default();
    match operation.get("deprecated") {
        Some(Value::Bool(true)) => one_line(&format!("{DEPRECATED} {said}")),
        Some(_) | None => one_line(said),
    }
}

fn one_line(text: &str) -> String {
    let text: String = seen(text).collect();
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ").chars().take(LONGEST_SUMMARY).collect()
}

#[cfg(test)]
mod tests {
    use super::{OpenApiError, is_openapi, operations};

    #[test]
    fn paths_become_operations_in_yaml_and_in_json() {
        let yaml = "openapi: 3.1.0\npaths:\n  /pets:\n    get:\n      summary: List pets\n    post: {operationId: addPet}\n";
        let json = r#"{"openapi": "3.1.0", "paths": {"/pets": {"get": {"summary": "List pets"}, "post": {"operationId": "addPet"}}}}"#;
        for text in [yaml, json] {
            assert!(is_openapi(text));
            let found: Vec<_> = operations(text)
                .expect("a description")
                .into_iter()
                .map(|operation| (operation.name, operation.summary))
                .collect();
            assert_eq!(
                found,
                [
                    ("GET /pets".to_owned(), "List pets".to_owned()),
                    ("POST /pets".to_owned(), "addPet".to_owned())
                ]
            );
        }
    }

    #[test]
    fn a_deprecated_operation_says_so() {
        let yaml =
            "openapi: 3.1.0\npaths:\n  /pets:\n    get: {summary: List pets, deprecated: true}\n";
        let found = operations(yaml).expect("a description");
        assert_eq!(found[0].summary, "deprecated: List pets");
    }

    #[test]
    fn what_is_no_description_is_refused() {
        assert_eq!(operations("{}"), Err(OpenApiError::NotOpenApi));
        assert!(matches!(operations("a: ["), Err(OpenApiError::Syntax(_))));
        assert!(!is_openapi("# Notes\nWe use OpenAPI."));
    }
}
