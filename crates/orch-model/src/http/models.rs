//! The connections that all models share, and the clock by which dates of providers are read.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Client, Url, redirect::Policy};

use super::HttpModel;
use crate::{Endpoint, EndpointError, said};

/// What time it is: dates of providers are turned into waits by it where they send no date of their own.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

const CONNECTS_WITHIN: Duration = Duration::from_secs(10);
/// Longer than a person thinks, shorter than servers and what is between keep a silent connection.
const IDLE_CONNECTION: Duration = Duration::from_secs(50);

/// Makes models that share their connections.
pub struct HttpModels {
    clients: Mutex<HashMap<Kind, Client>>,
    now: Now,
}

/// Addresses that are reached alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Kind {
    is_local: bool,
    is_plain: bool,
}

impl HttpModels {
    /// No connection is made yet.
    #[must_use]
    pub fn new(now: Now) -> Self {
        Self {
            clients: Mutex::default(),
            now,
        }
    }

    /// The model at `endpoint`. Nothing is asked yet.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn at(&self, endpoint: Endpoint) -> Result<HttpModel, EndpointError> {
        let client = self.client_for(&endpoint.base)?;
        Ok(HttpModel::new(client, endpoint, self.now.clone()))
    }

    fn client_for(&self, base: &Url) -> Result<Client, EndpointError> {
        let is_local = base
            .host_str()
            .is_some_and(|host| host == "localhost" || host == "[::1]" || host.starts_with("127."));
        let kind = Kind {
            is_local,
            is_plain: base.scheme() == "http",
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&kind) {
            return Ok(client.clone());
        }
        // Without effect where the binary has installed it already, which it does first thing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .connect_timeout(CONNECTS_WITHIN)
            .pool_idle_timeout(IDLE_CONNECTION)
            .tcp_nodelay(true)
            .user_agent(concat!("codex-orchestrator/", env!("CARGO_PKG_VERSION")))
            // The key goes where it was meant to go.
            .redirect(Policy::none())
            // Whether to ask again is decided by who asks, with patience and a bound.
            .retry(reqwest::retry::never());
        if kind.is_plain {
            builder = builder.tls_certs_only([]);
        }
        if kind.is_local {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| EndpointError::Setup {
            why: said::chain(&error),
        })?;
        clients.insert(kind, client.clone());
        Ok(client)
    }
}

impl fmt::Debug for HttpModels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpModels").finish_non_exhaustive()
    }
}
