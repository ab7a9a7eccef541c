//! What is wrong with a recipe, and where.
//!
//! One error names one fault: the path inside the recipe, the line and column where they are known,
//! what was found and what is expected. It never repeats the value of an environment variable.

use std::fmt;

/// The first fault found in a recipe or in a list of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipeError {
    /// What was found and what is expected, a lowercase fragment.
    pub message: String,
    /// Line of the fault, from 1; none for JSON and for faults of the recipe as a whole.
    pub line: Option<u32>,
    /// Column of the fault in characters, from 1.
    pub column: Option<u32>,
    /// The place inside the recipe, such as `steps[2].timeout`; empty for the recipe as a whole.
    pub path: String,
}

impl fmt::Display for RecipeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match (self.line, self.column) {
            (Some(line), Some(column)) => Some(format!("line {line}, column {column}")),
            (Some(line), None) => Some(format!("line {line}")),
            (None, _) => None,
        };
        match (self.path.is_empty(), place) {
            (false, Some(place)) => write!(f, "{} ({place}): {}", self.path, self.message),
            (false, None) => write!(f, "{}: {}", self.path, self.message),
            (true, Some(place)) => write!(f, "{place}: {}", self.message),
            (true, None) => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for RecipeError {}
