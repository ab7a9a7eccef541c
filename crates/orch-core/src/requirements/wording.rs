//! Words an item: the sentence's own words without fillers and markup, on one line. Adds nothing that
//! would read the same for another sentence.

use std::sync::LazyLock;

use super::cues::Vague;
use super::lookup::{Known, Words, set};
use crate::seen::seen;

/// Openings that say only that something is wanted, lower case, parted by commas.
const FILLERS: &str = "additionally, also, and, but, finally, first, firstly, furthermore, i want to, i would like \
     to, i'd like to, in addition, moreover, our aim is to, our goal is to, please, second, \
     secondly, so, the aim is to, the goal is to, the idea is to, then, therefore, third, \
     thirdly, we also want to, we are going to, we need to, we plan to, we want to, we would like \
     to, we'd like to";

/// The fillers by their first words.
static FILLERS_BY_WORD: LazyLock<Known<Vec<&'static str>>> = LazyLock::new(|| {
    let mut found: Known<Vec<&'static str>> = Known::default();
    for filler in FILLERS.split(", ") {
        let first = filler.split(' ').next().unwrap_or_default();
        found.entry(first).or_default().push(filler);
    }
    found
});

/// Bytes of the longest first word of a filler, with its mark.
const LONGEST_FIRST_WORD: usize = 16;

/// Sentences that ask for nothing, lower case and without marks, parted by commas.
static PLEASANTRIES: Words = LazyLock::new(|| {
    set(
        "all the best, best, best regards, cheers, dear all, good luck, good morning, hello, hello \
     there, hey, hi, hi all, hi everyone, hi team, hi there, kind regards, many thanks, no, ok, \
     okay, regards, thank you, thank you very much, thanks, thanks a lot, thanks in advance, yes, \
     etc, e.g, i.e",
    )
});

/// Whether a sentence says nothing that a requirement could come from.
pub fn is_trivial(sentence: &str) -> bool {
    let letters = sentence.chars().filter(|c| c.is_alphabetic()).take(2);
    let amount = || sentence.contains(['%', '$', '€', '£']) && sentence.contains(char::is_numeric);
    if letters.count() < 2 && !amount() {
        return true;
    }
    if sentence.len() > 40 {
        return false;
    }
    let bare = sentence
        .trim_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase();
    PLEASANTRIES.contains(bare.as_str())
}

/// `text` on one line, without emphasis, opening fillers and closing marks, and with a capital.
pub fn tidied(text: &str) -> String {
    let line = one_line(text);
    let mut rest = line.as_str();
    while let Some(stripped) = without_filler(rest) {
        rest = stripped;
    }
    let trimmed = rest
        .trim_end_matches(['.', '!', ';', ',', ':', '。', '！', ' '])
        .trim_start_matches([',', ';', ':', ' ']);
    capitalised(if trimmed.is_empty() { &line } else { trimmed })
}

/// Completes what a colon line began: "The site must not:" and "track people".
pub fn completed(lead_in: &str, text: &str) -> String {
    let lead = one_line(lead_in);
    let lead = lead.trim_end_matches([':', '：', ' ']);
    let text = one_line(text);
    let (first, rest) = text.split_once(' ').unwrap_or((&text, ""));
    // What follows an auxiliary is a verb, so that only names in capitals keep theirs.
    let first = if first.chars().skip(1).any(char::is_uppercase) {
        first.to_owned()
    } else {
        first.to_lowercase()
    };
    format!("{lead} {first} {rest}")
}

/// Asks for a decision on what a sentence leaves open.
pub fn undecided(text: &str) -> String {
    format!("To be decided: {}", uncapitalised(text))
}

/// How a question begins that asks whether a plain statement is a demand.
pub const WHETHER: &str = "Is this to be built: ";

/// Asks whether a plain statement is a demand.
pub fn demand_wanted(text: &str) -> String {
    format!("{WHETHER}“{text}”? Answer yes, or no where it only describes.")
}

/// Asks for the number that `word` in `text` lacks.
pub fn number_wanted(vague: Vague, word: &str, text: &str) -> String {
    let (lead, unit) = match vague {
        Vague::Speed => ("How fast is", "Name a response time"),
        Vague::Load => ("What load does", "Name users, requests or amounts of data"),
        Vague::Price => ("How much money is", "Name an amount and a period"),
        Vague::Date => ("By which date is", "Name a date"),
        Vague::Dependability => (
            "How often may it fail and still be",
            "Name a share in percent",
        ),
        Vague::Ease => ("How is", "Name a task and the time it may take"),
        Vague::Footprint => ("How small is", "Name a size in MB"),
        Vague::Amount => ("How many is", "Name a number"),
        Vague::Rhythm => ("How often is", "Name a period"),
        Vague::Taste => (
            "By what will one see",
            "Name an example or what a person would check",
        ),
        Vague::Rest => (
            "What else is meant by",
            "Name the rest, or say that this is all",
        ),
    };
    let verb = match vague {
        Vague::Load => " mean",
        Vague::Ease => " measured",
        Vague::Speed
        | Vague::Price
        | Vague::Date
        | Vague::Dependability
        | Vague::Footprint
        | Vague::Amount
        | Vague::Rhythm
        | Vague::Taste
        | Vague::Rest => "",
    };
    format!("{lead} “{word}”{verb} in “{text}”? {unit}.")
}

/// Collapses whitespace and drops what cannot be seen, quote markers of wrapped lines and bold marks.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (number, line) in text.split(['\n', '\r']).enumerate() {
        let line = if number == 0 {
            line
        } else {
            line.trim_start_matches([' ', '\t', '>'])
        };
        for word in line.split(|c: char| c.is_whitespace() || c.is_control()) {
            let word = if word == "|" { "–" } else { word };
            let word = word.replace("**", "");
            if word.is_empty() {
                continue;
            }
            if !out.is_empty() {
                out.push(' ');
            }
            out.extend(seen(&word));
        }
    }
    out
}

fn without_filler(text: &str) -> Option<&str> {
    // The rest of an endless word is no filler's.
    let head: String = text
        .chars()
        .take(LONGEST_FIRST_WORD)
        .take_while(|c| !matches!(c, ' ' | ',' | ':'))
        .map(|c| {
            if c == '’' {
                '\''
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect();
    FILLERS_BY_WORD
        .get(head.as_str())?
        .iter()
        .find_map(|filler| {
            let mut rest = text.chars();
            let matches = filler.chars().all(|wanted| {
                rest.next().is_some_and(|c| {
                    let c = if c == '’' { '\'' } else { c };
                    c.to_ascii_lowercase() == wanted
                })
            });
            let rest = rest.as_str();
            let parted = rest.starts_with([' ', ',', ':']);
            let rest = rest.trim_start_matches([' ', ',', ':']);
            (matches && parted && rest.contains(char::is_alphanumeric)).then_some(rest)
        })
}

/// Names such as `iOS`, `package.json` and addresses keep their first letter.
fn capitalised(text: &str) -> String {
    let first_word = text.split(' ').next().unwrap_or_default();
    let name = first_word.chars().skip(1).any(char::is_uppercase)
        || first_word
            .trim_end_matches(|c: char| !c.is_alphanumeric())
            .contains(['.', '/', '_', '@', '`']);
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !name => first.to_uppercase().chain(chars).collect(),
        Some(_) | None => text.to_owned(),
    }
}

/// Puts a sentence behind a colon: its first word loses the capital unless it looks like a name.
fn uncapitalised(text: &str) -> String {
    let first_word = text.split(' ').next().unwrap_or_default();
    let common = matches!(
        first_word,
        "A" | "All"
            | "An"
            | "Build"
            | "Deploy"
            | "Either"
            | "Host"
            | "It"
            | "Maybe"
            | "Must"
            | "No"
            | "Our"
            | "Perhaps"
            | "Possibly"
            | "Run"
            | "Send"
            | "Store"
            | "The"
            | "There"
            | "They"
            | "This"
            | "Use"
            | "We"
            | "Whether"
            | "Write"
    );
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if common => first.to_lowercase().chain(chars).collect(),
        Some(_) | None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{completed, is_trivial, number_wanted, tidied, undecided};
    use crate::requirements::cues::Vague;

    #[test]
    fn text_loses_fillers_markup_and_closing_marks() {
        for (text, expected) in [
            ("We want to build a shop.", "Build a shop"),
            ("Also, please  use\n  > **Rust**!", "Use Rust"),
            ("we’d like to fly", "Fly"),
            ("So that", "That"),
            ("And", "And"),
            ("iOS comes first.", "iOS comes first"),
            ("package.json stays", "package.json stays"),
            ("做商店。", "做商店"),
            ("Which one?", "Which one?"),
            ("a | b", "A – b"),
            ("...", "..."),
            ("also, ...", "Also"),
        ] {
            assert_eq!(tidied(text), expected, "{text:?}");
        }
    }

    #[test]
    fn derived_texts_hold_the_words_they_came_from() {
        assert_eq!(
            completed("The site must not:", "track people"),
            "The site must not track people"
        );
        assert_eq!(completed("Users can:", "Use\nAWS"), "Users can use AWS");
        assert_eq!(undecided("The host"), "To be decided: the host");
        assert_eq!(undecided("AWS hosting"), "To be decided: AWS hosting");
        assert_eq!(
            number_wanted(Vague::Speed, "fast", "It is fast"),
            "How fast is “fast” in “It is fast”? Name a response time."
        );
    }

    #[test]
    fn greetings_and_marks_are_trivial() {
        for text in ["Hi!", "Thanks in advance.", "2.", "?!", "", "x"] {
            assert!(is_trivial(text), "{text:?}");
        }
        for text in ["Go", "做店", "Thanks to Bob", "99.9 %"] {
            assert!(!is_trivial(text), "{text:?}");
        }
    }
}
