//! What an answer says, apart from what is done with it: which side of a contradiction it names, whether it
//! leaves something out or puts it off, and whether it can stand without its question.

use super::super::evidence::Evidence;
use super::super::telling::is_demand;
use super::super::words::{Word, words};

/// Words of an answer that may name a side.
const MOST_WORDS: usize = 12;
/// An answer of so few words is no statement of its own.
const FEW_WORDS: usize = 4;

/// What an answer says to a question between two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply<'a> {
    First,
    Second,
    /// Both hold.
    Both,
    /// Neither holds, but this does; nothing, where it is empty.
    Neither(&'a str),
    /// Nothing that would decide between them.
    Nothing,
}

/// Words that only frame an answer.
const FRAME: &[&str] = &[
    "yes", "yeah", "ja", "ok", "okay", "sure", "please", "the", "is", "are", "it", "right", "that",
    "this", "holds", "one", "take", "we", "want", "use", "keep", "correct", "let's", "make",
    "should", "be", "go", "with", "stays", "wins", "i", "so", "then", "of", "them", "and", "a",
    "of", "in", "to",
];
const UNDECIDED: &[&str] = &[
    "no", "nein", "later", "not", "now", "maybe", "don't", "do", "know", "unsure", "whatever",
    "either", "sure", "idea", "tbd", "später", "egal", "dunno", "ask", "me", "yet", "clear",
];
const NEITHER: &[&str] = &[
    "neither of them",
    "neither of the two",
    "neither",
    "none of them",
    "none",
    "weder noch",
    "keines von beiden",
    "keins von beiden",
    "drop both",
    "out of scope",
    "not needed",
];
const BOTH: &[&str] = &["both", "beide", "beides", "keep both"];

/// Reads `answer` between the sides, each an id and a text.
pub fn reply<'a>(answer: &'a str, sides: [(&str, &str); 2]) -> Reply<'a> {
    let lower = answer.to_lowercase();
    if BOTH.iter().any(|both| opens_with(&lower, both)) {
        return Reply::Both;
    }
    if let Some(neither) = NEITHER.iter().find(|neither| opens_with(&lower, neither)) {
        let rest = answer.get(neither.len()..).unwrap_or_default();
        return Reply::Neither(rest.trim_start_matches([',', ';', ':', '.', '-', '–', ' ']));
    }
    if let Some(side) = named_side(answer, sides) {
        return side;
    }
    let says_more = |word: &Word| {
        let word = word.lower.as_str();
        !FRAME.contains(&word) && !UNDECIDED.contains(&word) && !is_in_all(word, &sides)
    };
    match words(answer).iter().any(says_more) {
        true => Reply::Neither(answer),
        false => Reply::Nothing,
    }
}

fn opens_with(lower: &str, opening: &str) -> bool {
    lower
        .strip_prefix(opening)
        .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

fn is_in_all(word: &str, sides: &[(&str, &str); 2]) -> bool {
    sides
        .iter()
        .all(|(_, text)| words(text).iter().any(|known| known.lower == word))
}

/// The side that an answer names: by its number, by its id, or by words that only it has.
fn named_side(answer: &str, sides: [(&str, &str); 2]) -> Option<Reply<'static>> {
    let [(first, first_text), (second, second_text)] = sides;
    let said: Vec<String> = words(answer).into_iter().map(|word| word.lower).collect();
    let one_of = |a: bool, b: bool| match (a, b) {
        (true, false) => Some(Reply::First),
        (false, true) => Some(Reply::Second),
        (true, true) | (false, false) => None,
    };
    let says = |list: &[&str]| said.iter().any(|word| list.contains(&word.as_str()));
    let is_denied = says(&["not", "nicht", "against"]);
    let by_id = one_of(
        says(&[&first.to_lowercase()]),
        says(&[&second.to_lowercase()]),
    );
    if by_id.is_some() && !is_denied {
        return by_id;
    }
    let opening: Vec<&str> = said.iter().take(FEW_WORDS).map(String::as_str).collect();
    let opens = |list: &[&str]| opening.iter().any(|word| list.contains(word));
    let by_place = one_of(
        opens(&["first", "former", "erste", "ersteres"]),
        opens(&["second", "latter", "zweite", "letzteres"]),
    );
    // "The first, because drivers tell the customer", but not "first we ask the customer".
    let is_bare = said.len() <= FEW_WORDS
        || opening
            .iter()
            .take(1)
            .any(|word| matches!(*word, "the" | "former" | "latter" | "das" | "die" | "der"));
    if by_place.is_some() && is_bare && !is_denied {
        return by_place;
    }
    let content: Vec<&String> = said
        .iter()
        .filter(|word| !FRAME.contains(&word.as_str()))
        .collect();
    if content.is_empty() || said.len() > MOST_WORDS {
        return None;
    }
    let has_all = |text: &str| {
        let known: Vec<String> = words(text).into_iter().map(|word| word.lower).collect();
        content.iter().all(|word| known.contains(word))
    };
    one_of(has_all(first_text), has_all(second_text))
}

/// How an answer puts a thing off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deferral {
    /// "Later", "not now".
    PutOff,
    /// "Out of scope", "not needed".
    LeftOut,
}

const PUT_OFF: &[&str] = &[
    "later",
    "not now",
    "not yet",
    "not this time",
    "not in the first version",
    "maybe later",
    "no, later",
    "nicht jetzt",
    "später",
    "jetzt nicht",
    "another time",
];
const LEFT_OUT: &[&str] = &[
    "out of scope",
    "not needed",
    "drop it",
    "leave it out",
    "leave that out",
    "we do not need it",
    "we don't need it",
    "forget it",
    "no, out of scope",
    "weglassen",
    "brauchen wir nicht",
];
/// A longer answer says more than that.
const LONGEST_DEFERRAL: usize = 9;

/// Whether an answer does nothing but leave out or put off what it is asked about.
pub fn deferral(answer: &str) -> Option<Deferral> {
    let lower = answer.to_lowercase();
    let opens = |list: &[&str]| list.iter().any(|phrase| opens_with(&lower, phrase));
    if words(answer).len() > LONGEST_DEFERRAL {
        return None;
    }
    if opens(LEFT_OUT) || lower.contains("out of scope") {
        return Some(Deferral::LeftOut);
    }
    opens(PUT_OFF).then_some(Deferral::PutOff)
}

/// Whether an answer says something of its own: without its question, "Amazon S3" and "yes, both" do not.
pub fn stands_alone(answer: &str) -> bool {
    let spoken = words(answer);
    let first = spoken.first().map_or("", |word| word.lower.as_str());
    let leans = matches!(
        first,
        "yes"
            | "yeah"
            | "ja"
            | "sure"
            | "no"
            | "nein"
            | "nope"
            | "only"
            | "because"
            | "for"
            | "by"
            | "with"
            | "at"
            | "on"
            | "in"
            | "just"
            | "nur"
            | "that"
            | "those"
            | "these"
    );
    spoken.len() >= FEW_WORDS
        && !leans
        && (Evidence::of(answer).demands() || is_demand(&spoken) || has_verb(&spoken))
}

fn has_verb(spoken: &[Word]) -> bool {
    spoken.iter().any(|word| {
        matches!(
            word.lower.as_str(),
            "is" | "are" | "will" | "has" | "have" | "gets" | "ist" | "sind" | "wird" | "werden"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{Reply, deferral, reply, stands_alone};

    const SIDES: [(&str, &str); 2] = [
        ("R-3", "The app works offline within 2 seconds"),
        ("R-12", "The app is always online only within 200 ms"),
    ];

    fn check(expected: Reply<'_>, answers: &[&str]) {
        for answer in answers {
            assert_eq!(reply(answer, SIDES), expected, "{answer}");
        }
    }

    #[test]
    fn an_answer_names_a_side_by_place_by_id_or_by_its_words() {
        check(
            Reply::First,
            &[
                "The first",
                "first.",
                "R-3",
                "Offline",
                "2 seconds",
                "the former one",
                // Not tuned to.
                "Yes, 2 seconds please",
                "The first, because our cellar has no network",
            ],
        );
        check(
            Reply::Second,
            &[
                "the second",
                "R-12 holds",
                "200 ms",
                "Always online",
                "the latter",
            ],
        );
    }

    #[test]
    fn an_answer_may_keep_both_take_neither_or_decide_nothing() {
        check(Reply::Both, &["both", "Both, please", "beides"]);
        check(
            Reply::Neither("3 seconds"),
            &["neither, 3 seconds", "3 seconds"],
        );
        check(Reply::Neither(""), &["neither", "Neither of them."]);
        check(
            Reply::Neither("It works offline for an hour"),
            &["It works offline for an hour"],
        );
        check(Reply::Nothing, &["Yes", "the app", "", "not sure", "later"]);
    }

    #[test]
    fn answers_that_lean_on_their_question_are_known() {
        for answer in [
            "Amazon S3",
            "Yes, only these two postal codes",
            "only the manager may do it",
        ] {
            assert!(!stands_alone(answer), "{answer}");
        }
        for answer in [
            "It must be offered to all couriers",
            "Members pay once a year",
        ] {
            assert!(stands_alone(answer), "{answer}");
        }
        for answer in [
            "not now, out of scope",
            "later",
            "Leave it out.",
            "not in the first version",
        ] {
            assert!(deferral(answer).is_some(), "{answer}");
        }
        for answer in [
            "No",
            "It must be possible later",
            "not now but every evening at eight we print it all",
        ] {
            assert!(deferral(answer).is_none(), "{answer}");
        }
    }
}
