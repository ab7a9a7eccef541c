//! Detached signatures in minisign's format: Ed25519 over the text or its BLAKE2b hash.
//!
//! Pure. Keys and signatures are text that `minisign` writes and reads as well. Secret keys never
//! show in `Debug`.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use blake2::{Blake2b, Blake2b512, Digest as _, digest::consts::U32};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

/// Longest text of a key or signature.
const MAX_BYTES: usize = 8 * 1024;

/// A key that signatures are checked with.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: [u8; 8],
    key: VerifyingKey,
}

/// A key that signs, kept without a password.
pub struct SecretKey {
    id: [u8; 8],
    key: SigningKey,
}

/// What is wrong with a key or a signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It is not what minisign writes.
    #[error("the {what} is malformed: {why}")]
    Malformed {
        /// Which.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// None of the keys made it.
    #[error("it was signed with the key {0}, which is not among the trusted keys")]
    UnknownKey(String),
    /// It is of another text.
    #[error("the signature does not belong to this text: it was changed after it was signed")]
    Wrong,
}

/// A signature that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The key that made it.
    pub key: String,
    /// What the signer says of it.
    pub comment: String,
}

fn malformed(what: &'static str, why: &'static str) -> SignatureError {
    SignatureError::Malformed { what, why }
}

/// The line of a text that holds its bytes.
fn payload(text: &str, what: &'static str) -> Result<Vec<u8>, SignatureError> {
    if text.len() > MAX_BYTES {
        return Err(malformed(what, "it is too long"));
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut lines = lines.filter(|line| !line.starts_with("untrusted comment:"));
    let line = lines.next().ok_or_else(|| malformed(what, "it is empty"))?;
    STANDARD
        .decode(line)
        .map_err(|_| malformed(what, "its line is no base64"))
}

/// An id as minisign shows it.
fn shown(id: [u8; 8]) -> String {
    format!("{:016X}", u64::from_le_bytes(id))
}

impl PublicKey {
    /// Reads a key: its file, or the one line that counts.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        const WHAT: &str = "public key";
        let bytes = payload(text, WHAT)?;
        if bytes.len() != 42 || &bytes[..2] != b"Ed" {
            return Err(malformed(WHAT, "it is no Ed25519 key of minisign"));
        }
        let mut id = [0; 8];
        id.copy_from_slice(&bytes[2..10]);
        let mut point = [0; 32];
        point.copy_from_slice(&bytes[10..]);
        let key = VerifyingKey::from_bytes(&point);
        let key = key.map_err(|_| malformed(WHAT, "it is no point of the curve"))?;
        Ok(Self { id, key })
    }

    /// Its id, 16 hex digits.
    #[must_use]
    pub fn id(&self) -> String {
        shown(self.id)
    }

    /// As it is kept.
    #[must_use]
    pub fn to_text(&self) -> String {
        let bytes = [b"Ed".as_slice(), &self.id, self.key.as_bytes()].concat();
        format!(
            "untrusted comment: minisign public key {}\n{}\n",
            self.id(),
            STANDARD.encode(bytes)
        )
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({}, not shown)", shown(self.id))
    }
}

/// The checksum that a secret key's file ends with.
fn key_checksum(id: &[u8], pair: &[u8]) -> [u8; 32] {
    let mut hash = Blake2b::<U32>::new();
    hash.update(b"Ed");
    hash.update(id);
    hash.update(pair);
    hash.finalize().into()
}

impl SecretKey {
    /// A key from 40 random bytes.
    #[must_use]
    pub fn from_entropy(entropy: &[u8; 40]) -> Self {
        let (mut id, mut seed) = ([0; 8], [0; 32]);
        id.copy_from_slice(&entropy[..8]);
        seed.copy_from_slice(&entropy[8..]);
        Self {
            id,
            key: SigningKey::from_bytes(&seed),
        }
    }

    /// Reads a key without a password.
    ///
    /// # Errors
    /// When it is none, or has a password.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        const WHAT: &str = "secret key";
        let bytes = payload(text, WHAT)?;
        if bytes.len() != 158 || &bytes[..2] != b"Ed" {
            return Err(malformed(WHAT, "it is no Ed25519 key of minisign"));
        }
        if bytes[2..4] != [0, 0] {
            let why = "it is encrypted with a password; make one without (`tool keygen`, or `minisign -G -W`)";
            return Err(malformed(WHAT, why));
        }
        let (id_bytes, pair, sum) = (&bytes[54..62], &bytes[62..126], &bytes[126..]);
        if key_checksum(id_bytes, pair) != *sum {
            return Err(malformed(WHAT, "its checksum is wrong"));
        }
        let (mut id, mut seed) = ([0; 8], [0; 32]);
        id.copy_from_slice(id_bytes);
        seed.copy_from_slice(&pair[..32]);
        let key = SigningKey::from_bytes(&seed);
        if key.verifying_key().as_bytes() != &pair[32..] {
            return Err(malformed(WHAT, "its halves do not belong together"));
        }
        Ok(Self { id, key })
    }

    /// As it is kept; whoever reads it can sign.
    #[must_use]
    pub fn to_text(&self) -> String {
        let pair = self.key.to_keypair_bytes();
        let sum = key_checksum(&self.id, &pair);
        let empty = [0; 48];
        let bytes = [b"Ed\0\0B2".as_slice(), &empty, &self.id, &pair, &sum].concat();
        format!(
            "untrusted comment: minisign secret key {}, without a password\n{}\n",
            shown(self.id),
            STANDARD.encode(bytes)
        )
    }

    /// The key that checks what this one signs.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey {
            id: self.id,
            key: self.key.verifying_key(),
        }
    }

    /// Signs a text; the comment is signed with it.
    #[must_use]
    pub fn sign(&self, text: &[u8], comment: &str) -> String {
        let comment: String = comment
            .chars()
            .filter(|c| !c.is_control())
            .take(1_000)
            .collect();
        let signature = self.key.sign(&Blake2b512::digest(text)).to_bytes();
        let bytes = [b"ED".as_slice(), &self.id, &signature].concat();
        let global = self.key.sign(&[&signature, comment.as_bytes()].concat());
        format!(
            "untrusted comment: signature by {}\n{}\ntrusted comment: {comment}\n{}\n",
            shown(self.id),
            STANDARD.encode(bytes),
            STANDARD.encode(global.to_bytes())
        )
    }
}

/// Checks a signature with whichever of the keys made it.
///
/// # Errors
/// Why it does not hold.
pub fn verify(
    keys: &[PublicKey],
    text: &[u8],
    signature: &str,
) -> Result<Verified, SignatureError> {
    const WHAT: &str = "signature";
    let bytes = payload(signature, WHAT)?;
    if bytes.len() != 74 {
        return Err(malformed(WHAT, "it has not the length of one"));
    }
    let mut id = [0; 8];
    id.copy_from_slice(&bytes[2..10]);
    let key = keys.iter().find(|key| key.id == id);
    let key = key.ok_or_else(|| SignatureError::UnknownKey(shown(id)))?;
    let of_bytes = |bytes: &[u8]| {
        let signature = Signature::from_slice(bytes);
        signature.map_err(|_| malformed(WHAT, "it has not the length of one"))
    };
    let holds = |text: &[u8], signature: &Signature| {
        let checked = key.key.verify_strict(text, signature);
        checked.map_err(|_| SignatureError::Wrong)
    };
    let own = of_bytes(&bytes[10..])?;
    match &bytes[..2] {
        b"ED" => holds(&Blake2b512::digest(text), &own)?,
        b"Ed" => holds(text, &own)?,
        _ => return Err(malformed(WHAT, "its algorithm is not known")),
    }
    let mut after = signature
        .lines()
        .skip_while(|line| !line.starts_with("trusted comment: "));
    let comment = after.next().map(|line| &line["trusted comment: ".len()..]);
    let comment = comment.ok_or_else(|| malformed(WHAT, "its trusted comment is missing"))?;
    let global = after
        .next()
        .and_then(|line| STANDARD.decode(line.trim()).ok());
    let global = global.ok_or_else(|| malformed(WHAT, "its comment is not signed"))?;
    let said = comment.trim_end_matches('\r');
    holds(
        &[&bytes[10..], said.as_bytes()].concat(),
        &of_bytes(&global)?,
    )?;
    Ok(Verified {
        key: shown(id),
        comment: said.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_entropy(&[seed; 40])
    }

    #[test]
    fn a_signature_holds_for_its_text_and_key_alone() {
        let key = SecretKey::parse(&key(7).to_text()).unwrap();
        let public = PublicKey::parse(&key.public().to_text()).unwrap();
        let signature = key.sign(b"entry", "made today");
        let verified = verify(std::slice::from_ref(&public), b"entry", &signature).unwrap();
        assert_eq!(
            (verified.key, verified.comment.as_str()),
            (public.id(), "made today")
        );
        assert_eq!(
            verify(std::slice::from_ref(&public), b"entri", &signature),
            Err(SignatureError::Wrong)
        );
        let renamed = signature.replace("made today", "made later");
        assert_eq!(
            verify(&[public], b"entry", &renamed),
            Err(SignatureError::Wrong)
        );
        let other = self::key(8).public();
        assert!(matches!(
            verify(&[other], b"entry", &signature),
            Err(SignatureError::UnknownKey(_))
        ));
    }

    #[test]
    fn no_secret_shows() {
        let shown = format!("{:?}", key(7));
        assert!(shown.contains("not shown"), "{shown}");
    }

    proptest! {
        #[test]
        fn no_text_makes_a_reader_panic(text in "\\PC{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..170)) {
            let public = key(7).public();
            let encoded = STANDARD.encode(&bytes);
            for text in [text, encoded.clone(), format!("untrusted comment: a\n{encoded}\ntrusted comment: b\n{encoded}")] {
                let _ = PublicKey::parse(&text);
                let _ = SecretKey::parse(&text);
                prop_assert!(verify(std::slice::from_ref(&public), b"x", &text).is_err());
            }
        }

        #[test]
        fn no_changed_byte_of_a_signature_passes(at in 0_usize..74, change in 1_u8..) {
            let signature = key(7).sign(b"entry", "c");
            let mut bytes = payload(&signature, "signature").unwrap();
            bytes[at] ^= change;
            let lines: Vec<&str> = signature.lines().collect();
            let changed = format!("{}\n{}\n{}\n{}\n", lines[0], STANDARD.encode(bytes), lines[2], lines[3]);
            prop_assert!(verify(&[key(7).public()], b"entry", &changed).is_err());
        }
    }
}
