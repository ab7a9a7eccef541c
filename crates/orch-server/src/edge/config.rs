//! What the edge is told at start; read from environment and flags elsewhere.
//!
//! Values are valid by construction: each type parses its own text and says what was wrong with it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use orch_store::Store;

use super::{AllowedHosts, AllowedOrigins, ApiToken, MonotonicClock, RunTokens, SystemClock};

/// Body accepted where a route states nothing else: 1 MiB.
pub(super) const DEFAULT_BODY_LIMIT_BYTES: u64 = 1024 * 1024;

/// Settings of the edge.
#[derive(Clone, Debug)]
pub struct EdgeConfig {
    /// Hosts by which a client may address this server (`ORCH_ALLOWED_HOSTS` and the bound host).
    pub hosts: AllowedHosts,
    /// Foreign web origins that may call (`ORCH_CORS_ORIGINS`).
    pub origins: AllowedOrigins,
    /// The token that every route but the public ones asks for (`ORCH_API_TOKEN`); none is
    /// single-user mode.
    pub token: Option<ApiToken>,
    /// Requests per client in any 60 s (`ORCH_RATE_LIMIT_PER_MIN`); none is without a limit.
    pub rate_per_minute: Option<NonZeroU32>,
    /// What requests of this server to itself carry ([`orch_api::client::INSIDE`]): they were counted
    /// when they came in.
    pub inside: Option<ApiToken>,
    /// Who knows runs by their tokens; without it there are none.
    pub runs: Option<Arc<dyn RunTokens>>,
    /// Where requests are counted over all servers, when there may be several, and whose database
    /// may be away.
    pub store: Option<Store>,
    /// Largest body, in bytes, where the route states nothing else.
    pub body_limit_bytes: u64,
    /// Longest time from a request's head to its response's head.
    pub request_timeout: Duration,
    /// The clock of the rate limit.
    pub clock: Arc<dyn MonotonicClock>,
}

impl EdgeConfig {
    /// The defaults: no foreign origin, no token, 1000 requests a minute, 1 MiB, 30 s.
    #[must_use]
    pub fn new(hosts: AllowedHosts) -> Self {
        Self {
            hosts,
            origins: AllowedOrigins::none(),
            token: None,
            rate_per_minute: NonZeroU32::new(1000),
            inside: None,
            runs: None,
            store: None,
            body_limit_bytes: DEFAULT_BODY_LIMIT_BYTES,
            request_timeout: Duration::from_secs(30),
            clock: Arc::new(SystemClock::new()),
        }
    }
}

/// A setting of the edge that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// An entry of the allowed hosts, or the bound host, is no host name or address.
    #[error(
        "`{0}` is not a host: write a name or an address without scheme and port (such as orch.example.com), or `*`"
    )]
    Host(String),
    /// An entry of the allowed origins is no origin.
    #[error(
        "`{0}` is not an origin: write scheme, host and port without a path (such as https://orch.example.com), or `*`"
    )]
    Origin(String),
    /// The token is empty, too long, or has characters that a header cannot carry.
    #[error(
        "the API token must be 1 to 1024 visible ASCII characters without spaces; the one given ({0} bytes) is not"
    )]
    Token(usize),
}
