//! How far a long step is: one line of standard error that is drawn over, for people at a terminal alone.

use std::time::{Duration, Instant};

use console::Term;

/// What takes less shows nothing.
const DRAWN_AFTER: Duration = Duration::from_millis(300);
const DRAWN_EVERY: Duration = Duration::from_millis(100);
const WIDTH: u64 = 30;

/// One step; its line goes with it.
pub struct Progress {
    term: Option<Term>,
    what: String,
    whole: u64,
    next: Instant,
    drawn: bool,
}

impl Progress {
    /// Begins `what`, which has so many parts; 0 where nobody knows.
    pub fn begin(what: impl Into<String>, whole: u64) -> Self {
        let term = Term::stderr();
        Self {
            term: term.is_term().then_some(term),
            what: what.into(),
            whole,
            next: Instant::now() + DRAWN_AFTER,
            drawn: false,
        }
    }

    /// So many parts are done.
    pub fn at(&mut self, done: u64) {
        let Some(term) = &self.term else {
            return;
        };
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + DRAWN_EVERY;
        self.drawn = true;
        // A line that cannot be drawn is no reason to fail.
        let _ = term.clear_line();
        let _ = term.write_str(&line(&self.what, done, self.whole));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let (true, Some(term)) = (self.drawn, &self.term) {
            let _ = term.clear_line();
        }
    }
}

fn line(what: &str, done: u64, whole: u64) -> String {
    if whole == 0 {
        return format!("{what}: {done}");
    }
    let done = done.min(whole);
    let full = (done * WIDTH / whole) as usize;
    let empty = WIDTH as usize - full;
    let (bar, rest) = ("#".repeat(full), "-".repeat(empty));
    format!("{what} [{bar}{rest}] {} %", done * 100 / whole)
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_line_shows_the_part_that_is_done() {
        assert_eq!(line("packing", 7, 0), "packing: 7");
        let half = format!("packing [{}{}] 50 %", "#".repeat(15), "-".repeat(15));
        assert_eq!(line("packing", 5, 10), half);
        assert!(line("packing", 11, 10).ends_with("] 100 %"));
    }
}
