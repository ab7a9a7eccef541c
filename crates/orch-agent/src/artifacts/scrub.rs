//! Bytes in, bytes without secrets out, however they come in pieces.
//!
//! Text is cleaned wherever it stands, also between bytes that are no text. What is packed or
//! compressed is not opened.

use crate::redact::{Redactor, StreamRedactor};

/// Cleans one file.
pub(super) struct Scrubber<'r> {
    stream: StreamRedactor<'r>,
    /// The beginning of a character whose end has not come.
    open: Vec<u8>,
}

impl<'r> Scrubber<'r> {
    pub(super) fn new(redactor: &'r Redactor) -> Self {
        Self {
            stream: StreamRedactor::new(redactor),
            open: Vec::new(),
        }
    }

    /// Takes bytes; gives what is sure to be clean, and keeps the rest for later.
    pub(super) fn piece(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut input = std::mem::take(&mut self.open);
        input.extend_from_slice(bytes);
        let mut clean = Vec::with_capacity(input.len());
        let mut rest = input.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    clean.extend(self.stream.piece(text.to_owned()).into_bytes());
                    return clean;
                }
                Err(error) => {
                    let (text, after) = rest.split_at(error.valid_up_to());
                    let text = String::from_utf8_lossy(text).into_owned();
                    clean.extend(self.stream.piece(text).into_bytes());
                    let Some(length) = error.error_len() else {
                        self.open = after.to_vec();
                        return clean;
                    };
                    // No secret goes over what is no text.
                    clean.extend(self.stream.end_line(String::new()).into_bytes());
                    let (no_text, after) = after.split_at(length);
                    clean.extend_from_slice(no_text);
                    rest = after;
                }
            }
        }
    }

    /// The rest, at the file's end.
    pub(super) fn end(mut self) -> Vec<u8> {
        let mut clean = self.stream.end_line(String::new()).into_bytes();
        clean.extend(self.open);
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_cleaned_wherever_pieces_end_and_other_bytes_stay() {
        let redactor = Redactor::new(["s3cr3t-value-1"]);
        let file =
            b"\xff\x00head s3cr3t-value-1 \xf0\x9f\x98\x80 tail\xc3\xfes3cr3t-value-1\n".as_slice();
        let clean = b"\xff\x00head *** \xf0\x9f\x98\x80 tail\xc3\xfe***\n".as_slice();
        for size in 1..=file.len() {
            let mut scrubber = Scrubber::new(&redactor);
            let mut out = Vec::new();
            for piece in file.chunks(size) {
                out.extend(scrubber.piece(piece));
            }
            out.extend(scrubber.end());
            assert_eq!(out, clean, "pieces of {size}");
        }
        let mut plain = Scrubber::new(&redactor);
        assert_eq!(
            [plain.piece(b"\xe2\x82"), plain.end()].concat(),
            b"\xe2\x82"
        );
    }
}
