//! Server-sent events as they come in pieces: whole events out, bounded.
//!
//! Follows the "event stream interpretation" of the HTML standard, as far as models use it: `data:` lines of
//! one event are joined, comments and other fields passed over, and lines may end by LF, CR or both.

use crate::LARGEST_ANSWER_BYTES;

/// Gathers bytes to events.
#[derive(Debug, Default)]
pub(crate) struct Events {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    after_cr: bool,
}

/// An event is larger than anybody reads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Events {
    /// Takes a piece and hands out the data of events that are whole now.
    pub(crate) fn push(&mut self, piece: &[u8], out: &mut Vec<Vec<u8>>) -> Result<(), TooLong> {
        for &byte in piece {
            let was_cr = std::mem::take(&mut self.after_cr);
            match byte {
                b'\n' if was_cr => {}
                b'\n' | b'\r' => {
                    self.after_cr = byte == b'\r';
                    self.end_line(out);
                }
                byte => self.line.push(byte),
            }
            if self.line.len() + self.data.len() > LARGEST_ANSWER_BYTES {
                return Err(TooLong);
            }
        }
        Ok(())
    }

    fn end_line(&mut self, out: &mut Vec<Vec<u8>>) {
        if self.line.is_empty() {
            if std::mem::take(&mut self.has_data) {
                out.push(std::mem::take(&mut self.data));
            }
            return;
        }
        if let Some(value) = self.line.strip_prefix(b"data:") {
            if self.has_data {
                self.data.push(b'\n');
            }
            self.has_data = true;
            self.data
                .extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
        }
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let (mut events, mut out) = (Events::default(), Vec::new());
        for piece in pieces {
            events.push(piece, &mut out).unwrap();
        }
        out.into_iter()
            .map(|data| String::from_utf8(data).unwrap())
            .collect()
    }

    #[test]
    fn data_of_one_event_is_joined_and_other_fields_are_passed_over() {
        let said = read(&[b": hello\nevent: x\ndata: a\ndata:b\nid: 1\n\n\ndata: c\r\n\r\nretry: 3\n\ndata: unfinished\n"]);
        assert_eq!(said, ["a\nb", "c"]);
    }

    proptest! {
        #[test]
        fn where_a_piece_ends_changes_nothing(cuts in proptest::collection::vec(0_usize..60, 0..6)) {
            let text = "data: ä\r\n\r\ndata: {\"x\":1}\n\n:c\n\ndata: 2\rdata: 3\r\r".as_bytes();
            let whole = read(&[text]);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            let (mut from, mut pieces) = (0, Vec::new());
            for cut in cuts {
                pieces.push(&text[from..cut]);
                from = cut;
            }
            pieces.push(&text[from..]);
            prop_assert_eq!(read(&pieces), whole);
        }
    }

    #[test]
    fn an_endless_event_is_given_up() {
        let (mut events, mut out) = (Events::default(), Vec::new());
        let piece = vec![b'x'; 1 << 20];
        let ended = (0..20).find_map(|_| events.push(&piece, &mut out).err());
        assert_eq!(ended, Some(TooLong));
    }
}
