//! Signed heads of the audit chain in a file of the data folder, and the check without a server.
//!
//! A head is signed (Ed25519) when the chain has grown, at most once a second, and at shutdown.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use orch_core::audit::Head;
use orch_store::audit_check::{self, SignedHeads};
use orch_store::{Database, StoreError};
use serde::{Deserialize, Serialize};

const KEY_FILE: &str = "audit.key";
const PUBLIC_FILE: &str = "audit.pub";
const HEADS_FILE: &str = "audit-heads.jsonl";
/// Beyond this size only the newest heads are kept.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;
const KEPT_HEADS: usize = 1000;

#[derive(Serialize, Deserialize)]
struct Line {
    seq: i64,
    hash: String,
    at: String,
    signature: String,
}

fn message(seq: i64, hash: &str, at: &str) -> Vec<u8> {
    format!("orch/audit-head/v1\n{seq}\n{hash}\n{at}").into_bytes()
}

/// Signs heads.
pub struct HeadSigner {
    key: SigningKey,
    path: PathBuf,
    last: i64,
}

impl HeadSigner {
    /// Opens the signer; makes its key (mode 0600) if there is none.
    pub fn open(data_dir: &Path) -> std::io::Result<Self> {
        let path = data_dir.join(KEY_FILE);
        let key = match std::fs::read_to_string(&path) {
            Ok(text) => {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| {
                    std::io::Error::other(format!(
                        "{} is not a key of 64 hex digits",
                        path.display()
                    ))
                })?;
                SigningKey::from_bytes(&bytes)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut bytes = [0; 32];
                getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
                let mut file = std::fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&path)?;
                file.write_all(hex::encode(bytes).as_bytes())?;
                file.sync_all()?;
                SigningKey::from_bytes(&bytes)
            }
            Err(error) => return Err(error),
        };
        std::fs::write(
            data_dir.join(PUBLIC_FILE),
            hex::encode(key.verifying_key().as_bytes()),
        )?;
        Ok(Self {
            key,
            path: data_dir.join(HEADS_FILE),
            last: 0,
        })
    }

    /// Signs `head` unless it was signed before.
    pub fn sign(&mut self, head: Head, at: String) -> std::io::Result<()> {
        if head.seq == self.last {
            return Ok(());
        }
        let hash = hex::encode(head.hash);
        let signature = hex::encode(self.key.sign(&message(head.seq, &hash, &at)).to_bytes());
        let line = serde_json::to_string(&Line {
            seq: head.seq,
            hash,
            at,
            signature,
        })?;
        self.shorten()?;
        orch_failpoint::check("server.heads.sign")?;
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)?;
        file.write_all(format!("{line}\n").as_bytes())?;
        orch_failpoint::check("server.heads.written")?;
        file.sync_data()?;
        self.last = head.seq;
        Ok(())
    }

    fn shorten(&self) -> std::io::Result<()> {
        if std::fs::metadata(&self.path).map_or(0, |meta| meta.len()) < LARGEST_FILE {
            return Ok(());
        }
        let text = std::fs::read_to_string(&self.path)?;
        let lines: Vec<&str> = text.lines().collect();
        let kept = lines[lines.len().saturating_sub(KEPT_HEADS)..].join("\n");
        let part = self.path.with_extension("part");
        std::fs::write(&part, kept + "\n")?;
        std::fs::rename(part, &self.path)
    }
}

/// What the offline check of an installation's audit chain found.
#[derive(Clone, Debug, Serialize)]
pub struct AuditReport {
    /// Which database was read, without a password.
    pub database: String,
    /// Intact entries from the first on.
    pub entries: i64,
    /// The hash of the last intact entry; 64 hex digits.
    pub head: String,
    /// The first entry that is wrong, in words; `None` when all is well.
    pub first_bad: Option<String>,
    /// The last entry that a signed head covers.
    pub signed_up_to: Option<i64>,
    /// What the check cannot know.
    pub notes: Vec<String>,
}

/// Checks the audit chain of a database against the heads that were signed in data folders.
///
/// # Errors
/// When there is no database to read.
pub async fn verify_audit(
    database: &Database,
    data_dirs: &[PathBuf],
) -> Result<AuditReport, StoreError> {
    let mut notes = Vec::new();
    let mut heads = SignedHeads::new();
    for data_dir in data_dirs {
        let several = (data_dirs.len() > 1).then_some(data_dir.as_path());
        read_heads(data_dir, several, &mut heads, &mut notes);
    }
    let checked = audit_check::check(database, &heads).await?;
    let signed_up_to = heads.last_key_value().map(|(&seq, _)| seq);
    match signed_up_to {
        Some(signed) if signed < checked.head.seq => notes.push(format!(
            "entries {} to {} came after the last signed head: entries missing from the end cannot be noticed there",
            signed + 1,
            checked.head.seq
        )),
        Some(_) => {}
        None => notes.push(
            "there is no signed head: entries missing from the end cannot be noticed".to_owned(),
        ),
    }
    Ok(AuditReport {
        database: database.to_string(),
        entries: checked.head.seq,
        head: hex::encode(checked.head.hash),
        first_bad: checked.first_bad,
        signed_up_to,
        notes,
    })
}

/// Adds the heads whose signature is good; the folder is named where there are several.
fn read_heads(
    data_dir: &Path,
    several: Option<&Path>,
    heads: &mut SignedHeads,
    notes: &mut Vec<String>,
) {
    let place = several.map_or_else(String::new, |folder| format!("{}/", folder.display()));
    let Some(key) = public_key(data_dir) else {
        notes.push(format!(
            "{place}{PUBLIC_FILE} is missing or no key: signed heads were not looked at"
        ));
        return;
    };
    let text = std::fs::read_to_string(data_dir.join(HEADS_FILE)).unwrap_or_default();
    let mut bad = 0;
    for line in text.lines() {
        match serde_json::from_str::<Line>(line)
            .ok()
            .and_then(|line| checked(&key, &line))
        {
            Some((seq, hash)) => {
                heads.entry(seq).or_default().insert(hash);
            }
            None => bad += 1,
        }
    }
    if bad > 0 {
        notes.push(format!(
            "{bad} lines of {place}{HEADS_FILE} are not signed by this installation's key"
        ));
    }
}

fn public_key(data_dir: &Path) -> Option<VerifyingKey> {
    let text = std::fs::read_to_string(data_dir.join(PUBLIC_FILE)).ok()?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes).ok()?;
    VerifyingKey::from_bytes(&bytes).ok()
}

fn checked(key: &VerifyingKey, line: &Line) -> Option<(i64, [u8; 32])> {
    let mut signature = [0; 64];
    hex::decode_to_slice(&line.signature, &mut signature).ok()?;
    key.verify(
        &message(line.seq, &line.hash, &line.at),
        &Signature::from_bytes(&signature),
    )
    .ok()?;
    let mut hash = [0; 32];
    hex::decode_to_slice(&line.hash, &mut hash).ok()?;
    Some((line.seq, hash))
}
