//! How a role names a tool: `server/tool`.

use super::McpSettingsError;

/// A tool of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedTool {
    pub server: String,
    pub tool: String,
}

impl NamedTool {
    /// Whether a role that names `wanted` means this one.
    #[must_use]
    pub fn is(&self, wanted: &str) -> bool {
        wanted.split_once('/') == Some((&self.server, &self.tool))
    }

    /// Reads what the role `role` names.
    ///
    /// # Errors
    /// When it is no name of a tool.
    pub fn parse(role: &str, wanted: &str) -> Result<Self, McpSettingsError> {
        match wanted.split_once('/') {
            Some((server, tool)) if !server.is_empty() && !tool.is_empty() => Ok(Self {
                server: server.to_owned(),
                tool: tool.to_owned(),
            }),
            Some(_) | None => Err(McpSettingsError::Role {
                role: role.to_owned(),
                wanted: wanted.to_owned(),
                why: "expected `server/tool`, such as `docs/search`".to_owned(),
            }),
        }
    }
}
