//! The server's side of the contract, played by the test: it sees every message and decides what to
//! answer and when.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use orch_api::proto::{
    self, Ack, AgentMessage, Assignment, Completion, Hello, Revoked, ServerBatch, ServerMessage,
    StepReport, Welcome,
    agent_message::Kind,
    agents_server::{Agents, AgentsServer},
    server_message,
};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle, time::timeout};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};

/// So long does nothing here take; a test that comes to it has failed.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub async fn soon<T>(what: &str, task: impl Future<Output = T>) -> T {
    let done = timeout(DEADLINE, task).await;
    done.unwrap_or_else(|_| panic!("{what} did not come within the deadline"))
}

/// A listening server.
pub struct Server {
    pub url: String,
    sessions: mpsc::Receiver<Session>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (opened, sessions) = mpsc::channel(8);
        let service = AgentsServer::new(Service { opened });
        let serving = tonic::transport::Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener));
        let task = tokio::spawn(async move { serving.await.unwrap() });
        Self {
            url,
            sessions,
            task,
        }
    }

    /// The next stream that an agent opens, not welcomed yet.
    pub async fn opened(&mut self) -> Session {
        soon("a stream", self.sessions.recv()).await.unwrap()
    }

    /// The next stream, welcomed.
    pub async fn session(&mut self) -> Session {
        let session = self.opened().await;
        session.welcome(5_000).await;
        session
    }
}

/// One stream of an agent.
pub struct Session {
    pub hello: Hello,
    pub token: Option<String>,
    up: Streaming<AgentMessage>,
    down: mpsc::Sender<Result<ServerMessage, Status>>,
    /// Came in a batch with one that was taken.
    next: VecDeque<AgentMessage>,
}

/// What a run told, all of it acknowledged.
#[derive(Default, Debug)]
pub struct Told {
    pub lines: Vec<proto::LogLine>,
    pub steps: Vec<StepReport>,
}

impl Told {
    /// Stream, step and text of the lines that steps wrote.
    pub fn output(&self) -> Vec<(u32, u32, &str)> {
        let lines = self.lines.iter().filter(|line| line.step > 0);
        lines
            .map(|line| (line.stream, line.step, line.message.as_str()))
            .collect()
    }

    pub fn text(&self) -> String {
        let lines = self.lines.iter().map(|line| line.message.as_str());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Number and status of each report.
    pub fn statuses(&self) -> Vec<(u32, &str)> {
        let steps = self.steps.iter();
        steps
            .map(|step| (step.number, step.status.as_str()))
            .collect()
    }

    pub fn add(&mut self, kind: Kind) -> Option<Kind> {
        match kind {
            Kind::Logs(logs) => self.lines.extend(logs.lines),
            Kind::Step(step) => self.steps.push(step),
            other => return Some(other),
        }
        None
    }
}

impl Session {
    pub async fn say(&self, kind: server_message::Kind) {
        let message = ServerMessage { kind: Some(kind) };
        // An agent that is gone hears nothing.
        let _ = self.down.send(Ok(message)).await;
    }

    pub async fn welcome(&self, stream_grace_ms: u64) {
        self.say(server_message::Kind::Welcome(Welcome {
            stream_grace_ms,
            claim_ttl_ms: 15_000,
            batches: false,
            tools: true,
            refusals: true,
            artifacts: true,
            model_use: false,
        }))
        .await;
    }

    /// Welcomes as a server that reads batches and keeps each run's order.
    pub async fn welcome_batches(&self) {
        self.say(server_message::Kind::Welcome(Welcome {
            stream_grace_ms: 5_000,
            claim_ttl_ms: 15_000,
            batches: true,
            tools: true,
            refusals: true,
            artifacts: true,
            model_use: false,
        }))
        .await;
    }

    /// Hands several runs out in one message.
    pub async fn assign_all(&self, assignments: Vec<Assignment>) {
        let parts = assignments.into_iter().map(|assignment| ServerMessage {
            kind: Some(server_message::Kind::Assignment(Box::new(assignment))),
        });
        let messages = parts.collect();
        self.say(server_message::Kind::Batch(ServerBatch { messages }))
            .await;
    }

    pub async fn assign(&self, assignment: Assignment) {
        self.say(server_message::Kind::Assignment(Box::new(assignment)))
            .await;
    }

    pub async fn revoke(&self, run_id: i64) {
        let reason = "cancelled".to_owned();
        self.say(server_message::Kind::Revoked(Revoked { run_id, reason }))
            .await;
    }

    pub async fn accept(&self, id: u64) {
        self.answer(id, "").await;
    }

    pub async fn answer(&self, id: u64, refused: &str) {
        self.say(server_message::Kind::Ack(Ack {
            id,
            refused: refused.to_owned(),
            message: format!("refused: {refused}"),
        }))
        .await;
    }

    /// The next message, not acknowledged; none once the agent has ended the stream.
    pub async fn next(&mut self) -> Option<AgentMessage> {
        if let Some(next) = self.next.pop_front() {
            return Some(next);
        }
        let message = soon("a message", self.up.message()).await.ok().flatten()?;
        match message.kind {
            Some(Kind::Batch(batch)) => {
                self.next.extend(batch.messages);
                self.next.pop_front()
            }
            kind => Some(AgentMessage { kind, ..message }),
        }
    }

    /// The next message and its id.
    pub async fn heard(&mut self) -> (u64, Kind) {
        let message = self.next().await.expect("a message, not the stream's end");
        (message.id, message.kind.expect("a known kind"))
    }

    /// Acknowledges everything up to and with the next message that is neither log nor step.
    pub async fn finish(&mut self, told: &mut Told) -> Kind {
        loop {
            let (id, kind) = self.heard().await;
            if id > 0 {
                self.accept(id).await;
            }
            if let Some(other) = told.add(kind) {
                return other;
            }
        }
    }

    /// Acknowledges everything until the run completes.
    pub async fn complete(&mut self) -> (Told, Completion) {
        let mut told = Told::default();
        match self.finish(&mut told).await {
            Kind::Completion(completion) => (told, completion),
            other => panic!("expected a completion, got {other:?}; told {told:?}"),
        }
    }

    /// Acknowledges everything until a step has written `text`.
    pub async fn until_output(&mut self, text: &str) -> Told {
        let mut told = Told::default();
        while !told.text().contains(text) {
            let (id, kind) = self.heard().await;
            self.accept(id).await;
            if let Some(other) = told.add(kind) {
                panic!("expected output, got {other:?}; told {told:?}");
            }
        }
        told
    }
}

struct Service {
    opened: mpsc::Sender<Session>,
}

type Refused<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Agents for Service {
    type ConnectStream = ReceiverStream<Result<ServerMessage, Status>>;

    async fn connect(
        &self,
        request: Request<Streaming<AgentMessage>>,
    ) -> Refused<Self::ConnectStream> {
        let token = request.metadata().get("authorization");
        let token = token.map(|token| token.to_str().unwrap().to_owned());
        let mut up = request.into_inner();
        let first = up.message().await?.and_then(|first| first.kind);
        let Some(Kind::Hello(hello)) = first else {
            return Err(Status::invalid_argument("the first message is not Hello"));
        };
        if hello.agent_id == "unwanted" {
            return Err(Status::unauthenticated("a token is needed"));
        }
        let (down, messages) = mpsc::channel(64);
        let session = Session {
            hello,
            token,
            up,
            down,
            next: VecDeque::new(),
        };
        self.opened.send(session).await.ok();
        Ok(Response::new(ReceiverStream::new(messages)))
    }

    async fn start_task(
        &self,
        _: Request<proto::StartTaskRequest>,
    ) -> Refused<proto::StartTaskReply> {
        Err(Status::unimplemented("StartTask"))
    }

    async fn report_progress(
        &self,
        _: Request<proto::ReportProgressRequest>,
    ) -> Refused<proto::ReportProgressReply> {
        Err(Status::unimplemented("ReportProgress"))
    }

    async fn emit_artifact(
        &self,
        _: Request<proto::EmitArtifactRequest>,
    ) -> Refused<proto::EmitArtifactReply> {
        Err(Status::unimplemented("EmitArtifact"))
    }

    async fn await_approval(
        &self,
        _: Request<proto::AwaitApprovalRequest>,
    ) -> Refused<proto::AwaitApprovalReply> {
        Err(Status::unimplemented("AwaitApproval"))
    }

    /// Every name has a value, the name itself with something before it; `GONE` has none.
    async fn get_secrets(
        &self,
        request: Request<proto::GetSecretsRequest>,
    ) -> Refused<proto::GetSecretsReply> {
        let asked = request.into_inner();
        let (gone, there) = asked.names.into_iter().partition(|name| name == "GONE");
        let there: Vec<String> = if asked.probe { Vec::new() } else { there };
        let value = |name: String| proto::SecretValue {
            value: format!("value-of-{name}").into_bytes(),
            name,
            version: 1,
        };
        Ok(Response::new(proto::GetSecretsReply {
            values: there.into_iter().map(value).collect(),
            missing: gone,
        }))
    }

    async fn request_tool(
        &self,
        _: Request<proto::RequestToolRequest>,
    ) -> Refused<proto::RequestToolReply> {
        Err(Status::unimplemented("RequestTool"))
    }

    async fn open_pr(&self, _: Request<proto::Unsupported>) -> Refused<proto::Unsupported> {
        Err(Status::unimplemented("OpenPR"))
    }

    async fn run_tests(&self, _: Request<proto::Unsupported>) -> Refused<proto::Unsupported> {
        Err(Status::unimplemented("RunTests"))
    }

    async fn deploy(&self, _: Request<proto::Unsupported>) -> Refused<proto::Unsupported> {
        Err(Status::unimplemented("Deploy"))
    }
}

/// A run of the item `title` with this recipe, or none.
pub fn assignment(run_id: i64, title: &str, recipe_yaml: &str) -> Assignment {
    Assignment {
        run_id,
        epoch: 1,
        work_item_id: run_id + 100,
        project_id: 1,
        title: title.to_owned(),
        attempt: 1,
        trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        recipe_yaml: recipe_yaml.to_owned(),
        ..Assignment::default()
    }
}

/// Answers, as an assignment carries them.
pub fn answers<const N: usize>(
    pairs: [(&str, &str); N],
) -> std::collections::HashMap<String, String> {
    let pairs: BTreeMap<&str, &str> = pairs.into();
    let owned = pairs.into_iter();
    owned
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}
