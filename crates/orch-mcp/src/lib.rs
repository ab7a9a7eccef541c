//! The Model Context Protocol: the platform's tools for other agents, and tools of others for the roles.
//!
//! Tools are written once, over the typed client of the REST API: whoever calls one has the rights of its
//! token and no more. No tool approves, answers a question, shows a secret or says that work is done.

mod serve;
mod toolbox;
mod tools;

pub use serve::{
    Desk, Judged, MOST_ARGUMENT_BYTES, ServeError, Visitor, http_service, judge, stdio,
};
pub use toolbox::{McpSettings, McpSettingsError, NamedTool, Outfitter};
pub use tools::{Pace, Who};
