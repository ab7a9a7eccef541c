//! The Host check: a page whose DNS name was rebound to this machine cannot reach the server.
//!
//! A request names a host that this installation answers to, or is refused. Ports are not compared.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::HOST;
use http::{HeaderMap, Uri, Version};

use super::authority::{self, Authority};
use super::stack::Edge;
use super::{ApiError, ConfigError, Problem};

/// The hosts this server answers to, on any port.
#[derive(Clone, Debug)]
pub struct AllowedHosts(Rule);

#[derive(Clone, Debug)]
enum Rule {
    Any,
    Listed {
        names: HashSet<String>,
        literals: Literals,
    },
}

/// Whether an address in figures is accepted without being listed.
#[derive(Clone, Copy, Debug)]
enum Literals {
    /// Listening on all interfaces: any address may be ours, and one in figures cannot be rebound.
    Any,
    Listed,
}

impl AllowedHosts {
    /// `localhost`, `127.0.0.1`, `[::1]`, the host listened on, and the comma-separated `extra`
    /// (`*` for any). Listening on all interfaces (`0.0.0.0`, `::`) accepts every address in figures.
    ///
    /// # Errors
    /// When the bound host or an entry of `extra` is no host.
    pub fn new(bound: &str, extra: &str) -> Result<Self, ConfigError> {
        let entries: Vec<&str> = extra
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .collect();
        if entries.contains(&"*") {
            return Ok(Self(Rule::Any));
        }
        let mut names: HashSet<String> = ["localhost", "127.0.0.1", "[::1]"]
            .map(str::to_owned)
            .into();
        let mut literals = Literals::Listed;
        for entry in std::iter::once(bound).chain(entries) {
            let host =
                Authority::parse_host(entry).ok_or_else(|| ConfigError::Host(entry.to_owned()))?;
            if authority::address(&host).is_some_and(|address| address.is_unspecified()) {
                literals = Literals::Any;
            }
            names.insert(host);
        }
        Ok(Self(Rule::Listed { names, literals }))
    }

    const fn is_any(&self) -> bool {
        matches!(self.0, Rule::Any)
    }

    fn allows(&self, host: &str) -> bool {
        match &self.0 {
            Rule::Any => true,
            Rule::Listed { names, literals } => {
                names.contains(host)
                    || match literals {
                        Literals::Any => authority::address(host).is_some(),
                        Literals::Listed => false,
                    }
            }
        }
    }
}

/// The host that a checked request was addressed to.
#[derive(Clone, Debug)]
pub(super) struct RequestHost(pub Option<Authority>);

/// Refuses a request for a host that is not ours: 403, or 400 where none is named.
pub(super) async fn check(
    State(edge): State<Arc<Edge>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let named = named(request.version(), request.uri(), request.headers())?;
    if named.is_none() && !edge.config.hosts.is_any() {
        return Err(Problem::bad_request("the request's host is missing").into());
    }
    if let Some(authority) = &named
        && !edge.config.hosts.allows(&authority.host)
    {
        let host = &authority.host;
        return Err(Problem::forbidden(format!(
            "this server does not answer to the host `{host}`; \
             add it to ORCH_ALLOWED_HOSTS if it should"
        ))
        .with_type("host-not-allowed", "Host not allowed")
        .into());
    }
    request.extensions_mut().insert(RequestHost(named));
    Ok(next.run(request).await)
}

/// The one host that a request names, in its target (`:authority` in HTTP/2) or its Host header.
fn named(version: Version, uri: &Uri, headers: &HeaderMap) -> Result<Option<Authority>, ApiError> {
    let refuse =
        |what: &str| ApiError::from(Problem::bad_request(format!("the request's host {what}")));
    let parse = |text: &str| {
        Authority::parse(text).ok_or_else(|| refuse("is not a host name or address with a port"))
    };
    let mut header = headers.get_all(HOST).iter();
    let from_header = match (header.next(), header.next()) {
        (Some(_), Some(_)) => return Err(refuse("is given twice")),
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| refuse("is not ASCII"))?;
            Some(parse(text)?)
        }
        (None, _) => None,
    };
    let from_target = match uri.authority() {
        Some(authority) => Some(parse(authority.as_str())?),
        None => None,
    };
    match (from_target, from_header) {
        (Some(target), Some(header)) if target != header => {
            Err(refuse("differs between its target and its Host header"))
        }
        (Some(one), _) | (None, Some(one)) => Ok(Some(one)),
        // HTTP/1.0 need not name one.
        (None, None) if version <= Version::HTTP_10 => Ok(None),
        (None, None) => Err(refuse("is missing")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(bound: &str, extra: &str, host: &str) -> bool {
        AllowedHosts::new(bound, extra).unwrap().allows(host)
    }

    #[test]
    fn loopback_the_bound_host_and_the_listed_ones_are_ours() {
        for host in [
            "localhost",
            "127.0.0.1",
            "[::1]",
            "box.lan",
            "a.example",
            "b.example",
        ] {
            assert!(allows("box.lan", "a.example, B.example ,", host), "{host}");
        }
        for host in [
            "evil.example",
            "10.0.0.1",
            "0.0.0.0",
            "localhost.evil.example",
        ] {
            assert!(!allows("127.0.0.1", "a.example", host), "{host}");
        }
    }

    #[test]
    fn listening_everywhere_accepts_addresses_but_no_foreign_name() {
        for bound in ["0.0.0.0", "::"] {
            assert!(allows(bound, "", "10.0.0.1"));
            assert!(allows(bound, "", "[fe80::1]"));
            assert!(!allows(bound, "", "evil.example"));
        }
        assert!(allows("127.0.0.1", "*", "evil.example"));
    }

    #[test]
    fn a_wrong_entry_is_named() {
        for entry in ["http://a.example", "a.example:80", "a b"] {
            assert_eq!(
                AllowedHosts::new("127.0.0.1", entry).unwrap_err(),
                ConfigError::Host(entry.to_owned())
            );
        }
    }
}
