//! One server that answers.

use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResult, ContentBlock, PaginatedRequestParams, Tool,
};
use rmcp::service::RunningService;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransport, StreamableHttpClientTransportConfig,
};
use rmcp::{RoleClient, ServiceExt as _};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::error::{ToolsError, Why};
use super::settings::{ServerSettings, Way};
use super::start::{self, Program};

/// Bytes of one message of a server.
const LARGEST_MESSAGE: usize = 4 << 20;
/// Pages of its list of tools that are read.
const MOST_PAGES: usize = 20;
/// A program may end by itself for so long.
const ENDS_WITHIN: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A server that was begun with. What it started ends when this is dropped.
#[derive(Debug)]
pub(super) struct Connected {
    service: RunningService<RoleClient, ()>,
    program: Option<Program>,
    timeout: Duration,
}

impl Connected {
    /// Starts or reaches it, and begins to speak.
    pub(super) async fn open(name: &str, settings: &ServerSettings) -> Result<Self, ToolsError> {
        let failed = |why| ToolsError {
            server: name.to_owned(),
            why,
        };
        let within = settings.timeout;
        match &settings.way {
            Way::Program {
                program,
                arguments,
                environment,
            } => {
                let (program, output, input) =
                    start::start(program, arguments, environment).map_err(failed)?;
                let transport = AsyncRwTransport::new_client(output, input)
                    .with_max_line_length(LARGEST_MESSAGE);
                let begun = timeout(within, ().serve(transport)).await;
                // What it complained about is read by somebody else: it may still be on its way.
                tokio::task::yield_now().await;
                match begun {
                    Ok(Ok(service)) => Ok(Self {
                        service,
                        program: Some(program),
                        timeout: within,
                    }),
                    Ok(Err(error)) => {
                        Err(failed(Why::NoTalk(plainly(&error), program.complaint())))
                    }
                    Err(_) => Err(failed(Why::TooLate {
                        within,
                        said: program.complaint(),
                    })),
                }
            }
            Way::Url { url, token } => {
                let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
                    .max_sse_event_size(LARGEST_MESSAGE)
                    .max_json_response_size(LARGEST_MESSAGE);
                if let Some(name) = token {
                    let value =
                        std::env::var(name).map_err(|_| failed(Why::NoVariable(name.clone())))?;
                    config = config.auth_header(value);
                }
                let http = reqwest::Client::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .redirect(reqwest::redirect::Policy::none())
                    .build()
                    .map_err(|error| failed(Why::NoTalk(plainly(&error), String::new())))?;
                let transport = StreamableHttpClientTransport::with_client(http, config);
                match timeout(within, ().serve(transport)).await {
                    Ok(Ok(service)) => Ok(Self {
                        service,
                        program: None,
                        timeout: within,
                    }),
                    Ok(Err(error)) => Err(failed(Why::NoTalk(plainly(&error), String::new()))),
                    Err(_) => Err(failed(Why::TooLate {
                        within,
                        said: String::new(),
                    })),
                }
            }
        }
    }

    /// The tools that it has.
    pub(super) async fn tools(&self, name: &str) -> Result<Vec<Tool>, ToolsError> {
        let failed = |why| ToolsError {
            server: name.to_owned(),
            why,
        };
        let listing = async {
            let (mut tools, mut cursor) = (Vec::new(), None);
            for _ in 0..MOST_PAGES {
                let page = PaginatedRequestParams::default().with_cursor(cursor);
                let page = self.service.list_tools(Some(page)).await?;
                tools.extend(page.tools);
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            Ok::<_, rmcp::ServiceError>(tools)
        };
        match timeout(self.timeout, listing).await {
            Ok(Ok(tools)) => Ok(tools),
            Ok(Err(error)) => Err(failed(Why::NoTalk(plainly(&error), String::new()))),
            Err(_) => Err(failed(Why::TooLate {
                within: self.timeout,
                said: String::new(),
            })),
        }
    }

    /// What a tool answers, or in words why it does not: both are for the model.
    pub(super) async fn call(
        &self,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> Result<String, String> {
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let seconds = self.timeout.as_secs();
        match timeout(self.timeout, self.service.call_tool(request)).await {
            Ok(Ok(result)) => read(result),
            Ok(Err(error)) => Err(plainly(&error)),
            Err(_) => Err(format!("it did not answer within {seconds} s")),
        }
    }

    /// Says good-bye; a program that stays nevertheless is ended.
    pub(super) async fn close(self) {
        let Self {
            service, program, ..
        } = self;
        let _ = timeout(ENDS_WITHIN, service.cancel()).await;
        if let Some(mut program) = program {
            let _ = timeout(ENDS_WITHIN, program.ended()).await;
        }
    }
}

/// An error in words, without the names of types that the protocol's library puts into it.
fn plainly(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    while let Some((from, to)) = typed(&text) {
        text.replace_range(from..to, "");
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    words
        .join(" ")
        .replace("Transport error:", "the connection failed:")
}

/// Where a name of a type stands in brackets.
fn typed(text: &str) -> Option<(usize, usize)> {
    text.match_indices('[').find_map(|(from, _)| {
        let to = from + text[from..].find(']')? + 1;
        text[from..to].contains("::").then_some((from, to))
    })
}

/// The text of a result.
fn read(result: CallToolResult) -> Result<String, String> {
    let mut parts = Vec::new();
    for block in &result.content {
        parts.push(match block {
            ContentBlock::Text(text) => text.text.clone(),
            ContentBlock::Image(_) => "(an image, which is not shown)".to_owned(),
            ContentBlock::Audio(_) => "(a sound, which is not played)".to_owned(),
            other => serde_json::to_string(other).unwrap_or_default(),
        });
    }
    let text = match (parts.is_empty(), result.structured_content) {
        (true, Some(value)) => value.to_string(),
        (true, None) => "(it answered nothing)".to_owned(),
        (false, _) => parts.join("\n"),
    };
    match result.is_error {
        Some(true) => Err(text),
        Some(false) | None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_no_types() {
        let error = std::io::Error::other(
            "Send message error Transport [rmcp::transport::worker::WorkerTransport<rmcp::Client<reqwest::Client>>] error: Client error: refused, when send initialize request",
        );
        assert_eq!(
            plainly(&error),
            "Send message error the connection failed: Client error: refused, when send initialize request"
        );
        assert_eq!(plainly(&std::io::Error::other("a [b] c")), "a [b] c");
    }
}
