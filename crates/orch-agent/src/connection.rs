//! The one stream to the server, and its return after every loss.
//!
//! Carries what the outbox holds and hands assignments to the runs. Never gives up on a server that
//! is away or busy, and never asks for work: the server pushes it.

use std::{sync::Arc, time::Duration};

use orch_api::proto::{
    AgentMessage, Hello, Leaving, Pong, ServerMessage, agent_message::Kind,
    agents_client::AgentsClient, server_message,
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Request, Status, Streaming,
    metadata::{Ascii, MetadataValue},
    transport::Endpoint,
};

use crate::{
    AgentError,
    config::AgentConfig,
    desk::Desk,
    hold::Loss,
    outage::{Cause, Outage},
    outbox::{Answer, Outbox, RunKey},
    runs::Runs,
    servers::{ServerAddress, Servers},
    settle::ends_hold,
    text::chain,
};

/// How long the end of an agent may take.
const SHUTDOWN_TIME: Duration = Duration::from_millis(4500);

/// Answers come in one message, and a run may have many.
const LARGEST_MESSAGE: usize = 64 << 20;

/// Messages between the outbox and the wire: few, so that more gather in each.
const QUEUE: usize = 2;

/// What the stream needs to know of the agent.
pub(crate) struct Connection {
    pub(crate) config: AgentConfig,
    pub(crate) agent_id: String,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) runs: Arc<Runs>,
}

/// A stream that the server has welcomed.
struct Session {
    up: mpsc::Sender<AgentMessage>,
    down: Streaming<ServerMessage>,
    grace: Duration,
}

/// Why there is no stream.
enum Failure {
    /// The server cannot be reached.
    Unreachable(String),
    /// It answered with this.
    Status(Status),
}

impl Failure {
    fn cause(&self) -> Cause {
        match self {
            Self::Unreachable(_) => Cause::Gone,
            Self::Status(status) => match status.code() {
                Code::Unavailable | Code::ResourceExhausted => Cause::Busy,
                _ => Cause::Gone,
            },
        }
    }

    fn why(&self) -> String {
        match self {
            Self::Unreachable(why) => why.clone(),
            Self::Status(status) => format!("{}: {}", status.code(), status.message()),
        }
    }

    /// What to do where trying again will not help.
    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable(_) => None,
            Self::Status(status) => match status.code() {
                Code::Unauthenticated | Code::PermissionDenied => {
                    Some("set ORCH_API_TOKEN to the server's token")
                }
                Code::InvalidArgument => Some("correct the agent's settings"),
                Code::Unimplemented => Some(
                    "check that ORCH_URL names a codex-orchestrator server, of the agent's version",
                ),
                _ => None,
            },
        }
    }
}

/// How a stream ended.
enum End {
    Lost(Failure),
    ShutDown,
}

impl Connection {
    /// Stays connected until `shutdown`, and gives all runs back then.
    ///
    /// # Errors
    /// When the address or the token cannot be used, or the server refuses the agent for good.
    pub(crate) async fn keep(&self, shutdown: &CancellationToken) -> Result<(), AgentError> {
        let servers = Servers::read(&self.config)?;
        let token = self.bearer()?;
        let mut outage = Outage::new(&self.config);
        let mut was_connected = false;
        // Each in turn: whoever was left is the last to be asked again.
        for server in servers.in_turn() {
            let opening = outage.during(&self.runs, self.open(server, token.as_ref()));
            let opened = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                opened = opening => opened,
            };
            let failure = match opened {
                Ok(session) => {
                    was_connected = true;
                    outage.over(session.grace);
                    match self.carry(session, shutdown).await {
                        End::ShutDown => break,
                        End::Lost(failure) => {
                            self.desk.close();
                            self.outbox.rewind();
                            outage.begin();
                            failure
                        }
                    }
                }
                Err(failure) => failure,
            };
            if let (Failure::Status(status), Some(advice), false) =
                (&failure, failure.advice(), was_connected)
            {
                return Err(AgentError::Refused {
                    url: server.url.clone(),
                    code: format!("{:?}", status.code()),
                    message: status.message().to_owned(),
                    advice,
                });
            }
            let pause = outage.pause(failure.cause(), &failure.why(), self.runs.count());
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                () = outage.during(&self.runs, tokio::time::sleep(pause)) => {}
            }
        }
        self.end_all().await;
        Ok(())
    }

    /// Without a stream there is nobody to tell; the processes end all the same.
    async fn end_all(&self) {
        self.runs.stop_all();
        self.runs.lose_all(&Loss::Outage);
        if timeout(SHUTDOWN_TIME, self.runs.idle()).await.is_err() {
            self.runs.abort_all();
        }
    }

    fn bearer(&self) -> Result<Option<MetadataValue<Ascii>>, AgentError> {
        let Some(token) = &self.config.api_token else {
            return Ok(None);
        };
        let value = format!("Bearer {}", token.trim()).parse::<MetadataValue<Ascii>>();
        let mut value = value.map_err(|_| AgentError::Token)?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    async fn open(
        &self,
        server: &ServerAddress,
        token: Option<&MetadataValue<Ascii>>,
    ) -> Result<Session, Failure> {
        let opening = timeout(server.answers_within, self.greet(&server.endpoint, token)).await;
        opening.unwrap_or_else(|_| {
            let seconds = server.answers_within.as_secs();
            let why = format!("the server did not answer within {seconds} s");
            Err(Failure::Unreachable(why))
        })
    }

    async fn greet(
        &self,
        endpoint: &Endpoint,
        token: Option<&MetadataValue<Ascii>>,
    ) -> Result<Session, Failure> {
        let channel = endpoint.connect().await;
        let channel = channel.map_err(|error| Failure::Unreachable(chain(&error)))?;
        let mut client =
            AgentsClient::new(channel.clone()).max_decoding_message_size(LARGEST_MESSAGE);
        let (up, messages) = mpsc::channel(QUEUE);
        let hello = AgentMessage {
            id: 0,
            kind: Some(Kind::Hello(self.hello())),
        };
        // The queue is new and has room.
        let _ = up.send(hello).await;
        let mut request = Request::new(ReceiverStream::new(messages));
        if let Some(token) = token {
            request
                .metadata_mut()
                .insert("authorization", token.clone());
        }
        let response = client.connect(request).await.map_err(Failure::Status)?;
        let mut down = response.into_inner();
        let first = down.message().await.map_err(Failure::Status)?;
        let Some(server_message::Kind::Welcome(welcome)) = first.and_then(|first| first.kind)
        else {
            let why = "the server did not welcome the agent".to_owned();
            return Err(Failure::Unreachable(why));
        };
        self.outbox.speak(&welcome);
        self.desk.open(channel, token.cloned());
        Ok(Session {
            up,
            down,
            grace: Duration::from_millis(welcome.stream_grace_ms),
        })
    }

    fn hello(&self) -> Hello {
        let ttl = self.config.claim_ttl.unwrap_or_default();
        Hello {
            agent_id: self.agent_id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            slots: u32::try_from(self.config.slots).unwrap_or(u32::MAX),
            labels: self.config.labels.clone(),
            claim_ttl_ms: u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX),
            secret: self.config.secret.clone().unwrap_or_default(),
            held: self.runs.held(),
            batches: true,
            steers: self.config.executor.steers(),
        }
    }

    async fn carry(&self, session: Session, shutdown: &CancellationToken) -> End {
        let Session {
            up,
            mut down,
            grace: _,
        } = session;
        let send = async {
            while let Ok(room) = up.reserve().await {
                room.send(self.outbox.next().await);
            }
        };
        let receive = async {
            loop {
                match down.message().await {
                    Ok(Some(message)) => self.hear(message, &up, shutdown),
                    Ok(None) => {
                        let why = "the server ended the stream".to_owned();
                        break Failure::Unreachable(why);
                    }
                    Err(status) => break Failure::Status(status),
                }
            }
        };
        let lost = {
            let (mut send, mut receive) = (Box::pin(send), Box::pin(receive));
            let wind_down = async {
                shutdown.cancelled().await;
                // First of all, or the server would hand what is given back to us again.
                let leaving = AgentMessage {
                    id: 0,
                    kind: Some(Kind::Leaving(Leaving {})),
                };
                let _ = up.send(leaving).await;
                self.runs.stop_all();
                timeout(SHUTDOWN_TIME, self.runs.idle()).await.is_err()
            };
            tokio::select! {
                failure = &mut receive => Some(failure),
                () = &mut send => Some(Failure::Unreachable("the stream was cut".to_owned())),
                is_late = wind_down => {
                    if is_late {
                        self.runs.abort_all();
                    }
                    None
                }
            }
        };
        match lost {
            Some(failure) => End::Lost(failure),
            None => {
                // The end of our side says good-bye: the server need not wait for the stream's loss.
                drop(up);
                let until = Instant::now() + Duration::from_millis(200);
                while let Ok(Ok(Some(_))) = timeout_at(until, down.message()).await {}
                End::ShutDown
            }
        }
    }

    fn hear(
        &self,
        message: ServerMessage,
        up: &mpsc::Sender<AgentMessage>,
        shutdown: &CancellationToken,
    ) {
        match message.kind {
            Some(server_message::Kind::Batch(batch)) => {
                for message in batch.messages {
                    self.hear_one(message.kind, up, shutdown);
                }
            }
            kind => self.hear_one(kind, up, shutdown),
        }
    }

    fn hear_one(
        &self,
        kind: Option<server_message::Kind>,
        up: &mpsc::Sender<AgentMessage>,
        shutdown: &CancellationToken,
    ) {
        let Some(kind) = kind else {
            tracing::debug!("passed over a message that this version does not know");
            return;
        };
        match kind {
            // Neither comes within a stream, or within a batch.
            server_message::Kind::Welcome(_) | server_message::Kind::Batch(_) => {}
            // What is handed out to an agent on its way out goes back with the end of the stream.
            server_message::Kind::Assignment(_) if shutdown.is_cancelled() => {}
            server_message::Kind::Assignment(assignment) => self.runs.take(*assignment),
            server_message::Kind::Revoked(revoked) => {
                self.runs.revoke(revoked.run_id, revoked.reason);
            }
            server_message::Kind::Steer(steer) => {
                let run = RunKey {
                    run_id: steer.run_id,
                    epoch: steer.epoch,
                };
                self.runs.say(run, steer.text);
            }
            server_message::Kind::Ack(ack) => {
                if let Some((run, Answer::Refused { code, message })) = self.outbox.acknowledge(ack)
                {
                    if ends_hold(&code) {
                        self.runs.lose(run, Loss::TakenBack(code));
                    } else {
                        tracing::warn!(run.id = run.run_id, %code, %message, "the server refused a message");
                    }
                }
            }
            server_message::Kind::Ping(_) => {
                let (unacknowledged, oldest) = self.outbox.waiting();
                let pong = AgentMessage {
                    id: 0,
                    kind: Some(Kind::Pong(Pong {
                        unacknowledged,
                        oldest_ms: u64::try_from(oldest.as_millis()).unwrap_or(u64::MAX),
                    })),
                };
                // A full queue shows that we are there, too.
                let _ = up.try_send(pong);
            }
        }
    }
}
