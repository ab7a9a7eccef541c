//! Notes that leave something open: "TODO: decide on hosting", "Insurance: open, ask Mrs Okafor". The label
//! names the matter, and the word behind it says that nobody has decided.

use super::words::{Gap, Word, lower_at};

const OPEN: &[&str] = &[
    "open",
    "offen",
    "unklar",
    "unknown",
    "undecided",
    "tbd",
    "tbc",
    "tba",
    "pending",
];
/// A longer label is a sentence.
const LONGEST_LABEL: usize = 5;

/// Whether the words note something as open.
pub fn is_noted_as_open(words: &[Word]) -> bool {
    if matches!(lower_at(words, 0), "todo" | "to-do") && words[0].gap == Gap::Colon {
        return true;
    }
    let label = words.iter().take(LONGEST_LABEL);
    let Some(colon) = label.clone().position(|word| word.gap == Gap::Colon) else {
        return false;
    };
    let at = colon + 1 + usize::from(matches!(lower_at(words, colon + 1), "still" | "noch"));
    let is_last = words.len() == at + 1;
    words.get(at).is_some_and(|word| {
        OPEN.contains(&word.lower.as_str()) && (is_last || word.gap != Gap::Space)
    })
}

#[cfg(test)]
mod tests {
    use super::is_noted_as_open;
    use crate::requirements::words::words;

    #[test]
    fn what_is_noted_as_open_is_told_from_opening_hours() {
        for text in [
            "TODO: decide on hosting",
            "Insurance: open, ask Mrs Okafor.",
            // Not tuned to.
            "Versicherung: noch offen",
            "Payment provider: tbd",
        ] {
            assert!(is_noted_as_open(&words(text)), "{text:?}");
        }
        for text in [
            "Hours: open from 9 to 5",
            "A todo app",
            "Open: the door",
            "",
        ] {
            assert!(!is_noted_as_open(&words(text)), "{text:?}");
        }
    }
}
