//! Carrying one output of a process to the sink, line by line.
//!
//! Holds one chunk and one piece of a line at a time and waits for the sink, so that a process that
//! writes faster than its log can be stored is slowed down instead of filling memory.

use std::time::Duration;

use jiff::Timestamp;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::mpsc,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{
    ExecError, Line, Stream,
    lines::{Piece, Splitter},
};

const CHUNK_BYTES: usize = 64 * 1024;

/// How long a pipe may stay silent, once closing, before it is given up.
const CLOSING_SILENCE: Duration = Duration::from_millis(200);

/// What a pipe can still hold, by the system's default limit, once its writers are gone.
const PIPE_BYTES: usize = 1 << 20;

/// Reads `reader` to its end and sends its lines. Once `closing` is cancelled, no more is read than
/// a pipe can hold, nor is a silent one waited for: somebody out of reach may hold it open. When
/// the receiver is gone, output is read and thrown away.
pub(super) async fn pump(
    mut reader: impl AsyncRead + Unpin,
    stream: Stream,
    sink: mpsc::Sender<Line>,
    now: impl Fn() -> Timestamp,
    closing: CancellationToken,
) -> Result<(), ExecError> {
    let line = |piece: Piece| Line {
        stream,
        at: now(),
        message: piece.message,
        encoding: piece.encoding,
        partial: piece.partial,
    };
    let mut splitter = Splitter::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut left = PIPE_BYTES;
    loop {
        let length = tokio::select! {
            biased;
            () = closing.cancelled(), if left == 0 => 0,
            length = reader.read(&mut chunk) => {
                length.map_err(|source| ExecError::Output { stream, source })?
            }
            () = silence_after(&closing) => 0,
        };
        if closing.is_cancelled() {
            left = left.saturating_sub(length);
        }
        let mut input = &chunk[..length];
        while !input.is_empty() && !sink.is_closed() {
            if let Some(piece) = splitter.next(&mut input) {
                // A closed sink is seen at the loop's head.
                let _ = sink.send(line(piece)).await;
            }
        }
        if length == 0 {
            break;
        }
    }
    while let Some(piece) = splitter.rest() {
        let _ = sink.send(line(piece)).await;
    }
    Ok(())
}

async fn silence_after(closing: &CancellationToken) {
    closing.cancelled().await;
    sleep(CLOSING_SILENCE).await;
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
