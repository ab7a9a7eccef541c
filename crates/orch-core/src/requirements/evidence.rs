//! What a clause gives away: its cues, its vague words and its numbers, gathered in one pass.

use super::cues::{CUES, Cue, Vague};
use super::dates::limit;
use super::measures::{Measures, measures};
use super::permission::Permissions;
use super::verbs::{BUILD_VERBS, ORDER_VERBS};
use super::words::{Gap, Word, lower_at, words};

/// Everything in a clause that its kinds hang on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    cues: Vec<Cue>,
    /// Vague quality words as they are written (lower case), each once.
    pub vague: Vec<(Vague, String)>,
    /// What its numbers measure.
    pub measures: Measures,
    /// What it opens with.
    pub opening: Opening,
    /// Whether it leaves a choice between named things open ("use X or Y").
    pub choice: bool,
}

/// How a clause opens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Opening {
    /// With a verb that makes something ("build").
    Build,
    /// With a verb that says how it is made ("use").
    Order,
    /// With somebody's wish ("we want").
    Wish,
    /// With anything else.
    #[default]
    Other,
}

impl Evidence {
    /// Reads a clause.
    pub fn of(clause: &str) -> Self {
        Self::of_words(&words(clause))
    }

    /// Reads the words of a clause.
    pub fn of_words(words: &[Word]) -> Self {
        let mut found = Self {
            measures: measures(words),
            opening: opening(words),
            choice: leaves_choice(words),
            ..Self::default()
        };
        let may = Permissions::of(words);
        let mut at = 0;
        while at < words.len() {
            let Some((cue, length)) = CUES.longest_at(words, at) else {
                at += 1;
                continue;
            };
            if is_meant(cue, words, at, &may) {
                found.note(cue, &words[at..at + length]);
            }
            at += length;
        }
        if !found.has(Cue::Deadline) && (0..words.len()).any(|at| limit(words, at).is_some()) {
            found.cues.push(Cue::Deadline);
        }
        found
    }

    /// Whether the clause has `cue`.
    pub fn has(&self, cue: Cue) -> bool {
        self.cues.contains(&cue)
    }

    /// Whether the clause demands something of the product, or limits it.
    pub fn demands(&self) -> bool {
        let asked = [
            Cue::Duty,
            Cue::Capability,
            Cue::Rule,
            Cue::Exclusion,
            Cue::Money,
            Cue::Deadline,
            Cue::Success,
        ];
        self.opening != Opening::Other || asked.into_iter().any(|cue| self.has(cue))
    }

    fn note(&mut self, cue: Cue, phrase: &[Word]) {
        if let Cue::Vague(vague) = cue {
            let spoken: Vec<_> = phrase.iter().map(|word| word.lower.as_str()).collect();
            let entry = (vague, spoken.join(" "));
            if !self.vague.contains(&entry) {
                self.vague.push(entry);
            }
        } else if !self.cues.contains(&cue) {
            self.cues.push(cue);
        }
    }
}

/// Words that are also something else count only where they are used as the cue.
fn is_meant(cue: Cue, words: &[Word], at: usize, may: &Permissions<'_>) -> bool {
    let before = at.checked_sub(1).map(|i| words[i].lower.as_str());
    match (cue, words[at].lower.as_str()) {
        (
            Cue::Technology,
            "rust" | "swift" | "oracle" | "windows" | "node" | "react" | "ruby" | "helm",
        ) => words[at].capital,
        (Cue::Money, "cost" | "costs") => words.get(at + 1).is_some_and(|next| {
            next.lower.contains(|c: char| c.is_ascii_digit())
                || matches!(
                    next.lower.as_str(),
                    "about"
                        | "at"
                        | "below"
                        | "less"
                        | "more"
                        | "must"
                        | "no"
                        | "not"
                        | "nothing"
                        | "only"
                        | "should"
                        | "under"
                        | "up"
                )
        }),
        (Cue::Capability, "may") => may.is_at(at),
        // "They spend half their day on it": time and no money.
        (Cue::Money, "spend" | "spending") => {
            let rest = &words[at + 1..words.len().min(at + 1 + MAX_LOOK_AHEAD)];
            let is_time = |word: &Word| {
                matches!(
                    word.lower.as_str(),
                    "day" | "days" | "time" | "hour" | "hours" | "week" | "weeks"
                )
            };
            let is_number = |word: &Word| word.lower.contains(|c: char| c.is_ascii_digit());
            !rest.iter().any(is_time) || rest.iter().any(is_number)
        }
        // "Two weeks later".
        (Cue::Exclusion, "later") => !before.is_some_and(|before| LONG.contains(&before)),
        (Cue::Vague(Vague::Load), "scale") => !matches!(before, Some("a" | "the" | "of")),
        _ => true,
    }
}

/// How far ahead it is read what is spent; bounds the work for each word.
const MAX_LOOK_AHEAD: usize = 32;

const LONG: &[&str] = &["minutes", "hours", "days", "weeks", "months", "years"];

fn opening(words: &[Word]) -> Opening {
    let word = |at: usize| lower_at(words, at);
    if words.first().is_some_and(|word| word.gap == Gap::Colon) {
        return Opening::Other;
    }
    let first = word(0);
    if BUILD_VERBS.contains(first) {
        return Opening::Build;
    }
    if ORDER_VERBS.contains(first) {
        return Opening::Order;
    }
    let making = |at: usize| word(at).ends_with("ing") && word(at) != "using";
    let wish = match (first, word(1)) {
        ("we" | "i" | "they", "want" | "need" | "plan" | "hope" | "wish" | "intend" | "aim") => {
            true
        }
        ("we" | "i" | "they", "would") => matches!(word(2), "like" | "love"),
        ("we" | "i", "are" | "am") => making(2),
        ("i'd" | "we'd", "like" | "love") => true,
        ("i'm" | "we're", _) => making(1),
        _ => false,
    };
    if wish { Opening::Wish } else { Opening::Other }
}

/// "Either a or b", or an order that names two things with capitals ("Use Postgres or MySQL").
fn leaves_choice(words: &[Word]) -> bool {
    let Some(or) = words.iter().position(|word| word.lower == "or") else {
        return false;
    };
    if words[..or].iter().any(|word| word.lower == "either") {
        return true;
    }
    let chooses = words[..or].iter().any(|word| {
        matches!(
            word.lower.as_str(),
            "use"
                | "using"
                | "deploy"
                | "host"
                | "hosted"
                | "run"
                | "written"
                | "choose"
                | "pick"
                | "built"
                | "build"
        )
    });
    let named = |at: usize| words.get(at).is_some_and(|word| word.capital) && at > 0;
    chooses && or > 0 && named(or - 1) && named(or + 1)
}

#[cfg(test)]
mod tests {
    use super::{Evidence, Opening};
    use crate::requirements::cues::{Cue, Vague};

    #[test]
    fn cues_numbers_and_vague_words_are_found_once() {
        let found = Evidence::of("The shop must be fast, FAST and cheap, no later than 3 weeks");
        assert_eq!(
            found.vague,
            [
                (Vague::Speed, "fast".to_owned()),
                (Vague::Price, "cheap".to_owned())
            ]
        );
        assert_eq!(found.cues, [Cue::Duty, Cue::Deadline]);
        assert!(found.measures.number);
    }

    #[test]
    fn ordinary_words_are_not_taken_for_technology() {
        assert!(!Evidence::of("bikes rust in rain").has(Cue::Technology));
        assert!(Evidence::of("written in Rust").has(Cue::Technology));
    }

    #[test]
    fn choices_between_named_things_are_open() {
        assert!(Evidence::of("Use Postgres or MySQL").choice);
        assert!(Evidence::of("it is either red or blue").choice);
        assert!(!Evidence::of("Customers pay by card or PayPal").choice);
        assert!(!Evidence::of("Use 5 or more nodes").choice);
        assert!(!Evidence::of("or").choice);
    }

    #[test]
    fn openings_are_told_apart() {
        for (text, expected) in [
            ("Build it", Opening::Build),
            ("Use it", Opening::Order),
            ("We want it", Opening::Wish),
            ("It is", Opening::Other),
            ("Run: an attempt", Opening::Other),
            ("", Opening::Other),
        ] {
            assert_eq!(Evidence::of(text).opening, expected, "{text:?}");
        }
    }
}
