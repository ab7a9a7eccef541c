//! The tool recipe: which tools a work item needs and which steps it runs, read from YAML.
//!
//! Owns the recipe's shape, its bounds and its error messages. Everything that leaves this module
//! is valid; nothing here runs a step, fetches a tool or touches the file system.

mod document;
mod error;
mod glob;
mod model;
mod node;
mod offer;
mod outputs;
mod read;
pub mod rights;
mod rules;
mod scalar;
mod secrets;
mod suggest;
mod wire;

#[cfg(test)]
mod tests;

pub use error::RecipeError;
pub use glob::Pattern;
pub use model::{Checksum, Network, Permissions, Recipe, Source, Step, Tool};
pub use offer::{Offer, PLATFORMS, Package, Registry, check_program};
pub use outputs::{MAX_ARTIFACT_PATH_BYTES, MAX_ARTIFACTS, Output, check_kept_name, check_kind};
pub use read::{
    MAX_ALIASES, MAX_DEPTH, MAX_STEPS, MAX_STRING_BYTES, MAX_TIMEOUT, MAX_TOOLS, MAX_YAML_BYTES,
    parse, parse_entry,
};
pub use rules::{check_env_name, check_tool_name as check_tool, parse_host as check_host};
pub use suggest::nearest;

pub(crate) use node::{Node, Value};
pub(crate) use read::read_steps;
pub(crate) use rules::excerpt;
