//! How much of a tree is looked at, and how much is said about it.

use crate::seen::is_unseen;

/// The most files of a tree.
pub const MOST_FILES: usize = 100_000;
/// Larger files are not read.
pub const LONGEST_FILE_BYTES: u64 = 512 * 1024;
/// The most bytes that are read of all files together.
pub const MOST_READ_BYTES: u64 = 48 * 1024 * 1024;
/// The most files that are read.
pub(super) const MOST_READ_FILES: usize = 8_000;
/// Source files above this are called very large.
pub(super) const LARGE_SOURCE_BYTES: u64 = 128 * 1024;

pub(super) const MOST_COMMANDS: usize = 200;
pub(super) const MOST_ENTRY_POINTS: usize = 200;
pub(super) const MOST_DEPENDENCIES: usize = 2_000;
pub(super) const MOST_MANIFESTS: usize = 300;
pub(super) const MOST_MODULES: usize = 150;
pub(super) const MOST_LINKS: usize = 400;
pub(super) const MOST_SERVICES: usize = 100;
pub(super) const MOST_STORES: usize = 100;
pub(super) const MOST_RUNTIMES: usize = 100;
pub(super) const MOST_PLACES: usize = 20;
pub(super) const MOST_FOLDERS: usize = 50;
pub(super) const MOST_DECISIONS: usize = 200;
pub(super) const MOST_LANGUAGES: usize = 40;
/// The longest text that is taken over from a file, in characters.
pub(super) const LONGEST_TEXT: usize = 300;
/// The longest path that is shown, in characters.
pub(super) const LONGEST_PATH: usize = 300;

/// One line without control characters, of at most `most` characters.
pub(super) fn shown(text: &str, most: usize) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !is_unseen(*c))
        .take(most + 1)
        .collect();
    let words: Vec<&str> = clean.split(' ').filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    match line.chars().count() > most {
        true => format!("{}…", line.chars().take(most - 1).collect::<String>()),
        false => line,
    }
}
