//! The platform as a server: one handler, over standard input and output or over HTTP.

mod handler;
mod http;
mod lines;
mod resources;
mod stdio;

pub use handler::{Desk, MOST_ARGUMENT_BYTES, Visitor};
pub use http::http_service;
pub use lines::{Judged, judge};
pub use stdio::{ServeError, stdio};

#[cfg(test)]
mod tests;
