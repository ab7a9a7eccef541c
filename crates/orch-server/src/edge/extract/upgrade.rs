//! The WebSocket handshake.
//!
//! Origin, Host and token were checked before a handler sees it, as for any request. Bounds what a
//! client may send: our sockets send, and hear little.

use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use http::request::Parts;

use super::super::{ApiError, Problem};

/// Largest message that a client may send, in bytes.
const MESSAGE_BYTES: usize = 64 * 1024;

/// A request that asks to become a WebSocket.
#[derive(Debug)]
pub struct Upgrade(pub WebSocketUpgrade);

impl<S: Send + Sync> FromRequestParts<S> for Upgrade {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match WebSocketUpgrade::from_request_parts(parts, state).await {
            Ok(upgrade) => Ok(Self(
                upgrade
                    .max_message_size(MESSAGE_BYTES)
                    .max_frame_size(MESSAGE_BYTES),
            )),
            Err(rejection) => {
                let status = rejection.status().as_u16();
                let detail = format!(
                    "this path speaks WebSocket: {}; ask with a WebSocket client",
                    rejection.body_text()
                );
                let title = "WebSocket required";
                Err(Problem::new(status, "websocket-required", title, detail).into())
            }
        }
    }
}
