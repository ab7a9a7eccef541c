//! One server: its address, the token, and how a request is sent and its answer read.
//!
//! Waits out a 429 within a bound; repeats nothing else, because a call that was cut off may have
//! happened.

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ClientError, Page, paging, retry_after, tls};
use crate::problem::{self, Problem};

/// What every process of a run has in its environment.
const RUN: &str = "ORCH_RUN_ID";
/// The header by which a server knows its own requests.
pub const INSIDE: &str = "x-orch-inside";
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The server gives a request 30 s; this is longer, so that its own answer arrives.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The server gives up on a repository that does not answer before that.
pub(super) const LONG_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// The server gives up on a model before that, whatever it is told.
const MODEL_TIMEOUT: Duration = Duration::from_secs(2 * 60 * 60);
/// How long refusals for too many requests are waited out, in all.
const PATIENCE: Duration = Duration::from_secs(60);
const LARGEST_ANSWER_BYTES: usize = 64 * 1024 * 1024;
const LARGEST_PROBLEM_BYTES: usize = 64 * 1024;

/// A client of one server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    authorization: Option<HeaderValue>,
    inside: Option<HeaderValue>,
    key: Option<HeaderValue>,
    patience: Duration,
}

impl std::fmt::Debug for Client {
    /// Leaves the token out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the server at `base_url` (`http` or `https`; a path before the API's is kept).
    ///
    /// # Errors
    /// When the address is none, or the token cannot be sent.
    pub fn new(base_url: &str, token: Option<&str>) -> Result<Self, ClientError> {
        tls::install_provider();
        let base = address(base_url)?;
        let authorization = token.map(bearer).transpose()?;
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("codex-orchestrator/", env!("CARGO_PKG_VERSION")));
        if base.scheme() == "http" {
            // Reading the machine's certificates takes longer than most calls.
            http = http.tls_certs_only([]);
        }
        if is_reached_directly(&base, std::env::var_os(RUN).is_some()) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(ClientError::Setup)?;
        Ok(Self {
            http,
            base,
            authorization,
            inside: None,
            key: None,
            patience: PATIENCE,
        })
    }

    /// The same connections with another token.
    ///
    /// # Errors
    /// When the token cannot be sent.
    pub fn with_token(mut self, token: Option<&str>) -> Result<Self, ClientError> {
        self.authorization = token.map(bearer).transpose()?;
        Ok(self)
    }

    /// A client by which a server asks itself; `mark` is what it knows itself by.
    ///
    /// # Errors
    /// When the mark cannot be sent.
    pub fn from_inside(mut self, mark: &str) -> Result<Self, ClientError> {
        let mut value = HeaderValue::from_str(mark).map_err(|_| ClientError::Token(mark.len()))?;
        value.set_sensitive(true);
        self.inside = Some(value);
        Ok(self)
    }

    /// Waits for at most `patience` in all while the server answers 429.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The server's address, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Whether the server is reached over loopback.
    #[must_use]
    pub fn is_on_this_machine(&self) -> bool {
        is_loopback(&self.base)
    }

    /// A client whose posts are done once, however often they come with this key.
    ///
    /// # Errors
    /// When the key cannot be sent.
    pub fn with_idempotency_key(mut self, key: &str) -> Result<Self, ClientError> {
        let value = HeaderValue::from_str(key).map_err(|_| ClientError::Key(key.len()))?;
        self.key = Some(value);
        Ok(self)
    }

    /// A document of the API that has no type here.
    pub async fn document(&self, path: &str) -> Result<serde_json::Value, ClientError> {
        self.get(path).await
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(self.request(Method::GET, path)).await
    }

    pub(super) async fn get_with<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.call(self.request(Method::GET, path).query(query))
            .await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.call(self.request(Method::POST, path).json(body)).await
    }

    /// POST without a body.
    pub(super) async fn act<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(self.request(Method::POST, path)).await
    }

    pub(super) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.call(self.request(Method::PUT, path).json(body)).await
    }

    pub(super) async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.call(self.request(Method::PATCH, path).json(body))
            .await
    }

    /// DELETE; what the server says of it is not read.
    pub(super) async fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, path))
            .await
            .map(|_| ())
    }

    /// A page of a list.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
        paging: &super::Paging,
    ) -> Result<Page<T>, ClientError> {
        let response = self
            .send(self.request(Method::GET, path).query(query).query(paging))
            .await?;
        let next = paging::next_cursor(response.headers());
        let items = self.decode(response).await?;
        Ok(Page { items, next })
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.url());
        let key = self.key.as_ref().filter(|_| method == Method::POST);
        let known = [
            (IDEMPOTENCY_KEY, key),
            (AUTHORIZATION.as_str(), self.authorization.as_ref()),
            (INSIDE, self.inside.as_ref()),
        ];
        let known = known
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        known
            .fold(self.http.request(method, url), |request, (name, value)| {
                request.header(name, value)
            })
            .header(ACCEPT, "application/json")
    }

    async fn call<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let response = self.send(request).await?;
        self.decode(response).await
    }

    /// POST of what is fetched and looked through: the server bounds the time.
    pub(super) async fn post_long<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.post_within(path, body, LONG_TIMEOUT).await
    }

    /// POST of what a model has to think about: the server bounds the time.
    pub(super) async fn post_to_model<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.post_within(path, body, MODEL_TIMEOUT).await
    }

    async fn post_within<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        answer_timeout: Duration,
    ) -> Result<T, ClientError> {
        let request = self.request(Method::POST, path).json(body);
        let response = self.send_within(request, answer_timeout).await?;
        self.decode(response).await
    }

    /// Sends; answers of 2xx alone come back.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        self.send_within(request, ANSWER_TIMEOUT).await
    }

    async fn send_within(
        &self,
        request: RequestBuilder,
        answer_timeout: Duration,
    ) -> Result<Response, ClientError> {
        let attempt = || request.try_clone().expect("invariant: no body is a stream");
        self.send_attempts(attempt, answer_timeout).await
    }

    /// The same for a request that is made anew for each attempt.
    pub(super) async fn send_attempts(
        &self,
        attempt: impl Fn() -> RequestBuilder,
        answer_timeout: Duration,
    ) -> Result<Response, ClientError> {
        let mut waited = Duration::ZERO;
        loop {
            let answer = tokio::time::timeout(answer_timeout, attempt().send()).await;
            let response = match answer {
                Err(_) => return Err(self.timed_out(answer_timeout)),
                Ok(Err(source)) => return Err(self.not_reached(source)),
                Ok(Ok(response)) => response,
            };
            let status = response.status();
            if status.is_success() {
                return Ok(response);
            }
            if status == StatusCode::TOO_MANY_REQUESTS {
                let wait = retry_after::read(response.headers());
                if waited + wait <= self.patience {
                    tokio::time::sleep(wait).await;
                    // Counted as a second at least, so that "retry at once" ends too.
                    waited += wait.max(Duration::from_secs(1));
                    continue;
                }
            }
            return Err(self.refusal(response).await);
        }
    }

    /// One attempt, whatever is answered.
    pub(super) async fn send_once(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        match tokio::time::timeout(ANSWER_TIMEOUT, request.send()).await {
            Err(_) => Err(self.timed_out(ANSWER_TIMEOUT)),
            Ok(answer) => answer.map_err(|source| self.not_reached(source)),
        }
    }

    /// The whole body, up to a bound.
    pub(super) async fn bytes(
        &self,
        response: Response,
        limit_bytes: usize,
    ) -> Result<Vec<u8>, ClientError> {
        let request = response.url().path().to_owned();
        self.read(response, limit_bytes)
            .await?
            .ok_or(ClientError::TooLarge {
                request,
                limit_bytes,
            })
    }

    pub(super) async fn decode<T: DeserializeOwned>(
        &self,
        response: Response,
    ) -> Result<T, ClientError> {
        let request = response.url().path().to_owned();
        let body = self.bytes(response, LARGEST_ANSWER_BYTES).await?;
        serde_json::from_slice(&body).map_err(|source| ClientError::Unreadable { request, source })
    }

    /// `None` where the body is larger than `limit_bytes`.
    async fn read(
        &self,
        mut response: Response,
        limit_bytes: usize,
    ) -> Result<Option<Vec<u8>>, ClientError> {
        let mut body = Vec::new();
        loop {
            let chunk = match tokio::time::timeout(ANSWER_TIMEOUT, response.chunk()).await {
                Err(_) => return Err(self.timed_out(ANSWER_TIMEOUT)),
                Ok(Err(source)) => {
                    return Err(ClientError::Interrupted {
                        url: self.url().to_owned(),
                        source,
                    });
                }
                Ok(Ok(chunk)) => chunk,
            };
            let Some(chunk) = chunk else {
                return Ok(Some(body));
            };
            if body.len() + chunk.len() > limit_bytes {
                return Ok(None);
            }
            body.extend_from_slice(&chunk);
        }
    }

    pub(super) async fn refusal(&self, response: Response) -> ClientError {
        let status = response.status();
        if status.is_redirection() {
            let to = response
                .headers()
                .get(LOCATION)
                .and_then(|to| to.to_str().ok())
                .unwrap_or("nowhere");
            return ClientError::Redirected {
                url: self.url().to_owned(),
                to: to.to_owned(),
            };
        }
        let is_problem = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with(problem::CONTENT_TYPE));
        let body = self
            .read(response, LARGEST_PROBLEM_BYTES)
            .await
            .ok()
            .flatten()
            .unwrap_or_default();
        let problem = is_problem
            .then(|| serde_json::from_slice(&body).ok())
            .flatten();
        ClientError::Refused(Box::new(problem.unwrap_or_else(|| foreign(status, &body))))
    }

    fn timed_out(&self, after: Duration) -> ClientError {
        ClientError::TimedOut {
            url: self.url().to_owned(),
            after,
        }
    }

    fn not_reached(&self, source: reqwest::Error) -> ClientError {
        let url = self.url().to_owned();
        // The address stands in our own message already.
        let source = source.without_url();
        if source.is_connect() {
            ClientError::Unreachable { url, source }
        } else {
            ClientError::Interrupted { url, source }
        }
    }
}

fn bearer(token: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| ClientError::Token(token.len()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// A refusal that is no problem document: that of a proxy, or of another program on the port.
fn foreign(status: StatusCode, body: &[u8]) -> Problem {
    const SHOWN: usize = 200;
    let text: String = String::from_utf8_lossy(body)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let name = status.canonical_reason().unwrap_or("without a name");
    let detail = match text.chars().take(SHOWN).collect::<String>() {
        text if text.is_empty() => format!("the server answered {status} and said nothing more"),
        text => format!("the server answered {status}: {text}"),
    };
    let mut problem = Problem::new(status.as_u16(), "foreign", name, detail);
    problem.type_ref = "about:blank".to_owned();
    problem
}

fn address(given: &str) -> Result<Url, ClientError> {
    let refuse = |reason: &str| ClientError::Address {
        given: without_password(given),
        reason: reason.to_owned(),
    };
    let text = given.trim();
    let url = Url::parse(text.trim_end_matches('/')).map_err(|error| refuse(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("it must begin with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse(
            "a name or password in it is not used; the token goes into ORCH_API_TOKEN",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("it must end before `?` and `#`"));
    }
    Ok(url)
}

fn without_password(given: &str) -> String {
    match Url::parse(given) {
        Ok(mut url) if url.password().is_some() => {
            let _ = url.set_password(Some("***"));
            url.to_string()
        }
        Ok(_) | Err(_) => given.to_owned(),
    }
}

/// Whether the proxy of the environment is passed over.
///
/// A proxy elsewhere has another loopback than this machine. In a run's sandbox it is the other way round:
/// the loopback is the sandbox's own, and the proxy, with `no_proxy` beside it, the only way to whatever
/// the recipe lists.
fn is_reached_directly(base: &Url, in_a_run: bool) -> bool {
    is_loopback(base) && !in_a_run
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_passed_over_for_this_machine_but_not_from_inside_a_run() {
        for (url, in_a_run, direct) in [
            ("http://127.0.0.1:18080", false, true),
            ("http://localhost:18080", false, true),
            ("http://[::1]:18080", false, true),
            ("http://127.0.0.1:18080", true, false),
            ("http://orch.example.com", false, false),
            ("http://orch.example.com", true, false),
        ] {
            let base = Url::parse(url).unwrap();
            assert_eq!(
                is_reached_directly(&base, in_a_run),
                direct,
                "{url} {in_a_run}"
            );
        }
    }
}
