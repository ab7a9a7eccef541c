//! The agent's own way to a model provider, for a run's Codex in a sandbox (ADR 0017): the keys are added here and
//! never enter it.
//!
//! Serves one run, on a loopback address that its sandbox lets through, and whoever knows the run's
//! token. Passes requests and answers on as they are; redirects are not followed, so that a key goes
//! where it was meant to go.

use std::{net::Ipv4Addr, path::Path, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures::TryStreamExt as _;
use reqwest::{Client, Url};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::{
    CodexError, CodexSetup,
    client::client_for,
    memory::Memory,
    meter::{Meter, Passing},
    provider::{self, Loopback, RUN_HEADER, Route, Upstream},
};
use crate::text::chain;

/// The largest request; conversations grow.
const MOST_REQUEST_BYTES: usize = 128 * 1024 * 1024;
const CONNECT_TIME: Duration = Duration::from_secs(20);
/// How long a provider may say nothing.
const SILENCE: Duration = Duration::from_secs(600);
const TOKEN_BYTES: usize = 32;

/// A gateway that is open until this is dropped.
pub struct Gateway {
    url: String,
    token: String,
    port: u16,
    _serving: AbortOnDropHandle<()>,
}

struct Shared {
    client: Client,
    base: Url,
    headers: HeaderMap,
    token: String,
    meter: Arc<Meter>,
}

impl Gateway {
    /// Opens one for the run whose folder is given, where the agent has a key that Codex needs.
    ///
    /// # Errors
    /// When the provider's address or key cannot be used, or there is no port.
    pub async fn open(setup: &CodexSetup, run_folder: &Path) -> Result<Option<Self>, CodexError> {
        let Some(upstream) = setup.upstream() else {
            return Ok(None);
        };
        let failed = |why: String| CodexError::Gateway { why };
        let base = Url::parse(&upstream.base_url)
            .map_err(|error| failed(format!("its base_url {}: {error}", upstream.base_url)))?;
        let mut token = [0; TOKEN_BYTES];
        getrandom::fill(&mut token).map_err(|error| failed(error.to_string()))?;
        let token = hex::encode(token);
        let used = Memory::load(run_folder).usage.tokens();
        let shared = Arc::new(Shared {
            meter: Arc::new(Meter::new(setup.app.token_budget, used)),
            client: client(&base).map_err(|error| failed(chain(&error)))?,
            headers: headers(&upstream).map_err(failed)?,
            base: base.clone(),
            token: token.clone(),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.map_err(|error| failed(chain(&error)))?;
        let address = listener.local_addr();
        let port = address.map_err(|error| failed(chain(&error)))?.port();
        let routes = Router::new().fallback(pass_on).with_state(shared);
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::warn!(%error, "the way to the model provider of a run broke off");
            }
        });
        let path = base.path().trim_end_matches('/');
        Ok(Some(Self {
            url: format!("http://127.0.0.1:{port}{path}"),
            token,
            port,
            _serving: AbortOnDropHandle::new(serving),
        }))
    }

    /// The host that the sandbox has to let through.
    #[must_use]
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How Codex reaches it.
    #[must_use]
    pub fn route(&self, loopback: Loopback) -> Route {
        Route {
            url: self.url.clone(),
            token: self.token.clone(),
            loopback,
        }
    }
}

impl CodexSetup {
    /// Where the agent sends requests of its runs, and with which keys.
    fn upstream(&self) -> Option<Upstream> {
        let (config, has_login) = self.chosen();
        provider::upstream(&config, &self.agent_env, has_login)
    }
}

fn client(base: &Url) -> reqwest::Result<Client> {
    client_for(base)
        .connect_timeout(CONNECT_TIME)
        .read_timeout(SILENCE)
        .build()
}

fn headers(upstream: &Upstream) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &upstream.headers {
        let wrong = || format!("the value for its header `{name}` cannot be sent");
        let name = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
        let mut value = HeaderValue::try_from(value.as_str()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

async fn pass_on(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let given = request.headers().get(RUN_HEADER).map(HeaderValue::as_bytes);
    let is_ours = given.is_some_and(|given| given.ct_eq(shared.token.as_bytes()).into());
    if !is_ours {
        return refuse(
            StatusCode::FORBIDDEN,
            "this leads to a model, for one run alone",
        );
    }
    if let Some(budget) = shared.meter.used_up() {
        let why = format!("the token budget of {budget} is used up");
        return refuse(StatusCode::FORBIDDEN, &why);
    }
    let Some(url) = target(&shared.base, request.uri()) else {
        return refuse(
            StatusCode::NOT_FOUND,
            "this is no address of the model provider",
        );
    };
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST_REQUEST_BYTES).await else {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large");
    };
    let mut headers = passed_on(&head.headers);
    headers.remove(RUN_HEADER);
    headers.extend(shared.headers.clone());
    let sent = shared.client.request(head.method, url).headers(headers);
    match sent.body(body).send().await {
        Ok(answer) => {
            let (status, headers) = (answer.status(), passed_on(answer.headers()));
            let mut passing = Passing::new(Arc::clone(&shared.meter));
            let bytes = answer.bytes_stream();
            let body = Body::from_stream(bytes.inspect_ok(move |bytes| passing.see(bytes)));
            (status, headers, body).into_response()
        }
        Err(error) => {
            // The address may hold a key of the user's.
            let why = format!("error sending request: {}", chain(&error.without_url()));
            refuse(StatusCode::BAD_GATEWAY, &why)
        }
    }
}

/// The provider's address for one of ours; nothing above its base is reached.
fn target(base: &Url, asked: &axum::http::Uri) -> Option<Url> {
    let below = base.path().trim_end_matches('/');
    let path = asked.path();
    let rest = path.strip_prefix(below)?;
    let is_below = rest.is_empty() || rest.starts_with('/');
    let climbs = rest.split('/').any(|part| matches!(part, ".." | "."));
    if !is_below || climbs || rest.contains('%') {
        return None;
    }
    let mut url = base.clone();
    url.set_path(path);
    url.set_query(asked.query().or(base.query()));
    Some(url)
}

/// Headers that are not of one connection alone.
fn passed_on(headers: &HeaderMap) -> HeaderMap {
    const OF_A_CONNECTION: [HeaderName; 8] = [
        header::HOST,
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
    ];
    let mut passed = headers.clone();
    for name in OF_A_CONNECTION {
        passed.remove(name);
    }
    passed
}

fn refuse(status: StatusCode, why: &str) -> Response {
    let body = json!({ "error": { "message": why } }).to_string();
    let json_type = (header::CONTENT_TYPE, "application/json");
    (status, [json_type], body).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const KEY: &str = "sk-of-the-agent";

    /// A provider that says what it was asked, and where a redirect would lead.
    async fn provider() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = async |request: Request| {
            if request.uri().path().ends_with("/moved") {
                let there = (header::LOCATION, "http://127.0.0.1:1/");
                return (StatusCode::FOUND, [there]).into_response();
            }
            let header = |name: &str| {
                let value = request.headers().get(name);
                value.map(|value| value.to_str().unwrap().to_owned())
            };
            let (authorization, ours) = (header("authorization"), header(RUN_HEADER));
            let path = request.uri().path().to_owned();
            json!({ "path": path, "authorization": authorization, "ours": ours })
                .to_string()
                .into_response()
        };
        let routes = Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        format!("http://{address}/v1")
    }

    async fn gateway(base_url: &str) -> Gateway {
        let env = [("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", base_url)];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let setup = CodexSetup::from_env(BTreeMap::from(env)).unwrap();
        let nowhere = Path::new("/nowhere");
        Gateway::open(&setup, nowhere).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn the_key_is_added_for_the_run_alone_and_goes_nowhere_else() {
        let gateway = gateway(&provider().await).await;
        let Gateway { url, token, .. } = &gateway;
        let client = client(&Url::parse(url).unwrap()).unwrap();
        let ask = async |path: &str, token: Option<&str>| {
            let request = client.post(format!("{url}{path}")).body("{}");
            let request = match token {
                Some(token) => request.header(RUN_HEADER, token),
                None => request,
            };
            let answer = request.send().await.unwrap();
            (answer.status(), answer.text().await.unwrap())
        };
        let (status, said) = ask("/responses", Some(token)).await;
        assert_eq!(status, StatusCode::OK);
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let expected = json!({
            "path": "/v1/responses", "authorization": format!("Bearer {KEY}"), "ours": null,
        });
        assert_eq!(said, expected);
        for token in [None, Some("other"), Some("")] {
            let (status, said) = ask("/responses", token).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{said}");
        }
        let (status, _) = ask("/moved", Some(token)).await;
        assert_eq!(status, StatusCode::FOUND, "it is not followed");
    }

    #[tokio::test]
    async fn a_provider_that_is_away_is_an_outage_in_codexs_own_words() {
        let gateway = gateway("http://127.0.0.1:1/v1").await;
        let Gateway { url, token, .. } = &gateway;
        let client = client(&Url::parse(url).unwrap()).unwrap();
        let request = client
            .get(format!("{url}/models"))
            .header(RUN_HEADER, token);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
        let said = answer.text().await.unwrap();
        assert!(
            super::super::Limit::of(&said.replace('{', "")).is_some(),
            "{said}"
        );
    }

    #[test]
    fn nothing_above_the_providers_base_is_reached() {
        let base = Url::parse("https://x.test/team/v1?api-version=2").unwrap();
        let to = |path: &str| {
            let asked: axum::http::Uri = path.parse().unwrap();
            target(&base, &asked).map(String::from)
        };
        let expected = "https://x.test/team/v1/responses?api-version=2";
        assert_eq!(to("/team/v1/responses").as_deref(), Some(expected));
        assert_eq!(
            to("/team/v1/responses?a=b").as_deref(),
            Some("https://x.test/team/v1/responses?a=b")
        );
        for path in [
            "/",
            "/team/v1x",
            "/team/v1/../admin",
            "/team/v1/%2e%2e/admin",
            "/other",
        ] {
            assert_eq!(to(path), None, "{path}");
        }
    }
}
