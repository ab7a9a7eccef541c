//! Whether "later" puts a thing itself off ("an app comes later", "in a later version") or only says when
//! something is done with it ("can be changed later", "at any later time").

use super::telling::{is_demand, is_person};
use super::words::{Gap, Word, lower_at};

/// What comes later is put off: the words directly before.
const COMING: &[&str] = &[
    "add",
    "added",
    "adding",
    "come",
    "comes",
    "follow",
    "follows",
    "for",
    "until",
    "till",
    "done",
    "built",
    "build",
    "implemented",
    "introduced",
    "launched",
    "delivered",
    "planned",
    "left",
    "postponed",
    "deferred",
    "moved",
    "possibly",
    "perhaps",
    "maybe",
    "much",
    "kommt",
    "kommen",
    "folgt",
    "folgen",
    "hinzukommen",
    "perhaps",
    "and",
];
/// "In a later version".
const VERSIONS: &[&str] = &[
    "version",
    "versions",
    "release",
    "releases",
    "phase",
    "phases",
    "step",
    "stage",
    "iteration",
    "sprint",
    "milestone",
    "year",
    "versionen",
    "ausbaustufe",
];
/// "At any later time".
const TIMES: &[&str] = &[
    "time",
    "times",
    "date",
    "point",
    "moment",
    "day",
    "zeitpunkt",
];
const DUTIES: &[&str] = &[
    "must", "should", "shall", "can", "may", "able", "has", "have", "cannot", "can't", "need",
    "needs", "muss", "müssen", "soll", "sollen", "kann", "können",
];

/// How far around a word it is read; bounds the work for each.
const REACH: usize = 32;

/// Whether word `at` ("later", "später") puts off what its clause is about.
pub fn defers(words: &[Word], at: usize) -> bool {
    let before = at.checked_sub(1).map_or("", |at| lower_at(words, at));
    let next = lower_at(words, at + 1);
    if VERSIONS.contains(&next) {
        return true;
    }
    if matches!(before, "sooner" | "or") || next == "than" {
        return false;
    }
    let is_about_people = words[..at].iter().take(3).any(is_person);
    let is_duty = words
        .iter()
        .take(at + REACH)
        .skip(at.saturating_sub(REACH))
        .any(|word| DUTIES.contains(&word.lower.as_str()));
    if TIMES.contains(&next) {
        let back = at.saturating_sub(3);
        return words[back..at].iter().any(|word| {
            matches!(
                word.lower.as_str(),
                "come" | "comes" | "follow" | "follows" | "added"
            )
        }) && !is_about_people;
    }
    if at == 0 {
        let opens = matches!(
            next,
            "we" | "i" | "on" | "perhaps" | "maybe" | "a" | "an" | "also"
        );
        return words[0].gap == Gap::Colon || opens || words.len() == 1;
    }
    if is_about_people && is_duty {
        return false;
    }
    if COMING.contains(&before) {
        return true;
    }
    !is_duty && !is_demand(words)
}

/// Phrases such as "not yet" or "in the future" leave nothing out where the sentence itself asks for something.
pub fn leaves_out(words: &[Word]) -> bool {
    let is_bound = words.iter().take(REACH).any(|word| {
        matches!(
            word.lower.as_str(),
            "must" | "should" | "shall" | "muss" | "müssen" | "soll" | "sollen"
        )
    });
    !is_bound && !is_demand(words)
}

#[cfg(test)]
mod tests {
    use super::defers;
    use crate::requirements::words::words;

    fn check(text: &str, expected: bool) {
        let words = words(text);
        let at = words
            .iter()
            .position(|word| matches!(word.lower.as_str(), "later" | "später"));
        assert_eq!(
            at.is_some_and(|at| defers(&words, at)),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn only_what_comes_later_itself_is_put_off() {
        for text in [
            "Later: a loyalty programme",
            "A mobile app comes later",
            "Payments arrive in a later version",
            "Reminders by SMS and a loyalty programme can come later",
            "We will upgrade Java later",
            "A forum, later",
            // Not tuned to.
            "An app should follow later",
            "Gift cards are planned for later",
            "Ein Forum kommt später",
            "Payments can be added later",
        ] {
            check(text, true);
        }
        for text in [
            "Users must be able to change their e-mail later",
            "Each order must be kept, so that the shop can look at it at any later time",
            "The order can be cancelled at a later time",
            "Each loan must be recorded so that it can be shown at any later time",
            // Not tuned to.
            "Members can add photos later",
            "The report must be readable ten years later",
            "It must be possible to undo this later",
            "Nutzer müssen ihre Adresse später ändern können",
            "Sooner or later",
        ] {
            check(text, false);
        }
    }
}
