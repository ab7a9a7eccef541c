//! The HTTP edge: everything between the socket and a handler, for every protocol on the port.
//!
//! Owns request identity, limits, Host and Origin checks, the token, extractors and the shape of
//! errors. Never decides anything about projects, runs or approvals, and never logs a query string
//! or a body.

mod area;
mod auth;
mod authority;
mod body;
mod config;
mod database;
mod error;
mod extract;
mod fault;
mod headers;
mod host;
mod known_query;
mod origin;
mod rate;
mod request_id;
mod run_token;
mod stack;
mod table;
mod throttle;
mod trace_context;

pub use area::{Access, Area, BodyLimit, Protocol, Statement, TimeLimit};
pub use auth::{ApiToken, Caller, Proof, Role, bearer};
pub use body::{BodyTooLarge, read_whole};
pub use config::{ConfigError, EdgeConfig};
pub use error::ApiError;
pub use extract::{
    JsonBody, OptionalJson, Path, Query, RawBody, Upgrade, query_bool, query_bool_option,
};
pub use host::AllowedHosts;
pub use orch_api::problem::{FieldError, Problem};
pub use origin::AllowedOrigins;
pub use rate::{MonotonicClock, RateLimit, SystemClock, Verdict};
pub use request_id::RequestId;
pub use run_token::{RunBearer, RunReach, RunTokens};
pub use stack::apply;
pub use table::{RouteEntry, RouteTable, Verb};
pub use trace_context::TraceContext;

#[cfg(test)]
mod tests;
