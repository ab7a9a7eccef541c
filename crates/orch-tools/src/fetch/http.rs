//! Fetching over HTTP: attempts, ranges, redirects.

use std::{
    fs::OpenOptions,
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{self, HeaderMap, HeaderValue},
    redirect::Policy,
};
use sha2::{Digest as _, Sha512};

use super::{Bounds, Expected, FetchError, Fetched, Origin, local};
use crate::Digest;

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 8;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(15);

/// Fetches files.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: Client,
    pub(super) bounds: Bounds,
}

/// Why there is no answer.
pub(super) enum Unsent {
    /// It may not be asked for.
    Refused(String),
    /// Another attempt may do better.
    Passing(String),
}

/// How one attempt ended.
enum Attempt {
    Done,
    /// Another one may do better.
    Passing(String),
    Over(FetchError),
}

impl Fetcher {
    /// A fetcher within these bounds. A TLS provider must be installed.
    ///
    /// # Errors
    /// When this machine's certificates cannot be read.
    pub fn new(bounds: Bounds) -> Result<Self, String> {
        // Redirects are judged one by one, by whose answer they are: see `send`.
        let client = Client::builder()
            .user_agent(concat!("codex-orchestrator/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .read_timeout(bounds.silence)
            .redirect(Policy::none())
            .build()
            .map_err(|error| chain(&error))?;
        Ok(Self { client, bounds })
    }

    /// Asks for an address and follows where it leads, as far as whoever named it may lead.
    pub(super) async fn send(
        &self,
        url: &Url,
        origin: Origin<'_>,
        headers: &HeaderMap,
        patience: Option<Duration>,
    ) -> Result<Response, Unsent> {
        let (mut at, mut origin, mut headers) = (url.clone(), origin, headers.clone());
        for _ in 0..=MAX_REDIRECTS {
            origin.judge(&at).map_err(Unsent::Refused)?;
            origin.judge_place(&at).await.map_err(Unsent::Refused)?;
            let mut request = self.client.get(at.clone()).headers(headers.clone());
            if let Some(patience) = patience {
                request = request.timeout(patience);
            }
            let sent = request.send().await;
            let response = sent.map_err(|error| Unsent::Passing(chain(&error.without_url())))?;
            let location = response.headers().get(header::LOCATION);
            let location = location.filter(|_| is_redirect(response.status()));
            let location = location.and_then(|value| value.to_str().ok());
            let Some(location) = location.map(str::to_owned) else {
                return Ok(response);
            };
            let next = at
                .join(&location)
                .map_err(|error| Unsent::Refused(format!("it redirects to nowhere: {error}")))?;
            if at.scheme() == "https" && next.scheme() != "https" {
                let why = "it redirects to an address without encryption".to_owned();
                return Err(Unsent::Refused(why));
            }
            if next.origin() != at.origin() {
                headers.remove(header::AUTHORIZATION);
            }
            if origin == Origin::Configured {
                origin = Origin::Told(url.as_str());
            }
            at = next;
        }
        Err(Unsent::Refused("it redirects in circles".to_owned()))
    }

    /// Fetches a file to `into`, which is removed again where it is not what was expected.
    ///
    /// # Errors
    /// When it may not be fetched, cannot be, or is something else.
    pub async fn fetch(
        &self,
        url: &str,
        origin: Origin<'_>,
        authorization: Option<&str>,
        expected: &Expected,
        into: &Path,
    ) -> Result<Fetched, FetchError> {
        let fetched = match named(url, origin) {
            Ok(parsed) => match parsed.to_file_path() {
                Ok(from) if parsed.scheme() == "file" => self.copy(url, from, into).await,
                Ok(_) | Err(()) => self.download(&parsed, origin, authorization, into).await,
            },
            Err(error) => Err(error),
        };
        let judged = match fetched {
            Ok(fetched) => judge(url, expected, fetched).await,
            Err(error) => Err(error),
        };
        if judged.is_err() {
            // What is not wanted does not stay; that it cannot be removed changes nothing for the caller.
            let _ = std::fs::remove_file(into);
        }
        judged
    }

    async fn copy(&self, url: &str, from: PathBuf, into: &Path) -> Result<Fetched, FetchError> {
        let (url, into, most) = (url.to_owned(), into.to_owned(), self.bounds.bytes);
        let copied =
            tokio::task::spawn_blocking(move || local::copy(&url, &from, &into, most)).await;
        copied.unwrap_or_else(|error| {
            Err(FetchError::io("copy to", Path::new("."))(
                std::io::Error::other(error),
            ))
        })
    }

    async fn download(
        &self,
        url: &Url,
        origin: Origin<'_>,
        authorization: Option<&str>,
        into: &Path,
    ) -> Result<Fetched, FetchError> {
        let shown = without_credentials(url.as_str());
        std::fs::write(into, b"").map_err(FetchError::io("write", into))?;
        let begun = Instant::now();
        let mut pause = self.bounds.pause;
        let mut why = String::new();
        for attempt in 1..=self.bounds.attempts {
            if attempt > 1 {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            let left = self.bounds.total.saturating_sub(begun.elapsed());
            let tried = self.attempt(url, &shown, origin, authorization, into);
            match tokio::time::timeout(left, tried).await {
                Ok(Attempt::Done) => return hashed(into).await,
                Ok(Attempt::Over(error)) => return Err(error),
                Ok(Attempt::Passing(said)) => why = said,
                Err(_) => {
                    let seconds = self.bounds.total.as_secs();
                    return Err(FetchError::Failed {
                        url: shown,
                        attempts: attempt,
                        why: format!("it takes longer than {seconds} s in all"),
                    });
                }
            }
            tracing::debug!(url = %shown, attempt, %why, "an attempt to fetch failed");
        }
        Err(FetchError::Failed {
            url: shown,
            attempts: self.bounds.attempts,
            why,
        })
    }

    /// One attempt, which goes on with what is there.
    async fn attempt(
        &self,
        url: &Url,
        shown: &str,
        origin: Origin<'_>,
        authorization: Option<&str>,
        into: &Path,
    ) -> Attempt {
        let io = |error| Attempt::Over(FetchError::io("write", into)(error));
        let mut file = match OpenOptions::new().write(true).open(into) {
            Ok(file) => file,
            Err(error) => return io(error),
        };
        let mut have = match file.seek(SeekFrom::End(0)) {
            Ok(have) => have,
            Err(error) => return io(error),
        };
        let mut headers = HeaderMap::new();
        let range = (have > 0).then(|| format!("bytes={have}-"));
        let given = [
            (header::RANGE, range.as_deref()),
            (header::AUTHORIZATION, authorization),
        ];
        for (name, value) in given {
            match value.map(HeaderValue::from_str).transpose() {
                Ok(value) => headers.extend(value.map(|value| (name, value))),
                Err(error) => {
                    return Attempt::Over(FetchError::Refused {
                        url: shown.to_owned(),
                        why: format!("what stands for `{name}` is no header: {error}"),
                    });
                }
            }
        }
        let mut response = match self.send(url, origin, &headers, None).await {
            Ok(response) => response,
            Err(Unsent::Refused(why)) => {
                return Attempt::Over(FetchError::Refused {
                    url: shown.to_owned(),
                    why,
                });
            }
            Err(Unsent::Passing(why)) => return Attempt::Passing(why),
        };
        let status = response.status();
        match status {
            StatusCode::PARTIAL_CONTENT if continues_at(&response, have) => {}
            StatusCode::OK => {
                // It begins anew, whatever was asked.
                have = 0;
                if let Err(error) = file.set_len(0).and_then(|()| file.rewind()) {
                    return io(error);
                }
            }
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                let _ = file.set_len(0);
                return Attempt::Passing(
                    "the server would not go on where it broke off".to_owned(),
                );
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                return Attempt::Over(FetchError::Vanished {
                    url: shown.to_owned(),
                    status: status.to_string(),
                });
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                return Attempt::Passing(format!("the server answered {status}"));
            }
            status if status.is_server_error() => {
                return Attempt::Passing(format!("the server answered {status}"));
            }
            status => {
                return Attempt::Over(FetchError::Refused {
                    url: shown.to_owned(),
                    why: format!("the server answered {status}"),
                });
            }
        }
        let too_large = || {
            Attempt::Over(FetchError::TooLarge {
                url: shown.to_owned(),
                bound: self.bounds.bytes,
            })
        };
        let announced = response.content_length();
        if announced.is_some_and(|length| have.saturating_add(length) > self.bounds.bytes) {
            return too_large();
        }
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    have += chunk.len() as u64;
                    if have > self.bounds.bytes {
                        return too_large();
                    }
                    if let Err(error) = file.write_all(&chunk) {
                        return io(error);
                    }
                }
                Ok(None) => return Attempt::Done,
                Err(error) => return Attempt::Passing(chain(&error.without_url())),
            }
        }
    }
}

fn continues_at(response: &reqwest::Response, have: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE);
    let range = range.and_then(|value| value.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {have}-")))
}

async fn hashed(path: &Path) -> Result<Fetched, FetchError> {
    let owned = path.to_owned();
    let hashed = tokio::task::spawn_blocking(move || {
        let bytes = std::fs::metadata(&owned)?.len();
        Ok::<_, std::io::Error>((Digest::of_file(&owned)?, bytes))
    });
    let hashed = hashed.await.map_err(std::io::Error::other).flatten();
    let (sha256, bytes) = hashed.map_err(FetchError::io("read", path))?;
    Ok(Fetched {
        path: path.to_owned(),
        sha256,
        bytes,
    })
}

async fn judge(url: &str, expected: &Expected, fetched: Fetched) -> Result<Fetched, FetchError> {
    let wrong = |expected: String| FetchError::Checksum {
        url: without_credentials(url),
        expected,
        got: fetched.sha256,
        bytes: fetched.bytes,
    };
    if let Some(sha256) = expected.sha256
        && sha256 != fetched.sha256
    {
        return Err(wrong(sha256.to_string()));
    }
    if let Some(size) = expected.size
        && size != fetched.bytes
    {
        return Err(wrong(format!("{size} bytes")));
    }
    if let Some(integrity) = &expected.integrity {
        let path = fetched.path.clone();
        let got = tokio::task::spawn_blocking(move || sha512(&path)).await;
        let got = got.map_err(std::io::Error::other).flatten();
        let got = got.map_err(FetchError::io("read", &fetched.path))?;
        let wanted = integrity
            .split_whitespace()
            .filter_map(|one| one.strip_prefix("sha512-"));
        let holds = wanted
            .clone()
            .any(|wanted| wanted.split('?').next() == Some(got.as_str()));
        if !holds {
            return Err(wrong(format!("the registry's {integrity}")));
        }
    }
    Ok(fetched)
}

fn sha512(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha512::new();
    std::io::copy(&mut std::fs::File::open(path)?, &mut hash)?;
    Ok(STANDARD.encode(hash.finalize()))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// An address that its origin may name.
fn named(url: &str, origin: Origin<'_>) -> Result<Url, FetchError> {
    let refused = |why: String| FetchError::Refused {
        url: without_credentials(url),
        why,
    };
    let parsed = Url::parse(url).map_err(|error| refused(error.to_string()))?;
    origin.judge(&parsed).map_err(refused)?;
    Ok(parsed)
}

/// An address that can be shown.
pub(crate) fn without_credentials(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else {
        return url.to_owned();
    };
    if parsed.username().is_empty() && parsed.password().is_none() {
        return url.to_owned();
    }
    // Neither can fail for an address that had credentials.
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.to_string()
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    text
}
