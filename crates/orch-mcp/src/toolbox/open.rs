//! The tools that one role has while it is asked.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use orch_model::{ToolSpec, Tools, Working};
use serde_json::Value;

use super::connected::Connected;
use super::error::{ToolsError, Why};
use super::{McpSettings, NamedTool};

/// Calls that a role may make while it is asked once.
const MOST_CALLS: u32 = 64;
/// Bytes of the arguments of one call.
const MOST_ARGUMENT_BYTES: usize = 256 << 10;
/// Bytes of a tool's schema.
const MOST_SCHEMA_BYTES: usize = 32 << 10;
const MOST_ABOUT_CHARS: usize = 1000;
/// What providers take as the name of a tool.
const MOST_NAME_BYTES: usize = 64;

/// Servers that were opened, and what of them may be called.
pub(super) struct Toolbox {
    servers: BTreeMap<String, Connected>,
    /// By the name under which the model knows it.
    tools: BTreeMap<String, (ToolSpec, NamedTool)>,
    calls: AtomicU32,
}

impl fmt::Debug for Toolbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.tools.keys()).finish()
    }
}

impl Toolbox {
    /// Opens the servers that `wanted` names.
    ///
    /// # Errors
    /// When one does not start, or has no such tool: a role does not go without what it counts on.
    pub(super) async fn open(
        settings: &McpSettings,
        wanted: &[NamedTool],
    ) -> Result<Self, ToolsError> {
        let mut opened = Self {
            servers: BTreeMap::new(),
            tools: BTreeMap::new(),
            calls: AtomicU32::new(0),
        };
        for named in wanted {
            if opened.servers.contains_key(&named.server) {
                continue;
            }
            let name = &named.server;
            let server = settings
                .server(name)
                .expect("invariant: a role's tools are looked at when roles are read");
            let server = Connected::open(name, server).await?;
            let has = server.tools(name).await?;
            for wanted in wanted.iter().filter(|wanted| wanted.server == *name) {
                let (known, spec) = specify(wanted, &has)?;
                opened.tools.insert(known, (spec, wanted.clone()));
            }
            opened.servers.insert(name.clone(), server);
        }
        Ok(opened)
    }

    pub(super) async fn close(self) {
        let closing = self.servers.into_values().map(Connected::close);
        futures::future::join_all(closing).await;
    }

    async fn answer(&self, name: &str, arguments: Value) -> String {
        let Some((_, named)) = self.tools.get(name) else {
            return "there is no such tool".to_owned();
        };
        if self.calls.fetch_add(1, Ordering::Relaxed) >= MOST_CALLS {
            return format!(
                "not called: the {MOST_CALLS} calls of this role are used up; answer with what there is"
            );
        }
        let bytes = arguments.to_string().len();
        let Value::Object(arguments) = arguments else {
            return "the arguments are no object".to_owned();
        };
        if bytes > MOST_ARGUMENT_BYTES {
            return format!(
                "not called: the arguments have {bytes} bytes, at most {MOST_ARGUMENT_BYTES} are taken"
            );
        }
        let server = &self.servers[&named.server];
        let answered = server.call(&named.tool, arguments).await;
        tracing::info!(
            tool.server = named.server,
            tool.name = named.tool,
            tool.failed = answered.is_err(),
            "a role called a tool"
        );
        match answered {
            Ok(text) => text,
            Err(why) => format!("the tool failed: {why}"),
        }
    }
}

impl Tools for Toolbox {
    fn specs(&self) -> Vec<ToolSpec> {
        self.tools.values().map(|(spec, _)| spec.clone()).collect()
    }

    fn call<'a>(&'a self, name: &'a str, arguments: Value) -> Working<'a> {
        Box::pin(self.answer(name, arguments))
    }
}

/// A tool as the model is told of it.
fn specify(
    wanted: &NamedTool,
    has: &[rmcp::model::Tool],
) -> Result<(String, ToolSpec), ToolsError> {
    let failed = |why| ToolsError {
        server: wanted.server.clone(),
        why,
    };
    let Some(tool) = has.iter().find(|tool| tool.name == wanted.tool) else {
        let has = has
            .iter()
            .take(50)
            .map(|tool| shown(&tool.name, 64))
            .collect();
        return Err(failed(Why::NoTool {
            wanted: wanted.tool.clone(),
            has,
        }));
    };
    let parameters = Value::Object((*tool.input_schema).clone());
    if parameters.to_string().len() > MOST_SCHEMA_BYTES {
        let why = "has a schema that is too large to be shown to a model";
        return Err(failed(Why::BadTool(wanted.tool.clone(), why)));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name: String = format!("{}__{}", wanted.server, wanted.tool)
        .chars()
        .map(|c| if fits(c) { c } else { '_' })
        .collect();
    if name.len() > MOST_NAME_BYTES {
        return Err(failed(Why::BadTool(
            wanted.tool.clone(),
            "has a name that is too long for a model: with that of its server, at most 62 characters",
        )));
    }
    let about = tool.description.as_deref().unwrap_or_default();
    let spec = ToolSpec {
        name: name.clone(),
        description: shown(about, MOST_ABOUT_CHARS),
        parameters,
    };
    Ok((name, spec))
}

/// A text of a server, bounded and without control characters.
fn shown(text: &str, most: usize) -> String {
    let kept = text.chars().filter(|c| !c.is_control() || *c == '\n');
    kept.take(most).collect()
}
