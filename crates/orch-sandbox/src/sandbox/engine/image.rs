//! Which image a container is made from: named by its content, so that it is the same tomorrow.

use std::{fmt, str::FromStr};

/// Letters of a SHA-256 in hexadecimal.
const DIGITS: usize = 64;

/// An image by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image(String);

/// Whether an image that is not there may be fetched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pull {
    /// The agent does not start without it.
    #[default]
    Never,
    /// Once, when the agent starts.
    Missing,
}

impl FromStr for Image {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "an image by its digest, `name@sha256:…` or the `sha256:…` of one that is here \
                        (docker images --digests --no-trunc): a tag can be moved";
        let (name, digest) = text.rsplit_once("sha256:").ok_or(expected)?;
        let is_digest = digest.len() == DIGITS
            && digest
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let is_name = name.is_empty()
            || name.strip_suffix('@').is_some_and(|name| {
                !name.is_empty()
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte))
            });
        match is_digest && is_name {
            true => Ok(Self(text.to_owned())),
            false => Err(expected),
        }
    }
}

impl Image {
    /// As the engine is asked for it.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a registry could have it.
    pub(super) fn can_be_fetched(&self) -> bool {
        self.0.contains('@')
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_by_its_digest_alone() {
        let digest = format!("sha256:{}", "a1".repeat(32));
        for good in [digest.clone(), format!("registry:5000/team/tools@{digest}")] {
            assert_eq!(good.parse::<Image>().unwrap().as_str(), good);
        }
        for bad in [
            "debian".to_owned(),
            "debian:12".to_owned(),
            "sha256:abc".to_owned(),
            format!("@{digest}"),
            format!("a b@{digest}"),
            digest.to_uppercase(),
        ] {
            assert!(
                bad.parse::<Image>()
                    .unwrap_err()
                    .contains("a tag can be moved")
            );
        }
    }
}
