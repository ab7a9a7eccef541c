//! Tools of other servers, for roles that are allowed them.

mod connected;
mod error;
mod named;
mod open;
mod outfitter;
mod settings;
mod start;

pub use error::McpSettingsError;
pub use named::NamedTool;
pub use outfitter::Outfitter;
pub use settings::McpSettings;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod url_tests;
