//! One entry: its recipe, the digest of its text, and who signed it.

use std::path::PathBuf;

use orch_core::recipe::{Recipe, Source, parse_entry};

use crate::{
    Digest, Platform,
    signature::{PublicKey, SignatureError, verify},
};
use orch_core::version::{Range, Version};

/// A tool of the catalog.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is called.
    pub name: String,
    /// Its version as it was written; a package may leave it out.
    pub version: Option<String>,
    /// The digest of the entry's text.
    pub digest: Digest,
    /// The file.
    pub file: PathBuf,
    /// Who answers for it.
    pub trust: Trust,
    /// All that it says.
    pub recipe: Recipe,
}

/// Who answers for an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// A trusted key signed it.
    Signed {
        /// The key's id.
        key: String,
        /// What the signer said of it.
        comment: String,
    },
    /// Nobody who is trusted.
    Unsigned {
        /// Why, in a few words.
        why: String,
    },
    /// There is a signature, and it is of another text.
    Forged {
        /// What is wrong.
        why: String,
    },
}

impl Entry {
    /// Reads an entry's text and the signature beside it.
    ///
    /// # Errors
    /// What is wrong with the text, with its place.
    pub fn parse(
        text: &str,
        signature: Option<&str>,
        keys: &[PublicKey],
        file: PathBuf,
    ) -> Result<Self, String> {
        let recipe = parse_entry(text).map_err(|error| error.to_string())?;
        let version = recipe.version.clone();
        let needs_version = recipe.offer.package.is_none();
        match &version {
            None if needs_version => {
                return Err(
                    "`version` is missing: only a package's versions are known without".to_owned(),
                );
            }
            Some(version) if needs_version => {
                own_version(version)?;
            }
            Some(range) => drop(Range::parse(range)?),
            None => {}
        }
        if let Some(package) = &recipe.offer.package {
            Range::parse(package.version.as_deref().unwrap_or_default()).or_else(|why| {
                match package.registry {
                    // A version of Debian is no number with dots.
                    orch_core::recipe::Registry::Apt => Ok(Range::any()),
                    _ => Err(why),
                }
            })?;
        }
        let trust = match signature {
            None => Trust::Unsigned {
                why: "it has no signature".to_owned(),
            },
            Some(signature) => match verify(keys, text.as_bytes(), signature) {
                Ok(verified) => Trust::Signed {
                    key: verified.key,
                    comment: verified.comment,
                },
                Err(error @ SignatureError::UnknownKey(_)) => Trust::Unsigned {
                    why: error.to_string(),
                },
                Err(error) => Trust::Forged {
                    why: error.to_string(),
                },
            },
        };
        Ok(Self {
            name: recipe.name.clone().unwrap_or_default(),
            version,
            digest: Digest::of(text.as_bytes()),
            file,
            trust,
            recipe,
        })
    }

    /// Its one version, where it is not a package's.
    #[must_use]
    pub fn own_version(&self) -> Option<Version> {
        match self.recipe.offer.package {
            Some(_) => None,
            None => own_version(self.version.as_deref()?).ok(),
        }
    }

    /// Where it is fetched from for a platform.
    #[must_use]
    pub fn source(&self, platform: Platform) -> Option<&Source> {
        let sources = &self.recipe.offer.sources;
        let single = || self.recipe.source.as_ref().filter(|_| sources.is_empty());
        sources.get(platform.name()).or_else(single)
    }

    /// In a few words, for people.
    #[must_use]
    pub fn origin(&self) -> String {
        if let Some(package) = &self.recipe.offer.package {
            return package.to_string();
        }
        let platforms: Vec<&str> = self
            .recipe
            .offer
            .sources
            .keys()
            .map(String::as_str)
            .collect();
        match platforms.is_empty() {
            true => "one source".to_owned(),
            false => platforms.join(", "),
        }
    }
}

/// `2.17.x` counts as the first of those that it stands for.
fn own_version(text: &str) -> Result<Version, String> {
    let mut body = text.trim();
    while let Some(shorter) = [".x", ".X", ".*"]
        .iter()
        .find_map(|end| body.strip_suffix(end))
    {
        body = shorter;
    }
    let shown: String = text
        .chars()
        .take(80)
        .flat_map(char::escape_default)
        .collect();
    Version::parse(body).ok_or_else(|| {
        format!("version `{shown}` is no version; expected one such as 2.17.3 or 2.17.x")
    })
}
