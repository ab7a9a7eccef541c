//! Where a model is asked, and by which protocol.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use thiserror::Error;

/// Bytes that one answer may have, as they come over the wire.
pub const LARGEST_ANSWER_BYTES: usize = 8 << 20;

/// A protocol of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `POST {base}/responses`.
    Responses,
    /// `POST {base}/chat/completions`.
    Chat,
    /// The first, and the second where the address does not know the first.
    ResponsesElseChat,
    /// `POST {base}/messages` with `anthropic-version`.
    Messages,
}

/// A model at an address.
#[derive(Clone)]
pub struct Endpoint {
    pub protocol: Protocol,
    pub(crate) base: Url,
    pub model: String,
    key: Option<String>,
    /// From the request to the end of the answer.
    pub timeout: Duration,
    /// Until the answer begins, and between two pieces of it.
    pub idle: Duration,
}

/// Why an address cannot be one of a model.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EndpointError {
    #[error(
        "the model's address {given:?} is not usable: {why}; expected one like https://api.openai.com/v1"
    )]
    Address { given: String, why: String },
    #[error("the model's name is empty")]
    NoModel,
    #[error(
        "the model's key has characters that no HTTP header takes: check for line ends and quotes"
    )]
    Key,
    #[error("failed to set up the client of models: {why}")]
    Setup { why: String },
}

impl Endpoint {
    /// `base` is the address above `/responses` and its like, with `/v1` where there is one.
    ///
    /// # Errors
    /// When it is no http or https address or carries a name, a password or a query, when the model has no
    /// name, and when the key fits in no header.
    pub fn new(
        protocol: Protocol,
        base: &str,
        model: impl Into<String>,
        key: Option<String>,
    ) -> Result<Self, EndpointError> {
        let model = model.into();
        if model.trim().is_empty() {
            return Err(EndpointError::NoModel);
        }
        let key = key.map(|key| key.trim().to_owned());
        if key
            .as_ref()
            .is_some_and(|key| !key.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(EndpointError::Key);
        }
        let wrong = |why: String| EndpointError::Address {
            // What stands before an @ may be a password.
            given: match base.contains('@') {
                true => "(hidden)".to_owned(),
                false => base.to_owned(),
            },
            why,
        };
        let mut url = Url::parse(base).map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong(format!("its scheme is {:?}", url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("it carries a user or a password".to_owned()));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("it carries a query or a fragment".to_owned()));
        }
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(Self {
            protocol,
            base: url,
            model,
            key: key.filter(|key| !key.is_empty()),
            timeout: Duration::from_secs(600),
            idle: Duration::from_secs(180),
        })
    }

    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The model and where it is, for messages.
    pub(crate) fn place(&self) -> String {
        format!("{} at {}", self.model, self.base)
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url
    }
}

/// Without its key.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("protocol", &self.protocol)
            .field("base", &self.base.as_str())
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> Result<String, String> {
        Endpoint::new(Protocol::Chat, text, "m", Some("sk-secret".to_owned()))
            .map(|endpoint| endpoint.url("chat/completions").to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_are_taken_with_and_without_a_slash() {
        let wanted = "http://127.0.0.1:1/v1/chat/completions";
        assert_eq!(base("http://127.0.0.1:1/v1").as_deref(), Ok(wanted));
        assert_eq!(base("http://127.0.0.1:1/v1/").as_deref(), Ok(wanted));
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let said = base("https://me:hunter2@host/v1").unwrap_err();
        assert!(
            said.contains("password") && !said.contains("hunter2"),
            "{said}"
        );
        assert!(base("ftp://host/").unwrap_err().contains("ftp"));
        assert!(
            base("host")
                .unwrap_err()
                .contains("https://api.openai.com/v1")
        );
    }

    #[test]
    fn no_key_is_printed() {
        let endpoint = Endpoint::new(
            Protocol::Chat,
            "http://h",
            "m",
            Some("sk-secret".to_owned()),
        );
        assert!(!format!("{endpoint:?}").contains("sk-secret"));
    }
}
