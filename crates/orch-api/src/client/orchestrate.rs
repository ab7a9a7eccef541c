//! Requests to several roles in turn, followed as they are worked on.

use std::collections::VecDeque;
use std::time::Duration;

use orch_core::sse::{Event, Reader};
use reqwest::{Method, Response};
use serde_json::Value;

use super::{Client, ClientError, Page, Paging};
use crate::types::orchestrate::{
    AgentReport, AgentRole, ModelCall, NewOrchestration, Orchestration, OrchestrationSession,
    OrchestrationSummary,
};

/// The server says that it is alive more often than this.
const SILENCE: Duration = Duration::from_secs(60);
const REQUEST: &str = "/api/orchestrate";

/// What happens with a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// It has begun.
    Begun(Box<Orchestration>),
    /// A role begins or ends.
    Agent(AgentReport),
    /// A piece of what a role writes.
    Delta { agent: String, text: String },
    /// It is over; nothing follows.
    End(Box<Orchestration>),
}

/// A request that is followed; letting it go cancels the request.
#[derive(Debug)]
pub struct Orchestrating {
    response: Response,
    reader: Reader,
    ready: VecDeque<Event>,
    url: String,
}

impl Client {
    /// Asks several roles in turn, and follows them.
    pub async fn orchestrate(&self, new: &NewOrchestration) -> Result<Orchestrating, ClientError> {
        let new = NewOrchestration {
            stream: true,
            ..new.clone()
        };
        let request = self.request(Method::POST, REQUEST).json(&new);
        let response = self.send(request).await?;
        Ok(Orchestrating {
            response,
            reader: Reader::default(),
            ready: VecDeque::new(),
            url: self.url().to_owned(),
        })
    }

    /// One request.
    pub async fn orchestration(&self, id: &str) -> Result<Orchestration, ClientError> {
        self.get(&format!("{REQUEST}/{}", encoded(id))).await
    }

    /// Cancels a request that runs.
    pub async fn cancel_orchestration(&self, id: &str) -> Result<Orchestration, ClientError> {
        self.act(&format!("{REQUEST}/{}/cancel", encoded(id))).await
    }

    /// What models were asked for a request, and what they answered.
    pub async fn model_calls(&self, id: &str) -> Result<Vec<ModelCall>, ClientError> {
        self.get(&format!("{REQUEST}/{}/calls", encoded(id))).await
    }

    /// A page of requests, of one session or of all.
    pub async fn orchestrations(
        &self,
        session: Option<&str>,
        paging: &Paging,
    ) -> Result<Page<OrchestrationSummary>, ClientError> {
        let query: Vec<(&str, &str)> = session.map(|id| ("session_id", id)).into_iter().collect();
        self.page(REQUEST, &query, paging).await
    }

    /// A page of sessions.
    pub async fn sessions(
        &self,
        paging: &Paging,
    ) -> Result<Page<OrchestrationSession>, ClientError> {
        self.page("/api/sessions", &(), paging).await
    }

    /// The roles that can be asked.
    pub async fn agent_roles(&self) -> Result<Vec<AgentRole>, ClientError> {
        self.get("/api/agents").await
    }
}

fn encoded(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes()).collect()
}

impl Orchestrating {
    /// What happens next.
    ///
    /// # Errors
    /// When the connection breaks before the end, or the server speaks another format.
    pub async fn next(&mut self) -> Result<Progress, ClientError> {
        loop {
            while let Some(event) = self.ready.pop_front() {
                if let Some(progress) = understand(&event)? {
                    return Ok(progress);
                }
            }
            let chunk = tokio::time::timeout(SILENCE, self.response.chunk()).await;
            let chunk = chunk.map_err(|_| ClientError::TimedOut {
                url: self.url.clone(),
                after: SILENCE,
            })?;
            let chunk = chunk.map_err(|source| ClientError::Interrupted {
                url: self.url.clone(),
                source: source.without_url(),
            })?;
            let bytes = chunk.ok_or_else(|| ClientError::Ended {
                request: REQUEST.to_owned(),
            })?;
            let fed = self.reader.feed(&bytes, &mut self.ready);
            fed.map_err(|large| ClientError::TooLarge {
                request: REQUEST.to_owned(),
                limit_bytes: large.limit_bytes,
            })?;
        }
    }
}

fn understand(event: &Event) -> Result<Option<Progress>, ClientError> {
    let unreadable = |source| ClientError::Unreadable {
        request: REQUEST.to_owned(),
        source,
    };
    let data = event.data.as_str();
    Ok(match event.name.as_str() {
        "request" => Some(Progress::Begun(
            serde_json::from_str(data).map_err(unreadable)?,
        )),
        "agent" => Some(Progress::Agent(
            serde_json::from_str(data).map_err(unreadable)?,
        )),
        "delta" => {
            let piece: Value = serde_json::from_str(data).map_err(unreadable)?;
            let text = |name: &str| piece[name].as_str().unwrap_or_default().to_owned();
            Some(Progress::Delta {
                agent: text("agent"),
                text: text("text"),
            })
        }
        "end" => Some(Progress::End(
            serde_json::from_str(data).map_err(unreadable)?,
        )),
        // A later server may send more kinds.
        _ => None,
    })
}
