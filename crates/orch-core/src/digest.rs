//! The digest that an approval binds: exactly what would run, and not its place in the queue.
//!
//! Fields are length-prefixed, so that no two different inputs share one serialisation.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::source::Source;

/// SHA-256, written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Hashes `fields` under a domain tag.
    #[must_use]
    pub fn of(domain: &str, fields: &[Option<&[u8]>]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update((domain.len() as u64).to_be_bytes());
        hasher.update(domain);
        for field in fields {
            match field {
                Some(bytes) => {
                    hasher.update([1]);
                    hasher.update((bytes.len() as u64).to_be_bytes());
                    hasher.update(bytes);
                }
                None => hasher.update([0]),
            }
        }
        Self(hasher.finalize().into())
    }

    /// What a work item would run: title, description, recipe and environment.
    #[must_use]
    pub fn of_work_item(
        title: &str,
        description: &str,
        recipe: Option<&str>,
        environment: Option<&str>,
    ) -> Self {
        Self::of(
            "orch/work-item/v1",
            &[
                Some(title.as_bytes()),
                Some(description.as_bytes()),
                recipe.map(str::as_bytes),
                environment.map(str::as_bytes),
            ],
        )
    }

    /// The same, on one commit of a repository.
    #[must_use]
    pub fn with_source(self, source: &Source) -> Self {
        Self::of(
            "orch/work-item-source/v1",
            &[
                Some(&self.0),
                Some(source.url.as_bytes()),
                Some(source.commit.as_str().as_bytes()),
            ],
        )
    }

    /// The steps that an agent planned for an item which has no recipe.
    #[must_use]
    pub fn of_planned_steps(item: Self, canonical_steps: &[u8]) -> Self {
        Self::of(
            "orch/planned-steps/v1",
            &[Some(&item.0), Some(canonical_steps)],
        )
    }

    #[must_use]
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    /// Reads 64 hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("not 64 hex digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_and_every_boundary_counts() {
        let base = Digest::of_work_item("ab", "c", None, None);
        assert_ne!(base, Digest::of_work_item("a", "bc", None, None));
        assert_ne!(base, Digest::of_work_item("ab", "c", Some(""), None));
        assert_ne!(base, Digest::of_work_item("ab", "c", None, Some("")));
        assert_ne!(base, Digest::of_work_item("ab", "d", None, None));
        assert_eq!(base, Digest::of_work_item("ab", "c", None, None));
        assert_eq!(Digest::from_hex(&base.to_hex()), Some(base));
    }
}
