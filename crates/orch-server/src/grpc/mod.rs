//! The gRPC side for agents, on the same port as everything else.

mod outgoing;
mod peer;
mod secrets;
mod service;
mod stream;
mod talk;
mod unary;
mod upload;

pub(crate) use service::area;
