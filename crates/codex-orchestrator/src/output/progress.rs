//! How far a long step is: one line of standard error that is drawn over, for people at a terminal alone.

use std::time::{Duration, Instant};

use console::Term;

/// What takes less shows nothing.
const DRAWN_AFTER: Duration = Duration::from_millis(300);
const DRAWN_EVERY: Duration = Duration::from_millis(100);
const WIDTH: u64 = 30;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Parts,
    /// Told in MiB behind the percentage.
    Bytes,
}

/// One step; its line goes with it.
pub struct Progress {
    term: Option<Term>,
    what: String,
    whole: u64,
    unit: Unit,
    next: Instant,
    drawn: bool,
}

impl Progress {
    /// Begins `what`, which has so many parts; 0 where nobody knows.
    pub fn begin(what: impl Into<String>, whole: u64) -> Self {
        Self::of(what.into(), whole, Unit::Parts)
    }

    /// Begins `what`, which is so many bytes.
    pub fn bytes(what: impl Into<String>, whole: u64) -> Self {
        Self::of(what.into(), whole, Unit::Bytes)
    }

    fn of(what: String, whole: u64, unit: Unit) -> Self {
        let term = Term::stderr();
        Self {
            term: term.is_term().then_some(term),
            what,
            whole,
            unit,
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
        let _ = term.write_str(&line(&self.what, done, self.whole, self.unit));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let (true, Some(term)) = (self.drawn, &self.term) {
            let _ = term.clear_line();
        }
    }
}

fn line(what: &str, done: u64, whole: u64, unit: Unit) -> String {
    if whole == 0 {
        return format!("{what}: {done}");
    }
    let done = done.min(whole);
    let full = (done * WIDTH / whole) as usize;
    let empty = WIDTH as usize - full;
    let (bar, rest) = ("#".repeat(full), "-".repeat(empty));
    let bytes = match unit {
        Unit::Parts => String::new(),
        Unit::Bytes => format!(", {} of {} MiB", tenths(done), tenths(whole)),
    };
    format!("{what} [{bar}{rest}] {} %{bytes}", done * 100 / whole)
}

/// Mebibytes with one digit behind the point.
fn tenths(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    format!("{}.{}", bytes / MIB, bytes % MIB * 10 / MIB)
}

#[cfg(test)]
mod tests {
    use super::{Unit, line};

    #[test]
    fn a_line_shows_the_part_that_is_done() {
        assert_eq!(line("packing", 7, 0, Unit::Parts), "packing: 7");
        let half = format!("packing [{}{}] 50 %", "#".repeat(15), "-".repeat(15));
        assert_eq!(line("packing", 5, 10, Unit::Parts), half);
        assert!(line("packing", 11, 10, Unit::Parts).ends_with("] 100 %"));
        let sent = line("sending", 3 << 19, 3 << 20, Unit::Bytes);
        assert!(sent.ends_with("] 50 %, 1.5 of 3.0 MiB"), "{sent}");
    }
}
