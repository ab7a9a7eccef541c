//! Cutting a stream of bytes into lines of bounded length that are safe to show.
//!
//! Pure: bytes in, pieces out, nothing kept beyond one piece. Never drops a byte: what is not UTF-8
//! is written as `\xNN`, and the bytes can be had back from what was written.

use std::fmt;

use jiff::Timestamp;

/// A longer line is cut into pieces of at most this many bytes of output. In an escaped piece each
/// byte may take four characters.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// A piece may be held up to here before it is cut, so that a line of exactly the maximal length
/// and its CR LF stay one piece.
const MAX_PENDING_BYTES: usize = MAX_LINE_BYTES + 2;

/// Which of a process's two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// The standard output.
    Stdout,
    /// The standard error output.
    Stderr,
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        })
    }
}

/// How the bytes of a piece became its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// The bytes were UTF-8 without NUL: the text is what was written.
    Verbatim,
    /// Bytes that are not UTF-8, and NULs, stand as `\xNN`; a backslash that would read as the
    /// beginning of such an escape stands as `\x5c`.
    Escaped,
}

/// One line of output, or one piece of a long one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it was written.
    pub stream: Stream,
    /// When it was read.
    pub at: Timestamp,
    /// The text, without its line end (LF or CR LF).
    pub message: String,
    /// How to read `message`.
    pub encoding: Encoding,
    /// Whether the line goes on in the stream's next piece.
    pub partial: bool,
}

impl Line {
    /// A line of text that is not the command's own.
    pub fn whole(stream: Stream, at: Timestamp, message: String) -> Self {
        Self {
            stream,
            at,
            message,
            encoding: Encoding::Verbatim,
            partial: false,
        }
    }
}

/// A line or a piece of one, not yet told its stream and time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) message: String,
    pub(super) encoding: Encoding,
    pub(super) partial: bool,
}

/// Cuts one stream into pieces.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    pending: Vec<u8>,
}

impl Splitter {
    /// The next piece that is complete, taking bytes off the front of `input`; `None` when all of
    /// `input` is taken and more is needed.
    pub(super) fn next(&mut self, input: &mut &[u8]) -> Option<Piece> {
        let room = MAX_PENDING_BYTES - self.pending.len();
        let window = &input[..input.len().min(room)];
        let Some(end) = window.iter().position(|byte| *byte == b'\n') else {
            self.pending.extend_from_slice(window);
            *input = &input[window.len()..];
            return (self.pending.len() == MAX_PENDING_BYTES).then(|| self.cut());
        };
        self.pending.extend_from_slice(&window[..end]);
        *input = &input[end..];
        let length = self.pending.len() - usize::from(self.pending.ends_with(b"\r"));
        if length > MAX_LINE_BYTES {
            // The line end stays in `input` and finishes the rest of the line in the next call.
            return Some(self.cut());
        }
        *input = &input[1..];
        self.pending.truncate(length);
        Some(self.finish_line())
    }

    /// What is left when the stream has ended; call until `None`.
    pub(super) fn rest(&mut self) -> Option<Piece> {
        match self.pending.len() {
            0 => None,
            length if length > MAX_LINE_BYTES => Some(self.cut()),
            _ => Some(self.finish_line()),
        }
    }

    fn finish_line(&mut self) -> Piece {
        let piece = piece(&self.pending, false);
        self.pending.clear();
        piece
    }

    fn cut(&mut self) -> Piece {
        let at = char_boundary(&self.pending, MAX_LINE_BYTES);
        let piece = piece(&self.pending[..at], true);
        self.pending.drain(..at);
        piece
    }
}

fn piece(bytes: &[u8], partial: bool) -> Piece {
    let (message, encoding) = text(bytes);
    Piece {
        message,
        encoding,
        partial,
    }
}

/// The largest index up to `at` that does not lie within a UTF-8 character; `at` where the bytes
/// around it are no UTF-8.
fn char_boundary(bytes: &[u8], at: usize) -> usize {
    let is_continuation = |index: &usize| bytes[*index] & 0xC0 == 0x80;
    (at - 3..=at)
        .rev()
        .find(|index| !is_continuation(index))
        .unwrap_or(at)
}

fn text(bytes: &[u8]) -> (String, Encoding) {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => (text.to_owned(), Encoding::Verbatim),
        Ok(_) | Err(_) => (escape(bytes), Encoding::Escaped),
    }
}

fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid();
        for (index, character) in valid.char_indices() {
            if character == '\0' {
                push_escape(&mut text, 0);
            } else if character == '\\' && reads_as_escape(&valid.as_bytes()[index..]) {
                push_escape(&mut text, b'\\');
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            push_escape(&mut text, *byte);
        }
    }
    text
}

fn reads_as_escape(bytes: &[u8]) -> bool {
    matches!(bytes, [b'\\', b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

fn push_escape(text: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    text.push_str("\\x");
    for nibble in [byte >> 4, byte & 0xF] {
        text.push(char::from(DIGITS[usize::from(nibble)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `bytes` in chunks of each of several sizes; the pieces must not depend on it.
    fn split(bytes: &[u8]) -> Vec<Piece> {
        let results = [1, 7, 4096, 65536, usize::MAX].map(|size| {
            let mut splitter = Splitter::default();
            let mut pieces = Vec::new();
            for mut chunk in bytes.chunks(size.min(bytes.len().max(1))) {
                while !chunk.is_empty() {
                    pieces.extend(splitter.next(&mut chunk));
                    assert!(splitter.pending.len() <= MAX_PENDING_BYTES);
                }
            }
            pieces.extend(std::iter::from_fn(|| splitter.rest()));
            pieces
        });
        let [first, others @ ..] = results;
        for other in others {
            assert_eq!(first, other);
        }
        first
    }

    fn whole(message: &str) -> Piece {
        Piece {
            message: message.to_owned(),
            encoding: Encoding::Verbatim,
            partial: false,
        }
    }

    fn escaped(message: &str) -> Piece {
        Piece {
            encoding: Encoding::Escaped,
            ..whole(message)
        }
    }

    /// The bytes an escaped message stands for.
    fn unescape(message: &str) -> Vec<u8> {
        let mut rest = message.as_bytes();
        let mut bytes = Vec::new();
        while let [first, tail @ ..] = rest {
            if reads_as_escape(rest) {
                bytes.push(u8::from_str_radix(&message_at(rest), 16).unwrap());
                rest = &rest[4..];
            } else {
                bytes.push(*first);
                rest = tail;
            }
        }
        bytes
    }

    fn message_at(rest: &[u8]) -> String {
        String::from_utf8(rest[2..4].to_vec()).unwrap()
    }

    #[test]
    fn lines_end_at_lf_and_cr_lf_and_a_last_line_needs_none() {
        assert_eq!(
            split(b"one\ntwo\r\n\n\r\nover\rwritten\nlast"),
            ["one", "two", "", "", "over\rwritten", "last"].map(whole)
        );
        assert_eq!(split(b""), []);
        assert_eq!(split(b"kept\r"), [whole("kept\r")]);
    }

    #[test]
    fn bytes_that_are_not_utf8_and_nuls_are_escaped() {
        assert_eq!(
            split(b"ok \xc3\xa4\nbad \xff\xc3(\nnul \0.\n\\x41\n\\x41 \xfe\\\n"),
            [
                whole("ok ä"),
                escaped("bad \\xff\\xc3("),
                escaped("nul \\x00."),
                whole("\\x41"),
                escaped("\\x5cx41 \\xfe\\"),
            ]
        );
    }

    #[test]
    fn escaping_loses_nothing() {
        let all: Vec<u8> = (0..=u16::MAX)
            .flat_map(u16::to_be_bytes)
            .chain(*b"\\x00\\xff\\\\x41\\x4\xff\\x\x00")
            .collect();
        assert_eq!(unescape(&escape(&all)), all);
    }

    #[test]
    fn a_long_line_is_cut_and_only_its_last_piece_is_final() {
        let lengths = |bytes: &[u8]| -> Vec<(usize, bool)> {
            split(bytes)
                .into_iter()
                .map(|piece| (piece.message.len(), piece.partial))
                .collect()
        };
        let line = |length: usize, end: &str| [&vec![b'a'; length], end.as_bytes()].concat();
        let max = MAX_LINE_BYTES;
        assert_eq!(lengths(&line(max, "\n")), [(max, false)]);
        assert_eq!(lengths(&line(max, "\r\n")), [(max, false)]);
        assert_eq!(lengths(&line(max, "")), [(max, false)]);
        assert_eq!(lengths(&line(max + 1, "\n")), [(max, true), (1, false)]);
        assert_eq!(lengths(&line(max + 1, "\r\n")), [(max, true), (1, false)]);
        assert_eq!(lengths(&line(max + 1, "")), [(max, true), (1, false)]);
        assert_eq!(
            lengths(&line(max * 2 + 5, "\nb\n")),
            [(max, true), (max, true), (5, false), (1, false)]
        );
    }

    #[test]
    fn a_cut_does_not_fall_into_a_character() {
        for shift in 0..4 {
            let text = "x".repeat(shift) + &"\u{1F600}".repeat(MAX_LINE_BYTES / 2);
            let pieces = split(text.as_bytes());
            assert!(
                pieces
                    .iter()
                    .all(|piece| piece.encoding == Encoding::Verbatim)
            );
            let joined: String = pieces.into_iter().map(|piece| piece.message).collect();
            assert_eq!(joined, text);
        }
    }

    #[test]
    fn binary_is_cut_without_loss() {
        let bytes = vec![0x80; MAX_LINE_BYTES * 2 + 7];
        let pieces = split(&bytes);
        assert_eq!(pieces.len(), 3);
        let joined: Vec<u8> = pieces
            .iter()
            .flat_map(|piece| unescape(&piece.message))
            .collect();
        assert_eq!(joined, bytes);
    }

    #[test]
    fn a_line_of_a_hundred_megabytes_is_held_one_piece_at_a_time() {
        let mut splitter = Splitter::default();
        let chunk = vec![b'a'; 1 << 20];
        let mut length = 0;
        for _ in 0..100 {
            let mut input = chunk.as_slice();
            while !input.is_empty() {
                length += splitter
                    .next(&mut input)
                    .map_or(0, |piece| piece.message.len());
            }
            assert!(splitter.pending.capacity() <= 4 * MAX_PENDING_BYTES);
        }
        length += std::iter::from_fn(|| splitter.rest())
            .map(|piece| piece.message.len())
            .sum::<usize>();
        assert_eq!(length, 100 << 20);
    }
}
