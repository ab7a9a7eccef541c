//! Coverage as lcov writes it: `LF`/`LH` of each file, else its `DA` lines.

use super::{Report, percent};

pub(super) fn read(bytes: &[u8]) -> Result<Option<Report>, String> {
    let (mut lines, mut covered, mut records) = (0_u64, 0_u64, 0_u64);
    let mut file = File::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii_end();
        if line == b"end_of_record" {
            let (found, hit) = file.sums();
            lines = lines.saturating_add(found);
            covered = covered.saturating_add(hit);
            records += 1;
            file = File::default();
        } else if let Some(rest) = line.strip_prefix(b"LF:") {
            file.found = number(rest);
        } else if let Some(rest) = line.strip_prefix(b"LH:") {
            file.hit = number(rest);
        } else if let Some(rest) = line.strip_prefix(b"DA:") {
            let mut parts = rest.split(|byte| *byte == b',');
            let count = parts.nth(1).and_then(number);
            let count = count.ok_or("a `DA:` line has no count")?;
            file.lines += 1;
            file.ran += u64::from(count > 0);
        }
    }
    Ok((records > 0).then(|| Report::Coverage {
        source: "lcov",
        lines,
        covered,
        percent: percent(covered, lines),
    }))
}

#[derive(Default)]
struct File {
    found: Option<u64>,
    hit: Option<u64>,
    lines: u64,
    ran: u64,
}

impl File {
    fn sums(&self) -> (u64, u64) {
        match (self.found, self.hit) {
            // More lines that ran than there are must not stand for those of other files.
            (Some(found), Some(hit)) => (found, hit.min(found)),
            (Some(_) | None, _) => (self.lines, self.ran),
        }
    }
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}
