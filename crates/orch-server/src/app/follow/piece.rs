//! Some lines as they go out: one allocation that all readers of a run share.

use std::sync::Arc;

use bytes::Bytes;
use orch_store::log::Numbered;

/// A piece is ended when it has so many bytes.
const PIECE_BYTES: usize = 16 * 1024;

/// How lines are written.
#[derive(Debug)]
pub struct Render {
    /// Tells one way from the others.
    pub name: &'static str,
    /// Adds a line.
    pub line: fn(Numbered, &mut Vec<u8>),
}

/// Lines that follow each other, written down.
#[derive(Debug)]
pub struct Piece {
    bytes: Bytes,
    /// The number of each line, and where it ends.
    lines: Box<[(u64, usize)]>,
}

impl Piece {
    /// Writes lines down, in pieces that no reader is too slow to keep one of.
    pub fn of(render: &Render, lines: Vec<Numbered>) -> Vec<Arc<Self>> {
        let mut pieces = Vec::new();
        let mut text = Vec::new();
        let mut ends = Vec::new();
        let mut lines = lines.into_iter().peekable();
        while let Some(numbered) = lines.next() {
            let seq = numbered.seq;
            (render.line)(numbered, &mut text);
            ends.push((seq, text.len()));
            if text.len() >= PIECE_BYTES || lines.peek().is_none() {
                pieces.push(Arc::new(Self {
                    // Of exactly its size: what is spare would be kept by every reader.
                    bytes: Bytes::from(std::mem::take(&mut text).into_boxed_slice()),
                    lines: std::mem::take(&mut ends).into_boxed_slice(),
                }));
            }
        }
        pieces
    }

    /// What it takes in memory.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len() + self.lines.len() * size_of::<(u64, usize)>()
    }

    /// The number of its last line.
    pub fn last(&self) -> u64 {
        self.lines.last().map_or(0, |(seq, _)| *seq)
    }

    /// Its lines from number `from` on, written one behind the other.
    pub fn bytes_from(&self, from: u64) -> Bytes {
        let skipped = self.lines.partition_point(|(seq, _)| *seq < from);
        self.bytes.slice(self.begin(skipped)..)
    }

    /// Its lines from number `from` on, one by one.
    pub fn lines_from(&self, from: u64) -> impl Iterator<Item = Bytes> {
        let skipped = self.lines.partition_point(|(seq, _)| *seq < from);
        (skipped..self.lines.len()).map(|n| self.bytes.slice(self.begin(n)..self.lines[n].1))
    }

    fn begin(&self, line: usize) -> usize {
        line.checked_sub(1).map_or(0, |before| self.lines[before].1)
    }
}

#[cfg(test)]
mod tests {
    use orch_core::time::Timestamp;
    use orch_store::log;
    use orch_store::segment::Stream;

    use super::*;

    #[test]
    fn pieces_are_small_and_give_every_line_once() {
        let render = Render {
            name: "plain",
            line: |numbered, out| out.extend_from_slice(numbered.line.message.as_bytes()),
        };
        let numbered = |seq: u64| Numbered {
            seq,
            line: log::line(
                Timestamp::from_micros(0),
                Stream::Stdout,
                format!("{seq:0100}"),
            ),
        };
        let pieces = Piece::of(&render, (5..1005).map(numbered).collect());
        assert!(
            pieces
                .iter()
                .all(|piece| piece.bytes.len() < PIECE_BYTES + 100)
        );
        let all: Vec<u8> = pieces
            .iter()
            .flat_map(|piece| piece.bytes_from(0))
            .collect();
        let expected: String = (5..1005).map(|seq| format!("{seq:0100}")).collect();
        assert_eq!(all, expected.as_bytes());
        let last = pieces.last().unwrap();
        assert_eq!(last.last(), 1004);
        assert_eq!(last.bytes_from(1004), format!("{:0100}", 1004));
        let two: Vec<Bytes> = last.lines_from(1003).collect();
        assert_eq!(two, [format!("{:0100}", 1003), format!("{:0100}", 1004)]);
        assert_eq!(last.bytes_from(1005), "");
    }
}
