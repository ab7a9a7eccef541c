//! Small answers of registries, held in memory.

use reqwest::{
    StatusCode, Url,
    header::{self, HeaderMap, HeaderValue},
};

use super::{
    FetchError, Fetcher, Origin,
    http::{Unsent, chain, without_credentials},
};

impl Fetcher {
    /// The text at an address, of at most `most` bytes.
    ///
    /// # Errors
    /// When it cannot be had; [`FetchError::Vanished`] where there is none.
    pub(crate) async fn text(
        &self,
        url: &str,
        accept: &str,
        authorization: Option<&str>,
        most: u64,
    ) -> Result<(String, String), FetchError> {
        let mut pause = self.bounds.pause;
        let mut why = String::new();
        for attempt in 1..=self.bounds.attempts {
            if attempt > 1 {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            match self.text_once(url, accept, authorization, most).await {
                Ok(text) => return Ok(text),
                Err(Ok(passing)) => why = passing,
                Err(Err(error)) => return Err(error),
            }
        }
        Err(FetchError::Failed {
            url: without_credentials(url),
            attempts: self.bounds.attempts,
            why,
        })
    }

    /// Inside `Err`, `Ok` says what may pass.
    async fn text_once(
        &self,
        url: &str,
        accept: &str,
        authorization: Option<&str>,
        most: u64,
    ) -> Result<(String, String), Result<String, FetchError>> {
        let shown = without_credentials(url);
        let refused = |why: String| {
            Err(FetchError::Refused {
                url: shown.clone(),
                why,
            })
        };
        let parsed = Url::parse(url).map_err(|error| refused(error.to_string()))?;
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::ACCEPT, Some(accept)),
            (header::AUTHORIZATION, authorization),
        ] {
            let value = value.map(HeaderValue::from_str).transpose();
            let value = value.map_err(|error| refused(format!("`{name}`: {error}")))?;
            headers.extend(value.map(|value| (name, value)));
        }
        let patience = Some(self.bounds.silence * 4);
        let sent = self.send(&parsed, Origin::Configured, &headers, patience);
        let mut response = sent.await.map_err(|unsent| match unsent {
            Unsent::Refused(why) => refused(why),
            Unsent::Passing(why) => Ok(why),
        })?;
        let status = response.status();
        if matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Err(Err(FetchError::Vanished {
                url: shown,
                status: status.to_string(),
            }));
        }
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Ok(format!("the server answered {status}")));
        }
        if !status.is_success() {
            return Err(Err(FetchError::Refused {
                url: shown,
                why: format!("the server answered {status}"),
            }));
        }
        let kind = response.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.to_ascii_lowercase();
        let mut bytes = Vec::new();
        loop {
            let chunk = response.chunk().await;
            match chunk.map_err(|error| Ok(chain(&error.without_url())))? {
                Some(chunk) => bytes.extend_from_slice(&chunk),
                None => break,
            }
            if bytes.len() as u64 > most {
                return Err(Err(FetchError::TooLarge {
                    url: shown,
                    bound: most,
                }));
            }
        }
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| {
            Err(FetchError::Refused {
                url: shown,
                why: "its answer is no UTF-8 text".to_owned(),
            })
        })?;
        Ok((kind, text))
    }
}
