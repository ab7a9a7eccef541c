//! Values of secrets in a Vault-compatible server: the key-value engine, version 2, over HTTP.
//!
//! A row names the version that holds for it, so that a value which was written and not committed is
//! never read. Everything is bounded in time and size; a token shows in no message.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};

use super::envelope::Place;

const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// A value of 64 KiB in base64 and what is around it.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// Where a vault is and how it is entered.
#[derive(Clone)]
pub struct KvAddress {
    /// `ORCH_VAULT_ADDR`.
    pub url: String,
    /// `ORCH_VAULT_TOKEN`.
    pub token: Option<String>,
    /// `ORCH_VAULT_TOKEN_FILE`, read anew for each call: whoever renews the token writes it there.
    pub token_file: Option<PathBuf>,
    /// `ORCH_VAULT_MOUNT`.
    pub mount: String,
    /// `ORCH_VAULT_PREFIX`.
    pub prefix: String,
}

impl fmt::Debug for KvAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KvAddress")
            .field("url", &self.url)
            .field("mount", &self.mount)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// A vault.
pub struct Kv {
    http: Client,
    base: Url,
    address: KvAddress,
}

/// Why a vault does not serve.
#[derive(Debug, thiserror::Error)]
pub enum KvError {
    #[error(
        "ORCH_VAULT_ADDR is `{0}`: expected an http or https address such as https://vault.example.com:8200"
    )]
    Address(String),
    #[error("failed to set up the client of the vault")]
    Setup(#[source] reqwest::Error),
    #[error("failed to read the vault's token from {path} (ORCH_VAULT_TOKEN_FILE)")]
    TokenFile {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("no token for the vault: set ORCH_VAULT_TOKEN or ORCH_VAULT_TOKEN_FILE")]
    NoToken,
    #[error("the vault at {url} did not answer: {why}")]
    Unreachable { url: String, why: &'static str },
    #[error("the vault at {url} is sealed or not ready")]
    Sealed { url: String },
    #[error(
        "the vault at {url} refused: {status}{messages}; check the token, its policy and ORCH_VAULT_MOUNT"
    )]
    Refused {
        url: String,
        status: u16,
        messages: String,
    },
    #[error("the vault has no value at {path} version {version}: it was removed there")]
    Gone { path: String, version: i64 },
    #[error(
        "the vault at {url} answered with something else than the key-value engine, version 2, does"
    )]
    Strange { url: String },
}

impl Kv {
    /// A client; nothing is asked yet.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(address: KvAddress) -> Result<Self, KvError> {
        let wrong = || KvError::Address(address.url.clone());
        let base = Url::parse(address.url.trim_end_matches('/')).map_err(|_| wrong())?;
        if !matches!(base.scheme(), "http" | "https")
            || base.host().is_none()
            || !base.username().is_empty()
        {
            return Err(wrong());
        }
        orch_api::client::install_provider();
        let mut http = Client::builder()
            .timeout(ANSWERS_WITHIN)
            .connect_timeout(ANSWERS_WITHIN / 2)
            // A token must not follow a redirect to somewhere else.
            .redirect(reqwest::redirect::Policy::none());
        if base.scheme() == "http" {
            http = http.tls_certs_only([]);
        }
        if base.host_str().is_some_and(is_loopback) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(KvError::Setup)?;
        Ok(Self {
            http,
            base,
            address,
        })
    }

    /// Where values are kept, for people.
    #[must_use]
    pub fn place_in_words(&self) -> String {
        let KvAddress { mount, prefix, .. } = &self.address;
        format!("{}, mount `{mount}`, under `{prefix}`", self.url())
    }

    fn url(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    /// Writes a value; answers the version that the vault gave it.
    ///
    /// # Errors
    /// When the vault does not take it.
    pub(crate) async fn write(&self, place: &Place<'_>, value: &[u8]) -> Result<i64, KvError> {
        // Base64, so that any bytes come back; the place, so that a value moved there is noticed.
        let data = json!({"data": {
            "value_base64": STANDARD.encode(value),
            "project": place.project, "environment": place.environment, "name": place.name,
        }});
        let request = self.request(Method::POST, "data", place).await?.json(&data);
        let answer = self.json(self.send(request).await?).await?;
        answer["data"]["version"]
            .as_i64()
            .ok_or_else(|| self.strange())
    }

    /// Reads one version of a value.
    ///
    /// # Errors
    /// When the vault does not give it.
    pub(crate) async fn read(&self, place: &Place<'_>, version: i64) -> Result<Vec<u8>, KvError> {
        let request = self.request(Method::GET, "data", place).await?;
        let response = self.send(request.query(&[("version", version)])).await;
        let gone = || KvError::Gone {
            path: self.path(place),
            version,
        };
        let answer = match response {
            Err(KvError::Refused { status: 404, .. }) => return Err(gone()),
            response => self.json(response?).await?,
        };
        let data = &answer["data"]["data"];
        let is_of_place = data["project"] == json!(place.project)
            && data["environment"] == json!(place.environment)
            && data["name"] == json!(place.name);
        let value = data["value_base64"].as_str().filter(|_| is_of_place);
        let value = value.ok_or_else(|| self.strange())?;
        STANDARD.decode(value).map_err(|_| self.strange())
    }

    /// Removes a value with all its versions.
    ///
    /// # Errors
    /// When the vault does not.
    pub(crate) async fn remove(&self, place: &Place<'_>) -> Result<(), KvError> {
        let request = self.request(Method::DELETE, "metadata", place).await?;
        match self.send(request).await {
            Ok(_) | Err(KvError::Refused { status: 404, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether the vault answers, is open, and takes the token.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn check(&self) -> Result<(), KvError> {
        let url = self.endpoint(&["auth", "token", "lookup-self"]);
        let request = self.http.request(Method::GET, url);
        self.send(self.authorised(request).await?).await.map(drop)
    }

    /// Names are kept apart by their lengths' order: an environment's lie below `env`, the project's
    /// own below `project`.
    fn segments(&self, place: &Place<'_>) -> Vec<String> {
        let prefix = self
            .address
            .prefix
            .split('/')
            .filter(|part| !part.is_empty());
        let mut segments: Vec<String> = prefix.map(str::to_owned).collect();
        segments.push(place.project.to_string());
        match place.environment {
            Some(name) => segments.extend(["env".to_owned(), hex::encode(name)]),
            None => segments.push("project".to_owned()),
        }
        segments.push(place.name.to_owned());
        segments
    }

    fn path(&self, place: &Place<'_>) -> String {
        self.segments(place).join("/")
    }

    fn endpoint(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("invariant: an http address has a path")
            .pop_if_empty()
            .push("v1")
            .extend(segments);
        url
    }

    async fn request(
        &self,
        method: Method,
        kind: &str,
        place: &Place<'_>,
    ) -> Result<RequestBuilder, KvError> {
        let mount = self
            .address
            .mount
            .split('/')
            .filter(|part| !part.is_empty());
        let segments = self.segments(place);
        let all: Vec<&str> = mount
            .chain([kind])
            .chain(segments.iter().map(String::as_str))
            .collect();
        let url = self.endpoint(&all);
        self.authorised(self.http.request(method, url)).await
    }

    async fn authorised(&self, request: RequestBuilder) -> Result<RequestBuilder, KvError> {
        let token = match (&self.address.token, &self.address.token_file) {
            (Some(token), _) => token.clone(),
            (None, Some(path)) => {
                tokio::fs::read_to_string(path)
                    .await
                    .map_err(|source| KvError::TokenFile {
                        path: path.clone(),
                        source,
                    })?
            }
            (None, None) => return Err(KvError::NoToken),
        };
        let value = reqwest::header::HeaderValue::from_str(token.trim());
        let mut value = value.map_err(|_| KvError::NoToken)?;
        value.set_sensitive(true);
        Ok(request.header("x-vault-token", value))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, KvError> {
        // The error's own text may show the address with its query; why is told without.
        let response = request.send().await.map_err(|error| KvError::Unreachable {
            url: self.url(),
            why: match error {
                error if error.is_timeout() => "it took too long",
                error if error.is_connect() => "no connection",
                _ => "the exchange broke off",
            },
        })?;
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::SERVICE_UNAVAILABLE => Err(KvError::Sealed { url: self.url() }),
            status => {
                let body = self.json(response).await.unwrap_or_default();
                let messages = body["errors"].as_array().into_iter().flatten();
                let messages: Vec<String> = messages
                    .filter_map(Value::as_str)
                    .map(|text| text.chars().filter(|c| !c.is_control()).take(200).collect())
                    .take(3)
                    .collect();
                let messages = match messages.is_empty() {
                    true => String::new(),
                    false => format!(" ({})", messages.join("; ").trim()),
                };
                Err(KvError::Refused {
                    url: self.url(),
                    status: status.as_u16(),
                    messages,
                })
            }
        }
    }

    async fn json(&self, mut response: Response) -> Result<Value, KvError> {
        let mut body = Vec::new();
        let broken = |_| KvError::Unreachable {
            url: self.url(),
            why: "its answer broke off",
        };
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(self.strange());
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|_| self.strange())
    }

    fn strange(&self) -> KvError {
        KvError::Strange { url: self.url() }
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
#[path = "kv_tests.rs"]
mod tests;
