//! Counting the tokens of a run where its answers pass by, so that the request after the last one that
//! the budget has room for is not sent.
//!
//! Pure but for the count itself. What is no event of an answer is passed over.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

/// A longer line is no event that is counted.
const MOST_LINE_BYTES: usize = 16 * 1024 * 1024;

/// What a run has used, of what it may use.
#[derive(Debug)]
pub(super) struct Meter {
    budget: Option<u64>,
    used: AtomicU64,
}

impl Meter {
    pub(super) fn new(budget: Option<u64>, used: u64) -> Self {
        Self {
            budget,
            used: AtomicU64::new(used),
        }
    }

    /// The budget, where it is used up.
    pub(super) fn used_up(&self) -> Option<u64> {
        let used = self.used.load(Ordering::Relaxed);
        self.budget.filter(|budget| used > *budget)
    }

    fn count(&self, tokens: u64) {
        self.used.fetch_add(tokens, Ordering::Relaxed);
    }
}

/// An answer under way.
pub(super) struct Passing<M> {
    meter: M,
    line: Vec<u8>,
    is_too_long: bool,
}

impl<M: AsRef<Meter>> Passing<M> {
    pub(super) fn new(meter: M) -> Self {
        Self {
            meter,
            line: Vec::new(),
            is_too_long: false,
        }
    }

    /// Looks at the next bytes of it.
    pub(super) fn see(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + piece.len() > MOST_LINE_BYTES {
                self.is_too_long = true;
                self.line = Vec::new();
            }
            if !self.is_too_long {
                self.line.extend_from_slice(piece);
            }
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                if !std::mem::take(&mut self.is_too_long) {
                    self.meter.as_ref().count(tokens(&line));
                }
            }
        }
    }
}

/// What a line of an answer says that it has cost.
fn tokens(line: &[u8]) -> u64 {
    let Some(data) = line.strip_prefix(b"data:") else {
        return 0;
    };
    let Ok(event) = serde_json::from_slice::<Value>(data) else {
        return 0;
    };
    let is_last = matches!(
        event["type"].as_str(),
        Some("response.completed" | "response.incomplete" | "response.failed")
    );
    if !is_last {
        return 0;
    }
    let usage = &event["response"]["usage"];
    let count = |name: &str| usage[name].as_u64().unwrap_or_default();
    count("input_tokens").saturating_add(count("output_tokens"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const ANSWER: &str = "event: response.created\ndata: {\"type\":\"response.created\"}\n\n\
        event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"usage\":\
        {\"input_tokens\":1000,\"output_tokens\":50}}}\n\n";

    #[test]
    fn an_answer_is_counted_however_it_is_cut() {
        for size in [1, 7, 64, 4096] {
            let meter = Arc::new(Meter::new(Some(2000), 0));
            for n in 1..=2 {
                let mut passing = Passing::new(Arc::clone(&meter));
                for piece in ANSWER.as_bytes().chunks(size) {
                    passing.see(piece);
                }
                assert_eq!(meter.used_up(), (n == 2).then_some(2000), "{size}");
            }
        }
        assert_eq!(Meter::new(None, u64::MAX).used_up(), None);
    }

    #[test]
    fn other_text_counts_nothing_and_holds_no_memory() {
        let meter = Arc::new(Meter::new(Some(0), 0));
        let mut passing = Passing::new(Arc::clone(&meter));
        passing.see(
            b"data: {\"type\":\"other\",\"response\":{\"usage\":{\"input_tokens\":9}}}\ndata: {\n",
        );
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..40 {
            passing.see(&piece);
            assert!(passing.line.len() <= MOST_LINE_BYTES);
        }
        passing.see(b"\n");
        assert_eq!(meter.used_up(), None);
        passing.see(ANSWER.as_bytes());
        assert_eq!(meter.used_up(), Some(0));
    }
}
