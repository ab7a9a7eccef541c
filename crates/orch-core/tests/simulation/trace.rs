//! The trace: everything that happened, as lines that are hashed and whose last ones are kept.

use std::collections::VecDeque;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

const KEPT: usize = 80;

pub struct Trace {
    hash: Sha256,
    last: VecDeque<String>,
    /// `SIM_TRACE=1`: print every line as it comes.
    pub loud: bool,
    pub lines: u64,
}

impl Trace {
    pub fn new(loud: bool) -> Self {
        Self {
            hash: Sha256::new(),
            last: VecDeque::with_capacity(KEPT),
            loud,
            lines: 0,
        }
    }

    pub fn add(&mut self, at_us: i64, what: std::fmt::Arguments<'_>) {
        let mut line = if self.last.len() < KEPT {
            String::new()
        } else {
            self.last.pop_front().unwrap_or_default()
        };
        line.clear();
        // Writing to a string cannot fail.
        let _ = write!(line, "{at_us} {what}");
        self.hash.update(line.as_bytes());
        self.hash.update(b"\n");
        if self.loud {
            println!("{line}");
        }
        self.last.push_back(line);
        self.lines += 1;
    }

    pub fn hash(&self) -> String {
        hex::encode(self.hash.clone().finalize())
    }

    pub fn last_lines(&self) -> String {
        self.last.iter().fold(String::new(), |mut all, line| {
            all.push_str(line);
            all.push('\n');
            all
        })
    }
}
