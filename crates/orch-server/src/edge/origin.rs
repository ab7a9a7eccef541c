//! The Origin check and CORS: which web pages may call this server.
//!
//! A request that carries an Origin comes from the server's own pages or from a listed origin, over
//! HTTP, WebSocket and SSE alike, or is refused. Credentials (cookies) are never shared.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::authority::Authority;
use super::host::RequestHost;
use super::stack::Edge;
use super::{ApiError, ConfigError, Problem};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-ratelimit-limit, x-ratelimit-remaining, retry-after, x-request-id, traceparent, link, etag, location",
);
const VARY_ON: HeaderValue = HeaderValue::from_static("origin");
const VARY_ON_PREFLIGHT: HeaderValue = HeaderValue::from_static(
    "origin, access-control-request-method, access-control-request-headers",
);

/// Foreign web origins whose pages may call.
#[derive(Clone, Debug)]
pub struct AllowedOrigins(Rule);

#[derive(Clone, Debug)]
enum Rule {
    Any,
    Listed(Vec<Origin>),
}

/// A web origin: scheme, host and port, default ports filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl AllowedOrigins {
    /// No foreign origin at all.
    #[must_use]
    pub const fn none() -> Self {
        Self(Rule::Listed(Vec::new()))
    }

    /// Reads a comma-separated list; `*` allows every origin, `null` included.
    ///
    /// # Errors
    /// When an entry is no origin.
    pub fn parse(list: &str) -> Result<Self, ConfigError> {
        let mut origins = Vec::new();
        for entry in list.split(',').map(str::trim) {
            match entry {
                "" => {}
                "*" => return Ok(Self(Rule::Any)),
                _ => origins.push(
                    Origin::parse(entry.strip_suffix('/').unwrap_or(entry))
                        .ok_or_else(|| ConfigError::Origin(entry.to_owned()))?,
                ),
            }
        }
        Ok(Self(Rule::Listed(origins)))
    }

    fn lists(&self, origin: Option<&Origin>) -> bool {
        match &self.0 {
            Rule::Any => true,
            Rule::Listed(list) => origin.is_some_and(|origin| list.contains(origin)),
        }
    }
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        if !named || !scheme.bytes().all(plain) {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let authority = Authority::parse(rest)?;
        Some(Self {
            port: authority.port_under(&scheme),
            host: authority.host,
            scheme,
        })
    }

    /// The origin of the pages that this server itself serves to the sender of `request`.
    fn of_server(request: &Request) -> Option<Self> {
        let RequestHost(authority) = request.extensions().get()?;
        let authority = authority.as_ref()?;
        // A proxy that ends TLS says so here. A page cannot forge it: a foreign origin's header
        // would need a preflight, which is refused, and a WebSocket carries no headers of the page.
        let forwarded = request
            .headers()
            .get("x-forwarded-proto")
            .and_then(|value| value.to_str().ok())
            .filter(|scheme| matches!(*scheme, "http" | "https"));
        let scheme = forwarded
            .or(request.uri().scheme_str())
            .unwrap_or("http")
            .to_ascii_lowercase();
        Some(Self {
            port: authority.port_under(&scheme),
            host: authority.host.clone(),
            scheme,
        })
    }
}

/// Where a request comes from, as its Origin header tells.
enum Sender {
    /// No page, or a page that asks its own server without saying so.
    Unnamed,
    OwnPage,
    /// A listed foreign page, and the header that lets it read the answer.
    Allowed(HeaderValue),
    Refused,
}

fn sender(request: &Request, allowed: &AllowedOrigins) -> Sender {
    let mut headers = request.headers().get_all(ORIGIN).iter();
    let header = match (headers.next(), headers.next()) {
        (None, _) => return Sender::Unnamed,
        (Some(header), None) => header,
        (Some(_), Some(_)) => return Sender::Refused,
    };
    let origin = header.to_str().ok().and_then(Origin::parse);
    if allowed.lists(origin.as_ref()) {
        Sender::Allowed(match &allowed.0 {
            Rule::Any => HeaderValue::from_static("*"),
            Rule::Listed(_) => header.clone(),
        })
    } else if origin.is_some() && origin == Origin::of_server(request) {
        Sender::OwnPage
    } else {
        Sender::Refused
    }
}

/// Refuses foreign pages, answers preflights, and lets listed pages read the answers.
pub(super) async fn check(
    State(edge): State<Arc<Edge>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let sender = sender(&request, &edge.config.origins);
    let preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let readable_by = match sender {
        Sender::Refused => return Err(refusal(request.headers())),
        Sender::Allowed(origin) => Some(origin),
        Sender::OwnPage | Sender::Unnamed => None,
    };
    if let (true, Some(origin)) = (preflight, &readable_by) {
        return Ok(permit(origin.clone(), request.headers()));
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Some(origin) = readable_by {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    if matches!(&edge.config.origins.0, Rule::Listed(list) if !list.is_empty()) {
        headers.append(VARY, VARY_ON);
    }
    Ok(response)
}

fn permit(origin: HeaderValue, asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    if let Some(names) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    headers.insert(VARY, VARY_ON_PREFLIGHT);
    response
}

fn refusal(headers: &HeaderMap) -> ApiError {
    let origin = headers
        .get(ORIGIN)
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .unwrap_or_default();
    let shown: String = origin.chars().take(200).collect();
    Problem::forbidden(format!(
        "pages of the origin `{shown}` may not call this server; \
         add it to ORCH_CORS_ORIGINS if they should"
    ))
    .with_type("origin-not-allowed", "Origin not allowed")
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(list: &str, origin: &str) -> bool {
        AllowedOrigins::parse(list)
            .unwrap()
            .lists(Origin::parse(origin).as_ref())
    }

    #[test]
    fn spellings_of_one_origin_are_equal_and_others_are_not() {
        let list = "https://App.example/, http://localhost:3000,tauri://localhost";
        assert!(lists(list, "https://app.example"));
        assert!(lists(list, "https://app.example:443"));
        assert!(lists(list, "tauri://localhost"));
        for other in [
            "http://app.example",
            "https://app.example:8443",
            "https://app.example.evil.example",
            "http://localhost:3001",
            "null",
        ] {
            assert!(!lists(list, other), "{other}");
        }
    }

    #[test]
    fn a_star_allows_every_origin_and_nothing_allows_none() {
        assert!(lists("https://a.example,*", "null"));
        assert!(!lists("", "https://a.example"));
    }

    #[test]
    fn a_wrong_entry_is_named() {
        for entry in [
            "app.example",
            "null",
            "https://a.example/path",
            "https://u@a.example",
        ] {
            assert_eq!(
                AllowedOrigins::parse(entry).unwrap_err(),
                ConfigError::Origin(entry.to_owned())
            );
        }
    }
}
