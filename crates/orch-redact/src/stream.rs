//! Redacting what comes in pieces: a step's lines, and bytes of any kind.
//!
//! Holds back what may be the beginning of a secret until it is known. Nothing is lost: the end gives
//! what is held.

use std::sync::Arc;

use super::{Redactor, scan::Over};

/// So many lines are held back at most, for a secret that goes over their ends.
const MOST_LINES: usize = 1024;

/// Redacts one stream of lines, each of which may come in pieces; `T` is what belongs to a line
/// beside its text.
pub struct StreamRedactor<T> {
    redactor: Arc<Redactor>,
    /// The end of what is out already, as it was: a secret may have begun there.
    before: Vec<u8>,
    /// Whole lines that a secret may go on after.
    lines: Vec<(T, String)>,
    /// So many of them are known to be gone on after.
    looked_at: usize,
    /// The beginning of a line whose end has not come.
    piece: Vec<u8>,
}

impl<T> StreamRedactor<T> {
    pub fn new(redactor: Arc<Redactor>) -> Self {
        Self {
            redactor,
            before: Vec::new(),
            lines: Vec::new(),
            looked_at: 0,
            piece: Vec::new(),
        }
    }

    /// A whole line, or the last piece of one. It is told with what is [`known`](Self::known): to look
    /// once after many lines costs hardly more than after one.
    pub fn end_line(&mut self, with: T, text: String) {
        let text = match self.piece.is_empty() {
            true => text,
            false => {
                self.piece.extend_from_slice(text.as_bytes());
                text_of(std::mem::take(&mut self.piece))
            }
        };
        self.lines.push((with, text));
    }

    /// The lines that are known to the end: those up to the last one that no secret goes on after.
    pub fn known(&mut self) -> Vec<(T, String)> {
        if self.redactor.is_idle() {
            return std::mem::take(&mut self.lines);
        }
        let mut held_bytes = 0;
        for end in (self.looked_at + 1..=self.lines.len()).rev() {
            if !self.redactor.may_go_on(&self.in_sight(end)) {
                return self.flush(end);
            }
            held_bytes += self.lines[end - 1].1.len() + 1;
            if self.lines.len() - end >= MOST_LINES || held_bytes > self.most_held_bytes() {
                return self.flush(self.lines.len());
            }
        }
        self.looked_at = self.lines.len();
        let held_bytes: usize = self.lines.iter().map(|(_, text)| text.len() + 1).sum();
        match self.lines.len() > MOST_LINES || held_bytes > self.most_held_bytes() {
            true => self.flush(self.lines.len()),
            false => Vec::new(),
        }
    }

    fn most_held_bytes(&self) -> usize {
        4 * self.redactor.widest()
    }

    /// A piece of a line; what may be the beginning of a secret is held back for the next piece.
    /// Lines that were held come before it.
    pub fn piece(&mut self, text: String) -> (Vec<(T, String)>, String) {
        if self.redactor.is_idle() {
            return (Vec::new(), text);
        }
        self.piece.extend_from_slice(text.as_bytes());
        let Some(ready) = self.piece.len().checked_sub(self.redactor.widest()) else {
            return (Vec::new(), String::new());
        };
        let lines = self.flush(self.lines.len());
        let begins_character = |at: &usize| {
            let byte = self.piece.get(*at).copied().unwrap_or_default();
            byte & 0xC0 != 0x80
        };
        let cut = (0..=ready).rev().find(begins_character).unwrap_or(0);
        let from = self.before.len();
        let all = [self.before.as_slice(), &self.piece].concat();
        let (redacted, stop) = self
            .redactor
            .redact_span(&all, from, from + cut, Over::Passes);
        let redacted = text_of(redacted.into_owned());
        self.piece.drain(..stop - from);
        // What it was is gone; whatever stood there was looked at with what is to come.
        self.before.clear();
        (lines, redacted)
    }

    /// What is held, at the end of the stream: whole lines, and one that was cut off.
    pub fn finish(mut self) -> (Vec<(T, String)>, Option<String>) {
        if self.redactor.is_idle() {
            return (self.lines, None);
        }
        let lines = self.flush(self.lines.len());
        if self.piece.is_empty() {
            return (lines, None);
        }
        let all = [self.before.as_slice(), &self.piece].concat();
        let (from, to) = (self.before.len(), all.len());
        let (rest, _) = self.redactor.redact_span(&all, from, to, Over::Stops);
        (lines, Some(text_of(rest.into_owned())))
    }

    /// The end of what was before and of so many lines; as much as a secret may take.
    fn in_sight(&self, lines: usize) -> Vec<u8> {
        let mut left = self.redactor.widest();
        let mut parts = Vec::new();
        for (at, (_, line)) in self.lines[..lines].iter().enumerate().rev() {
            parts.push(&line.as_bytes()[line.len().saturating_sub(left)..]);
            left = left.saturating_sub(line.len());
            if left == 0 {
                break;
            }
            if at > 0 {
                parts.push(b"\n");
                left -= 1;
            }
        }
        parts.push(&self.before[self.before.len().saturating_sub(left)..]);
        parts.reverse();
        parts.concat()
    }

    /// So many lines, redacted in sight of what was before them and of all that came after.
    fn flush(&mut self, lines: usize) -> Vec<(T, String)> {
        if lines == 0 {
            return Vec::new();
        }
        let rest = self.lines.split_off(lines);
        let (with, texts): (Vec<T>, Vec<String>) =
            std::mem::replace(&mut self.lines, rest).into_iter().unzip();
        self.looked_at = self.lines.len();
        let from = self.before.len();
        let mut all = std::mem::take(&mut self.before);
        all.extend_from_slice(texts.join("\n").as_bytes());
        let cut = all.len();
        all.push(b'\n');
        for (_, line) in &self.lines {
            all.extend_from_slice(line.as_bytes());
            all.push(b'\n');
        }
        all.extend_from_slice(&self.piece);
        let (redacted, _) = self.redactor.redact_span(&all, from, cut, Over::Stops);
        let redacted = text_of(redacted.into_owned());
        self.before = self.redactor.tail(&all[..=cut]);
        // There are as many as before: a mask keeps the line ends that it covers.
        with.into_iter()
            .zip(redacted.split('\n').map(str::to_owned))
            .collect()
    }
}

fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Redacts bytes of any kind that come in pieces, such as an artifact on its way out.
pub struct ByteRedactor {
    redactor: Arc<Redactor>,
    held: Vec<u8>,
}

impl ByteRedactor {
    #[must_use]
    pub fn new(redactor: Arc<Redactor>) -> Self {
        Self {
            redactor,
            held: Vec::new(),
        }
    }

    /// Takes a piece; answers what is known to the end.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.redactor.is_idle() {
            return bytes.to_vec();
        }
        self.held.extend_from_slice(bytes);
        // Each byte is looked at a few times only, however small the pieces are.
        if self.held.len() < 2 * self.redactor.widest() {
            return Vec::new();
        }
        let cut = self.held.len() - self.redactor.widest();
        let (redacted, stop) = self.redactor.redact_span(&self.held, 0, cut, Over::Passes);
        let redacted = redacted.into_owned();
        self.held.drain(..stop);
        redacted
    }

    /// The rest.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.redactor.redact_bytes(&self.held).into_owned()
    }
}

/// Redacts a text that is shown as it comes: held back is only what may be the beginning of a secret.
pub struct TextRedactor {
    redactor: Arc<Redactor>,
    held: Vec<u8>,
}

impl TextRedactor {
    #[must_use]
    pub fn new(redactor: Arc<Redactor>) -> Self {
        Self {
            redactor,
            held: Vec::new(),
        }
    }

    /// Takes a piece; answers what is known to the end.
    pub fn push(&mut self, piece: &str) -> String {
        if self.redactor.is_idle() {
            return piece.to_owned();
        }
        self.held.extend_from_slice(piece.as_bytes());
        let widest = self.redactor.widest();
        let ready = match self.redactor.may_go_on(&self.held) {
            // Each byte is looked at a few times only, however small the pieces are.
            true if self.held.len() < 2 * widest => return String::new(),
            true => self.held.len() - widest,
            false => self.held.len() - self.redactor.tail(&self.held).len(),
        };
        let begins_character = |at: &usize| {
            let byte = self.held.get(*at).copied().unwrap_or_default();
            byte & 0xC0 != 0x80
        };
        let cut = (0..=ready).rev().find(begins_character).unwrap_or(0);
        let (redacted, stop) = self.redactor.redact_span(&self.held, 0, cut, Over::Passes);
        let redacted = text_of(redacted.into_owned());
        self.held.drain(..stop);
        redacted
    }

    /// What is held, at the end of the text or where it is known to go on otherwise.
    pub fn rest(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        text_of(self.redactor.redact_bytes(&held).into_owned())
    }
}
