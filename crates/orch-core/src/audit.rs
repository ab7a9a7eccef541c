//! The audit chain: each entry's hash covers its stored bytes and the hash before it, so that an
//! edit, a deletion or a reorder breaks the chain at the first entry that it touches.

use sha2::{Digest as _, Sha256};

/// The hash before the first entry.
pub const GENESIS: [u8; 32] = [0; 32];

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Place in the chain, from 1 and without gaps.
    pub seq: i64,
    /// Microseconds UTC.
    pub at_us: i64,
    pub actor: String,
    pub kind: String,
    pub project_id: Option<i64>,
    /// JSON text, byte for byte as stored.
    pub body: String,
}

impl Entry {
    /// The hash of this entry behind `previous`.
    #[must_use]
    pub fn hash(&self, previous: &[u8; 32]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(b"orch/audit/v1");
        hasher.update(previous);
        hasher.update(self.seq.to_be_bytes());
        hasher.update(self.at_us.to_be_bytes());
        hasher.update(self.project_id.unwrap_or(0).to_be_bytes());
        for field in [&self.actor, &self.kind, &self.body] {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field);
        }
        hasher.finalize().into()
    }
}

/// The end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub seq: i64,
    pub hash: [u8; 32],
}

impl Head {
    /// The head of an empty chain.
    pub const EMPTY: Self = Self {
        seq: 0,
        hash: GENESIS,
    };

    /// Appends: what the next entry's hash is, and the new head.
    #[must_use]
    pub fn append(self, entry: &Entry) -> Self {
        Self {
            seq: entry.seq,
            hash: entry.hash(&self.hash),
        }
    }

    /// Checks that `entry`, stored with `stored_hash`, follows this head.
    ///
    /// # Errors
    /// Names the first thing wrong with the entry.
    pub fn verify(self, entry: &Entry, stored_hash: &[u8]) -> Result<Self, Broken> {
        if entry.seq != self.seq + 1 {
            return Err(Broken::Missing {
                expected: self.seq + 1,
                found: entry.seq,
            });
        }
        let next = self.append(entry);
        if next.hash.as_slice() == stored_hash {
            Ok(next)
        } else {
            Err(Broken::Changed {
                seq: entry.seq,
                kind: entry.kind.clone(),
            })
        }
    }
}

/// Where and how a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("entry {expected} is missing: the next one stored is {found}")]
    Missing { expected: i64, found: i64 },
    #[error(
        "entry {seq} ({kind}) does not match its hash: it, or an entry before it, was changed or moved"
    )]
    Changed { seq: i64, kind: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: i64, body: &str) -> Entry {
        Entry {
            seq,
            at_us: seq * 10,
            actor: "user".into(),
            kind: "project.created".into(),
            project_id: Some(1),
            body: body.into(),
        }
    }

    #[test]
    fn an_edit_a_deletion_and_a_swap_are_each_named_at_the_first_bad_entry() {
        let one = entry(1, "{}");
        let two = entry(2, "{\"a\":1}");
        let h1 = Head::EMPTY.append(&one);
        let h2 = h1.append(&two);
        assert_eq!(Head::EMPTY.verify(&one, &h1.hash), Ok(h1));
        assert_eq!(h1.verify(&two, &h2.hash), Ok(h2));

        let edited = entry(2, "{\"a\":2}");
        assert!(matches!(
            h1.verify(&edited, &h2.hash),
            Err(Broken::Changed { seq: 2, .. })
        ));
        assert_eq!(
            Head::EMPTY.verify(&two, &h2.hash),
            Err(Broken::Missing {
                expected: 1,
                found: 2
            })
        );
    }
}
