//! Serving connections: HTTP/1.1, HTTP/2 and upgrades on one port, with bounds on how many there
//! are and how long one may stay silent.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Connections at once; more wait in the listen queue.
const MOST_CONNECTIONS: usize = 8192;
/// A request's head must be there within this, also on a connection that is kept alive.
const HEAD_WITHIN: Duration = Duration::from_secs(60);
/// An HTTP/2 connection is pinged when it is quiet for so long, and must answer within as much.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Open requests get so long to end at shutdown.
const DRAIN: Duration = Duration::from_secs(4);
/// The kernel takes no more for a connection while so much waits in it to be sent: else each slow
/// reader costs megabytes there, and the memory of all connections of the machine runs out.
const WAITING_BYTES: u32 = 128 * 1024;
/// After a failed accept, such as too many open files.
const AFTER_FAILURE: Duration = Duration::from_millis(200);

/// Serves until `shutdown`, then lets open requests end.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "accepting a connection failed"
                );
                tokio::time::sleep(AFTER_FAILURE).await;
                continue;
            }
        };
        let watcher = graceful.watcher();
        let router = router.clone();
        tokio::spawn(async move {
            let _place = place;
            // Small answers must not wait for a full packet.
            let _ = stream.set_nodelay(true);
            let _ = SockRef::from(&stream).set_tcp_notsent_lowat(WAITING_BYTES);
            if speaks(&stream).await {
                converse(stream, peer, router, watcher).await;
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}

/// Whether a first byte comes in time.
async fn speaks(stream: &TcpStream) -> bool {
    let first = tokio::time::timeout(HEAD_WITHIN, stream.peek(&mut [0])).await;
    matches!(first, Ok(Ok(1..)))
}

async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = router.clone().oneshot(request.map(Body::new));
        async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!(client.address = %peer, error = %error, "a connection ended badly");
    }
}
