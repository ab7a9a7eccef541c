//! Over HTTP: each request stands for itself and brings its own caller.
//!
//! There are no sessions, so there is none to bound, to steal or to lose with a server: any of several
//! servers on one database answers any request. Who hangs up cancels its call.

use std::sync::Arc;

use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;

use super::handler::{Desk, MOST_ARGUMENT_BYTES};

/// What a request has beside its arguments.
const FRAME_BYTES: usize = 64 << 10;

/// The service of one path. It checks neither Host nor Origin nor tokens: whoever mounts it does that before,
/// and puts a [`super::Visitor`] into each request's extensions.
#[must_use]
pub fn http_service(stop: CancellationToken) -> StreamableHttpService<Desk, NeverSessionManager> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(MOST_ARGUMENT_BYTES + FRAME_BYTES)
        .with_cancellation_token(stop)
        .disable_allowed_hosts()
        .disable_allowed_origins();
    StreamableHttpService::new(
        || Ok(Desk::of_each()),
        Arc::new(NeverSessionManager::default()),
        config,
    )
}
