//! The service of the contract: what is offered, and by name what is not yet.

use std::pin::Pin;

use futures::Stream;
use orch_api::proto::agents_server::{Agents, AgentsServer};
use orch_api::proto::{
    AgentMessage, AwaitApprovalReply, AwaitApprovalRequest, EmitArtifactReply, EmitArtifactRequest,
    GetSecretsReply, GetSecretsRequest, ReportProgressReply, ReportProgressRequest,
    RequestToolReply, RequestToolRequest, ServerMessage, StartTaskReply, StartTaskRequest,
    Unsupported,
};
use orch_core::engine::Refusal;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::{secrets, stream, unary};
use crate::app::{App, AppError};
use crate::edge::{Access, Area};

/// The largest message: an artifact of 16 MiB and what is around it.
const LARGEST_MESSAGE: usize = 17 * 1024 * 1024;

/// The routes of the service.
pub(crate) fn area(app: &App, streams: &CancellationToken) -> Area<App> {
    let service = Service {
        app: app.clone(),
        streams: streams.clone(),
    };
    let server = AgentsServer::new(service).max_decoding_message_size(LARGEST_MESSAGE);
    Area::new().service(
        Access::Agent.grpc(),
        "/orch.agent.v1.Agents/{*call}",
        server,
    )
}

#[derive(Clone)]
pub(super) struct Service {
    app: App,
    streams: CancellationToken,
}

type Sent<T> = Result<Response<T>, Status>;

fn not_offered<T>(name: &str) -> Sent<T> {
    Err(Status::unimplemented(format!(
        "{name} is not offered by this server yet"
    )))
}

#[tonic::async_trait]
impl Agents for Service {
    type ConnectStream = Pin<Box<dyn Stream<Item = Result<ServerMessage, Status>> + Send>>;

    async fn connect(
        &self,
        request: Request<Streaming<AgentMessage>>,
    ) -> Sent<Self::ConnectStream> {
        stream::connect(self.app.clone(), self.streams.clone(), request.into_inner()).await
    }

    async fn start_task(&self, request: Request<StartTaskRequest>) -> Sent<StartTaskReply> {
        unary::start_task(&self.app, request.into_inner()).await
    }

    async fn report_progress(
        &self,
        request: Request<ReportProgressRequest>,
    ) -> Sent<ReportProgressReply> {
        unary::report_progress(&self.app, request.into_inner()).await
    }

    async fn emit_artifact(
        &self,
        request: Request<EmitArtifactRequest>,
    ) -> Sent<EmitArtifactReply> {
        unary::emit_artifact(&self.app, request.into_inner()).await
    }

    async fn await_approval(
        &self,
        request: Request<AwaitApprovalRequest>,
    ) -> Sent<AwaitApprovalReply> {
        unary::await_approval(&self.app, request.into_inner()).await
    }

    async fn get_secrets(&self, request: Request<GetSecretsRequest>) -> Sent<GetSecretsReply> {
        secrets::get(&self.app, request.into_inner()).await
    }

    async fn request_tool(&self, request: Request<RequestToolRequest>) -> Sent<RequestToolReply> {
        unary::request_tool(&self.app, request.into_inner()).await
    }

    async fn open_pr(&self, _: Request<Unsupported>) -> Sent<Unsupported> {
        not_offered("OpenPR")
    }

    async fn run_tests(&self, _: Request<Unsupported>) -> Sent<Unsupported> {
        not_offered("RunTests")
    }

    async fn deploy(&self, _: Request<Unsupported>) -> Sent<Unsupported> {
        not_offered("Deploy")
    }
}

/// A refusal as a code and a message, for acknowledgements.
pub(super) fn refusal(error: &AppError) -> (String, String) {
    let code = match error {
        AppError::Refused(Refusal::NotFound { .. }) | AppError::NotFound(_) => "not_found",
        AppError::Refused(Refusal::Conflict { code, .. } | Refusal::Forbidden { code, .. }) => code,
        AppError::Refused(Refusal::Invalid { .. }) | AppError::Invalid { .. } => "invalid",
        AppError::PreconditionFailed(_) => "precondition_failed",
        AppError::TooLarge(_) => "too_large",
        AppError::NoSpace(_) => "no_space",
        AppError::Unavailable(_) | AppError::Busy { .. } => "unavailable",
        AppError::Store(error) if error.is_unreadable() => "unreadable_row",
        AppError::OverBudget(_) => "over_budget",
        AppError::Store(_) => "unavailable",
    };
    (code.to_owned(), error.to_string())
}

impl From<AppError> for Status {
    fn from(error: AppError) -> Self {
        let (code, message) = refusal(&error);
        match error {
            AppError::Refused(Refusal::NotFound { .. }) | AppError::NotFound(_) => {
                Self::not_found(message)
            }
            AppError::Refused(Refusal::Conflict { .. })
            | AppError::PreconditionFailed(_)
            | AppError::OverBudget(_) => Self::failed_precondition(format!("{code}: {message}")),
            AppError::Refused(Refusal::Forbidden { .. }) => {
                Self::permission_denied(format!("{code}: {message}"))
            }
            AppError::Refused(Refusal::Invalid { .. })
            | AppError::Invalid { .. }
            | AppError::TooLarge(_) => Self::invalid_argument(message),
            AppError::NoSpace(_) | AppError::Unavailable(_) | AppError::Busy { .. } => {
                Self::unavailable(message)
            }
            AppError::Store(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a call failed");
                Self::unavailable("the store failed; try again")
            }
        }
    }
}
