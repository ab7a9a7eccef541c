//! Over a pair of streams, for one caller, until its end of them is closed.

use rmcp::ServiceExt as _;
use rmcp::service::ServerInitializeError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::handler::{Desk, Visitor};
use super::lines::Lines;

/// Why serving ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("the client did not begin as the protocol asks")]
    Begin(#[source] Box<ServerInitializeError>),
    #[error("serving broke off")]
    Broken(#[from] tokio::task::JoinError),
}

/// Serves one caller until it goes away, or until `stop`.
///
/// # Errors
/// When the client does not speak the protocol.
pub async fn stdio<R, W>(
    visitor: Visitor,
    read: R,
    write: W,
    stop: CancellationToken,
) -> Result<(), ServeError>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let lines = Lines::new(read, write);
    let begun = Desk::of(visitor).serve_with_ct(lines, stop).await;
    let running = match begun {
        Ok(running) => running,
        // Nobody began: that is an end like any other.
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => {
            return Ok(());
        }
        Err(error) => return Err(ServeError::Begin(Box::new(error))),
    };
    running.waiting().await?;
    Ok(())
}
