//! What a sentence in the present tense says happens: under a condition ("if payment fails, the order is
//! cancelled") or to something ("orders older than a year are deleted"), or names without a verb ("login by
//! e-mail"). Tells neither who asks for it nor how much.

use super::words::{Gap, Word, lower_at};

/// What opens a condition.
const CONDITIONS: &[&str] = &[
    "when", "if", "whenever", "once", "after", "before", "unless", "until", "given", "wenn",
    "falls", "sobald", "nachdem",
];

/// What tells of something that is over.
const PAST: &[&str] = &[
    "was", "were", "had", "did", "war", "waren", "hatte", "hatten",
];

/// Participles that do not end in `-ed`.
const PARTICIPLES: &[&str] = &[
    "kept",
    "sent",
    "shown",
    "written",
    "held",
    "paid",
    "read",
    "put",
    "set",
    "given",
    "taken",
    "drawn",
    "hidden",
    "seen",
    "told",
    "split",
    "cut",
    "chosen",
    "brought",
    "lent",
    "made",
    "built",
    "run",
    "withdrawn",
    "rebuilt",
    "reset",
    "frozen",
    "woken",
    "sold",
];

/// Participles that describe what is, and no deed.
const STATES: &[&str] = &[
    "used",
    "called",
    "based",
    "located",
    "situated",
    "named",
    "interested",
    "tired",
    "worried",
    "employed",
    "supposed",
    "excited",
    "pleased",
    "needed",
    "limited",
    "related",
    "retired",
    "bored",
    "married",
    "scared",
    "annoyed",
    "overwhelmed",
    "convinced",
    "united",
];

/// Ways in which people do it today.
const BY_PEOPLE: &[&str] = &[
    "by hand", "on paper", "by phone", "by us", "by fax", "in excel", "von hand",
];

/// Whether the words tell what happens, to something or under a condition.
pub fn is_happening(words: &[Word]) -> bool {
    let says = |list: &[&str]| words.iter().any(|word| list.contains(&word.lower.as_str()));
    if says(PAST) {
        return false;
    }
    match main_clause(words) {
        Some(main) => !speaks_to_the_reader(words, main) && !is_over(&words[main..]),
        None => is_done_to(words),
    }
}

/// Where what happens begins, behind a condition.
fn main_clause(words: &[Word]) -> Option<usize> {
    let first = lower_at(words, 0);
    let as_soon = (first, lower_at(words, 1)) == ("as", "soon");
    if !as_soon && !CONDITIONS.contains(&first) {
        return None;
    }
    let behind_comma = |at: usize| words[at].gap == Gap::Comma && words.len() > at + 2;
    let comma = (1..words.len()).find(|at| behind_comma(*at));
    let then = words.iter().position(|word| word.lower == "then");
    match (then, comma) {
        (Some(then), _) if then > 1 && words.len() > then + 2 => Some(then + 1),
        (_, Some(comma)) => Some(comma + 1),
        (_, None) => None,
    }
}

/// "If you have questions, call me".
fn speaks_to_the_reader(words: &[Word], main: usize) -> bool {
    let is_you = words[..main]
        .iter()
        .any(|word| matches!(word.lower.as_str(), "you" | "sie" | "du"));
    let to_me = words[main..]
        .iter()
        .any(|word| matches!(word.lower.as_str(), "me" | "us" | "mich" | "uns"));
    is_you && to_me
}

/// "When we opened, we asked forty neighbours".
fn is_over(main: &[Word]) -> bool {
    let by_person = matches!(lower_at(main, 0), "we" | "i" | "they" | "he" | "she");
    by_person && lower_at(main, 1).ends_with("ed")
}

/// "Orders older than a year are deleted", "die Bestellung wird storniert".
fn is_done_to(words: &[Word]) -> bool {
    let first = lower_at(words, 0);
    let by_person = matches!(
        first,
        "we" | "i"
            | "they"
            | "you"
            | "he"
            | "she"
            | "wir"
            | "ich"
            | "sie"
            | "our"
            | "my"
            | "unsere"
    );
    if by_person || by_people(words) {
        return false;
    }
    for (at, word) in words.iter().enumerate().take(12).skip(1) {
        match word.lower.as_str() {
            "that" | "which" | "who" | "where" | "has" | "have" => return false,
            "is" | "are" | "gets" | "get" => return is_participle(words, at + 1),
            "wird" | "werden" => {
                let last = words.last().map_or("", |word| word.lower.as_str());
                return last.ends_with('t') || last.ends_with("en");
            }
            _ => {}
        }
    }
    false
}

fn is_participle(words: &[Word], from: usize) -> bool {
    let is_adverb = |word: &str| {
        word.ends_with("ly") || matches!(word, "also" | "always" | "then" | "both" | "first")
    };
    let verb = (from..words.len().min(from + 3))
        .map(|at| lower_at(words, at))
        .find(|word| !is_adverb(word))
        .unwrap_or_default();
    let is_deed = (verb.ends_with("ed") && verb.len() > 4) || PARTICIPLES.contains(&verb);
    is_deed && !STATES.contains(&verb)
}

fn by_people(words: &[Word]) -> bool {
    words.windows(2).any(|pair| {
        BY_PEOPLE.iter().any(|way| {
            way.split_once(' ') == Some((pair[0].lower.as_str(), pair[1].lower.as_str()))
        })
    })
}

/// Words that make no sentence a German one has: what is left over is a name.
const GERMAN_SMALL: &[&str] = &[
    "per",
    "in",
    "im",
    "am",
    "an",
    "auf",
    "mit",
    "ohne",
    "für",
    "von",
    "vom",
    "zu",
    "zum",
    "zur",
    "der",
    "die",
    "das",
    "den",
    "dem",
    "des",
    "ein",
    "eine",
    "einen",
    "einem",
    "einer",
    "und",
    "oder",
    "vorher",
    "nachher",
    "pro",
    "jeden",
    "jede",
    "jedes",
    "nach",
    "vor",
    "bei",
    "bis",
    "aus",
    "über",
    "unter",
    "als",
    "auch",
    "sowie",
    "automatisch",
    "täglich",
    "monatlich",
    "wöchentlich",
    "jährlich",
    "sofort",
    "via",
    "alle",
    "aller",
];
const GERMAN_SIGNS: &[&str] = &[
    "per",
    "vorher",
    "nachher",
    "für",
    "mit",
    "jeden",
    "jede",
    "täglich",
    "wöchentlich",
    "monatlich",
    "einen",
    "und",
    "oder",
    "nach",
    "vor",
    "bei",
    "automatisch",
    "über",
];
const ENGLISH_SIGNS: &[&str] = &[
    "by", "via", "per", "with", "for", "to", "from", "before", "in",
];
/// Words that a phrase without a verb does not have.
const ENGLISH_VERBS: &[&str] = &[
    "is", "are", "am", "be", "has", "have", "do", "does", "get", "gets", "go", "goes", "come",
    "comes", "wait", "waits", "make", "makes", "take", "takes", "want", "need", "use", "work",
    "works", "like", "know", "think", "feel", "live", "run", "say", "says", "see", "collects", "i",
    "we", "it", "they", "you", "he", "she", "i'm", "we're", "it's", "that", "which", "who",
    "leave", "love", "hate", "pay", "grow", "look", "reply", "meet", "thanks", "thank", "sorry",
    "sry", "regards", "was", "were", "had", "did", "a", "an", "this", "here's", "welcome",
    "people", "everyone", "today",
];
const LONGEST_PHRASE: usize = 9;

/// "Erinnerung per E-Mail einen Tag vorher", "login by e-mail": a thing by name, without a verb.
pub fn is_named_only(words: &[Word]) -> bool {
    if !(3..=LONGEST_PHRASE).contains(&words.len()) {
        return false;
    }
    let says = |list: &[&str]| words.iter().any(|word| list.contains(&word.lower.as_str()));
    let is_number = |word: &Word| word.lower.starts_with(|c: char| c.is_ascii_digit());
    let is_german = says(GERMAN_SIGNS)
        && words[0].capital
        && !GERMAN_SMALL.contains(&words[0].lower.as_str())
        && words.iter().all(|word| {
            word.capital || is_number(word) || GERMAN_SMALL.contains(&word.lower.as_str())
        });
    let has_deed = words.iter().skip(1).any(|word| {
        let word = word.lower.as_str();
        word.ends_with("ed") || word.ends_with("ing")
    });
    let is_plural = |word: &str| word.ends_with('s') && !word.ends_with("ss");
    // "A utility collects readings": a noun before a word in -s may be its subject.
    let may_be_verb = words
        .windows(2)
        .any(|pair| pair[0].gap == Gap::Space && is_plural(&pair[1].lower) && !is_sign(&pair[0]));
    let is_english = says(ENGLISH_SIGNS) && !says(ENGLISH_VERBS) && !has_deed && !may_be_verb;
    is_german || (is_english && !is_sign(&words[0]) && lower_at(words, 0) != "the")
}

fn is_sign(word: &Word) -> bool {
    ENGLISH_SIGNS.contains(&word.lower.as_str())
        || matches!(
            word.lower.as_str(),
            "and" | "or" | "of" | "all" | "the" | "new" | "our"
        )
}

#[cfg(test)]
mod tests {
    use super::{is_happening, is_named_only};
    use crate::requirements::words::words;

    #[test]
    fn what_happens_is_told_from_what_is() {
        for text in [
            "If payment fails, the order is cancelled.",
            "Orders older than a year are deleted.",
            "When an order is late, we call the customer.",
            "The deposit is held by the payment provider.",
            "Given a full cart, when she pays, then a receipt is sent",
            // Not tuned to.
            "As soon as a seat is free, the next guest is told",
            "Once the batch is done, a summary goes to the owner",
            "Lost cards are blocked immediately.",
            "Wenn die Zahlung scheitert, wird die Bestellung storniert.",
            "Alte Belege werden nach zehn Jahren gelöscht",
        ] {
            assert!(is_happening(&words(text)), "{text:?}");
        }
        for text in [
            "When we opened, the shop was tiny.",
            "If you have questions, call me.",
            "We are tired of paper",
            "The town is called Lindau",
            "Orders are written by hand",
            "Every household owns a drill that is used once",
            "After lunch",
            "",
        ] {
            assert!(!is_happening(&words(text)), "{text:?}");
        }
    }

    #[test]
    fn a_phrase_without_a_verb_names_a_thing() {
        for text in [
            "Erinnerung per E-Mail einen Tag vorher",
            "Login by e-mail",
            // Not tuned to.
            "Rechnung als PDF per Post",
            "Receipt to the customer",
        ] {
            assert!(is_named_only(&words(text)), "{text:?}");
        }
        for text in [
            "Levels get harder",
            "A utility collects readings for billing",
            "A puzzle game about rivers",
            "Wir arbeiten mit Papier",
            "Couriers wait for days",
            "I run a school in Bremen",
        ] {
            assert!(!is_named_only(&words(text)), "{text:?}");
        }
    }
}
