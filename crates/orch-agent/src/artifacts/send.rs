//! One file on its way to the server: read, cleaned and hashed piece by piece.
//!
//! Holds a few pieces in memory, whatever the file's size. Where the server lost what came before,
//! the file is sent anew.

use orch_api::proto::{ArtifactEnd, ArtifactUpload};
use sha2::{Digest as _, Sha256};
use tokio::{fs::File, io::AsyncReadExt as _};

use super::{media::media_type, walk::Place};
use orch_redact::ByteRedactor;

use crate::{outbox::Answer, progress::RunLog};

/// Bytes of a piece.
const PIECE: usize = 128 * 1024;
/// After so many pieces the server is asked how it goes.
const PIECES_UNASKED: u32 = 16;
/// How often a file is sent before it is given up.
const ATTEMPTS: u32 = 3;

/// A file to send.
pub(super) struct Sending<'s> {
    pub(super) log: &'s RunLog,
    pub(super) upload: u32,
    pub(super) name: &'s str,
    pub(super) kind: &'s str,
    pub(super) step: u32,
    pub(super) most_bytes: u64,
}

/// What became of it.
pub(super) enum Sent {
    Kept {
        size_bytes: u64,
    },
    /// The run is not ours any more.
    Lost,
}

enum Attempt {
    Sent(Sent),
    /// The server has lost a part of it.
    Again,
}

/// Sends a file; the error says why it is not kept.
pub(super) async fn send(sending: &Sending<'_>, place: &Place) -> Result<Sent, String> {
    for _ in 0..ATTEMPTS {
        let (file, _) = place.open()?;
        match attempt(sending, File::from_std(file)).await? {
            Attempt::Sent(sent) => return Ok(sent),
            Attempt::Again => {}
        }
    }
    Err(format!("the server lost a part of it {ATTEMPTS} times"))
}

async fn attempt(sending: &Sending<'_>, mut file: File) -> Result<Attempt, String> {
    let mut cleaner = ByteRedactor::new(sending.log.redactor());
    let mut hash = Sha256::new();
    let (mut offset, mut pieces, mut taken) = (0_u64, 0_u32, 0_u64);
    let mut buffer = vec![0; PIECE];
    let mut waiting = Vec::new();
    loop {
        let read = file.read(&mut buffer).await;
        let read = read.map_err(|error| format!("it cannot be read: {error}"))?;
        taken += read as u64;
        if taken > sending.most_bytes {
            return Err(format!("it grew beyond {} bytes", sending.most_bytes));
        }
        let clean = match read {
            0 => {
                std::mem::replace(&mut cleaner, ByteRedactor::new(sending.log.redactor())).finish()
            }
            read => cleaner.push(&buffer[..read]),
        };
        hash.update(&clean);
        waiting.extend(clean);
        let last = read == 0;
        while waiting.len() >= PIECE || last {
            let rest = waiting.split_off(waiting.len().min(PIECE));
            let data = std::mem::replace(&mut waiting, rest);
            let ends = last && waiting.is_empty();
            let size = data.len() as u64;
            let end = ends.then(|| ArtifactEnd {
                name: sending.log.redactor().redact(sending.name).into_owned(),
                media_type: media_type(sending.name).to_owned(),
                artifact_kind: sending.kind.to_owned(),
                sha256: hex::encode(hash.clone().finalize()),
                size_bytes: offset + size,
                step: sending.step,
            });
            let piece = ArtifactUpload {
                upload: sending.upload,
                offset,
                data,
                end,
                ..ArtifactUpload::default()
            };
            offset += size;
            pieces += 1;
            if !ends && !pieces.is_multiple_of(PIECES_UNASKED) {
                sending.log.upload(piece).await;
                continue;
            }
            match sending.log.ask_to_keep(piece).await {
                None => return Ok(Attempt::Sent(Sent::Lost)),
                Some(Answer::Accepted) if ends => {
                    let size_bytes = offset;
                    return Ok(Attempt::Sent(Sent::Kept { size_bytes }));
                }
                Some(Answer::Accepted) => {}
                Some(Answer::Refused { code, .. }) if code == "upload_gap" => {
                    return Ok(Attempt::Again);
                }
                Some(Answer::Refused { code, message }) => {
                    return Err(format!("the server refused it ({code}: {message})"));
                }
            }
        }
    }
}
