//! "Did you mean": the nearest of a few known keys.
//!
//! Knows the words that people carry over from other formats. It only proposes; it never accepts a
//! key by another name.

/// What other formats call our keys.
const FOREIGN: &[(&str, &str)] = &[
    ("command", "run"),
    ("cmd", "run"),
    ("script", "run"),
    ("shell", "run"),
    ("exec", "run"),
    ("secret", "secrets"),
    ("credentials", "secrets"),
    ("environment", "env"),
    ("envs", "env"),
    ("variables", "env"),
    ("vars", "env"),
    ("idempotence", "idempotent"),
    ("repeatable", "idempotent"),
    ("workdir", "cwd"),
    ("working_dir", "cwd"),
    ("working_directory", "cwd"),
    ("working-directory", "cwd"),
    ("directory", "cwd"),
    ("dir", "cwd"),
    ("timeout_seconds", "timeout"),
    ("timeout_ms", "timeout"),
    ("timeout-minutes", "timeout"),
    ("sha256", "checksum"),
    ("digest", "checksum"),
    ("hash", "checksum"),
    ("title", "name"),
    ("id", "name"),
    ("hosts", "network"),
    ("egress", "network"),
    ("commands", "steps"),
    ("jobs", "steps"),
    ("tasks", "steps"),
    ("binaries", "tools"),
    ("uri", "url"),
    ("outputs", "artifacts"),
    ("output", "artifacts"),
    ("glob", "path"),
    ("file", "path"),
    ("kind", "type"),
    ("href", "url"),
];

/// The known key that `unknown` most likely stands for.
#[must_use]
pub fn nearest<'k>(unknown: &str, known: &[&'k str]) -> Option<&'k str> {
    let unknown = unknown.to_lowercase();
    let foreign = FOREIGN
        .iter()
        .find(|(theirs, _)| *theirs == unknown)
        .and_then(|(_, ours)| known.iter().find(|key| *key == ours));
    if let Some(key) = foreign {
        return Some(key);
    }
    // A key of hundreds of characters is no slip of the finger, and distance is quadratic.
    if unknown.chars().count() > 32 {
        return None;
    }
    known
        .iter()
        .map(|key| (distance(&unknown, key), *key))
        .filter(|(distance, key)| *distance <= 1 + key.chars().count() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, key)| key)
}

/// Edits (insert, delete, replace, swap of neighbours) between two words.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for (row, cells) in rows.iter_mut().enumerate() {
        cells[0] = row;
    }
    rows[0] = (0..=to.len()).collect();
    for row in 1..=from.len() {
        for column in 1..=to.len() {
            let replaced = usize::from(from[row - 1] != to[column - 1]);
            let mut best = (rows[row - 1][column] + 1)
                .min(rows[row][column - 1] + 1)
                .min(rows[row - 1][column - 1] + replaced);
            if row > 1
                && column > 1
                && from[row - 1] == to[column - 2]
                && from[row - 2] == to[column - 1]
            {
                best = best.min(rows[row - 2][column - 2] + 1);
            }
            rows[row][column] = best;
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_foreign_words_find_their_key() {
        let known = ["run", "name", "env", "timeout", "cwd"];
        for (unknown, expected) in [
            ("timout", Some("timeout")),
            ("tiemout", Some("timeout")),
            ("Run", Some("run")),
            ("rnu", Some("run")),
            ("command", Some("run")),
            ("working_directory", Some("cwd")),
            ("sha256", None),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(unknown, &known), expected, "{unknown}");
        }
        assert_eq!(nearest(&"x".repeat(100_000), &known), None);
    }
}
