//! Pieces that a writer puts behind a full stop and that say nothing without the sentence before: "except the
//! manager", "(or latest May)", "ever." They stand with that sentence.

use std::ops::Range;

use super::sentences::is_terminated;

/// What opens a piece that needs the sentence before.
const OPENINGS: &[&str] = &[
    "except",
    "unless",
    "otherwise",
    "außer",
    "ausser",
    "but not",
    "apart from",
    "not now",
    "not yet",
    "with the exception",
    "or latest",
    "or at the latest",
    "sonst",
];
/// A longer piece stands for itself.
const LONGEST_BYTES: usize = 80;

/// The sentences of `text`, with each afterthought in the one before it.
pub fn joined(text: &str, sentences: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::with_capacity(sentences.len());
    for sentence in sentences {
        let piece = &text[sentence.clone()];
        match found.last_mut() {
            Some(before) if is_afterthought(piece) => before.end = sentence.end,
            Some(_) | None => found.push(sentence),
        }
    }
    found
}

fn is_afterthought(piece: &str) -> bool {
    if piece.len() > LONGEST_BYTES {
        return false;
    }
    let bare = piece.trim_start_matches(['(', '-', '–', ' ']);
    let lower = bare.to_lowercase();
    let opens = OPENINGS.iter().any(|opening| {
        lower
            .strip_prefix(opening)
            .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    });
    let is_small = bare.starts_with(char::is_lowercase);
    let in_brackets = piece.starts_with('(') && is_small;
    // "Ever.", "realy."
    let is_word = is_small && is_terminated(piece) && !bare.contains(char::is_whitespace);
    opens || in_brackets || is_word
}

#[cfg(test)]
mod tests {
    use super::joined;
    use crate::requirements::sentences::sentences;

    fn check(text: &str, expected: &[&str]) {
        let found = joined(text, sentences(text));
        let found: Vec<&str> = found.into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn afterthoughts_stand_with_the_sentence_before() {
        for whole in [
            "After 18h no changes anymore!!! except the manager",
            "When: before easter!! realy. (or latest may)",
            "We can't lose an order. ever.",
            "Could you do a shop? not now",
            // Not tuned to.
            "All doors lock at night! Unless there is a fire.",
            "Kein Zugriff für Gäste. Außer am Montag.",
        ] {
            check(whole, &[whole]);
        }
        check("Yes. No.", &["Yes.", "No."]);
        check("It prints. It exits.", &["It prints.", "It exits."]);
        check("except this", &["except this"]);
    }
}
