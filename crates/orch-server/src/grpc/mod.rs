//! The gRPC side for agents, on the same port as everything else.

mod service;
mod stream;
mod unary;

pub(crate) use service::area;
