//! Single calls to the server, beside the stream and over its connection.
//!
//! Waits while the stream is lost, within a bound. Never keeps what it was told.

use std::time::Duration;

use orch_api::proto::{GetSecretsReply, GetSecretsRequest, agents_client::AgentsClient};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use tonic::{
    Code, Request,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};

use crate::outbox::RunKey;

/// How long a call is tried, a lost stream included.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the server may take for one attempt.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(500);

/// Where things are asked of the server.
pub struct Desk {
    line: watch::Sender<Option<Line>>,
    agent_id: String,
    secret: String,
}

#[derive(Clone)]
struct Line {
    channel: Channel,
    token: Option<MetadataValue<Ascii>>,
}

/// Which secrets, and whether their values or only whether they are there.
pub(crate) enum Wish {
    Values,
    Missing,
}

impl Desk {
    pub(crate) fn new(agent_id: &str, secret: Option<&str>) -> Self {
        Self {
            line: watch::Sender::new(None),
            agent_id: agent_id.to_owned(),
            secret: secret.unwrap_or_default().to_owned(),
        }
    }

    pub(crate) fn open(&self, channel: Channel, token: Option<MetadataValue<Ascii>>) {
        self.line.send_replace(Some(Line { channel, token }));
    }

    pub(crate) fn close(&self) {
        self.line.send_replace(None);
    }

    /// Asks for secrets of a run that this agent holds.
    ///
    /// # Errors
    /// Why there is no answer, for people.
    pub(crate) async fn secrets(
        &self,
        run: RunKey,
        names: Vec<String>,
        wish: Wish,
    ) -> Result<GetSecretsReply, String> {
        let asked = GetSecretsRequest {
            agent_id: self.agent_id.clone(),
            run_id: run.run_id,
            epoch: run.epoch,
            secret: self.secret.clone(),
            names,
            probe: matches!(wish, Wish::Missing),
        };
        let until = Instant::now() + PATIENCE;
        let mut lines = self.line.subscribe();
        loop {
            let line = match timeout_at(until, lines.wait_for(Option::is_some)).await {
                Ok(Ok(line)) => line.clone(),
                Ok(Err(_)) | Err(_) => None,
            };
            let Some(line) = line else {
                return Err("the server is away".to_owned());
            };
            let mut request = Request::new(asked.clone());
            request.set_timeout(ANSWERS_WITHIN);
            if let Some(token) = line.token {
                request.metadata_mut().insert("authorization", token);
            }
            let mut client = AgentsClient::new(line.channel);
            let failed = match timeout_at(until, client.get_secrets(request)).await {
                Ok(Ok(reply)) => return Ok(reply.into_inner()),
                Ok(Err(status)) => status,
                Err(_) => return Err("the server did not answer in time".to_owned()),
            };
            match failed.code() {
                Code::Unimplemented => {
                    return Err("the server is of a version without secrets".to_owned());
                }
                // It may come back, or the stream finds another.
                Code::Unavailable | Code::Cancelled | Code::Unknown | Code::DeadlineExceeded
                    if Instant::now() + PAUSE < until =>
                {
                    tokio::time::sleep(PAUSE).await;
                }
                _ => return Err(failed.message().to_owned()),
            }
        }
    }
}
