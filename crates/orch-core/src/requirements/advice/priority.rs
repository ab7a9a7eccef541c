//! How much an item is wanted, by the words that it says so with.

use super::super::dates::month;
use super::super::document::Priority;
use super::super::item::ItemKind;
use super::super::words::{Word, words};

const MUST: &[&str] = &[
    "must",
    "shall",
    "needs",
    "need",
    "required",
    "requires",
    "never",
    "always",
    "only",
    "mandatory",
    "critical",
    "essential",
    "muss",
    "müssen",
    "benötigt",
    "nur",
    "niemals",
];
const SHOULD: &[&str] = &["should", "ought", "soll", "sollen", "sollte", "sollten"];
const COULD: &[&str] = &[
    "could",
    "may",
    "might",
    "optional",
    "optionally",
    "nice-to-have",
    "ideally",
    "perhaps",
    "maybe",
    "könnte",
    "wünschenswert",
    "gerne",
];
/// Words that turn a permission into a prohibition.
const NOBODY: &[&str] = &[
    "no", "nobody", "none", "nothing", "neither", "nor", "never", "cannot", "niemand", "nichts",
    "kein", "keine", "keinen",
];

/// The priority that `text` states; else the one that its kind has.
pub fn priority(kind: ItemKind, text: &str) -> Priority {
    if kind == ItemKind::OutOfScope {
        return Priority::Wont;
    }
    let words = words(text);
    let says = |list: &[&str]| words.iter().any(|word| list.contains(&word.lower.as_str()));
    let lower = text.to_lowercase();
    let wished = ["nice to have", "would be nice", "wäre schön"];
    if (0..words.len()).any(|at| permits(&words, at))
        || wished.iter().any(|wish| lower.contains(wish))
    {
        return Priority::Could;
    }
    if says(SHOULD) {
        return Priority::Should;
    }
    if says(MUST) || (0..words.len()).any(|at| has_to(&words, at)) {
        return Priority::Must;
    }
    match kind {
        // What the product does or somebody can do with it is what was asked for.
        ItemKind::Goal
        | ItemKind::Constraint
        | ItemKind::SuccessCriterion
        | ItemKind::Functional
        | ItemKind::Scope
        | ItemKind::NonFunctional => Priority::Must,
        ItemKind::Risk | ItemKind::OpenQuestion => Priority::Should,
        ItemKind::OutOfScope => Priority::Wont,
    }
}

/// "It may print", but not "nobody may read", "may not share", "by May".
fn permits(words: &[Word], at: usize) -> bool {
    let word = words[at].lower.as_str();
    if !COULD.contains(&word) || month(words, at).is_some() {
        return false;
    }
    if word != "may" {
        return true;
    }
    let next = words.get(at + 1).map_or("", |word| word.lower.as_str());
    let forbidden = words[..at]
        .iter()
        .any(|word| NOBODY.contains(&word.lower.as_str()));
    let is_only = words[..at].iter().any(|word| word.lower == "only");
    !forbidden && !is_only && !matches!(next, "not" | "only" | "never")
}

/// "It has to be ready"; "we do not have to" demands nothing.
fn has_to(words: &[Word], at: usize) -> bool {
    let is_duty = matches!(words[at].lower.as_str(), "has" | "have" | "had")
        && words.get(at + 1).is_some_and(|next| next.lower == "to");
    let before = at
        .checked_sub(1)
        .map_or("", |before| words[before].lower.as_str());
    is_duty && !matches!(before, "not" | "don't" | "doesn't")
}

#[cfg(test)]
mod tests {
    use super::{Priority, priority};
    use crate::requirements::ItemKind;

    #[test]
    fn words_decide_before_the_kind_does() {
        for (kind, text, expected) in [
            (ItemKind::Functional, "It must print", Priority::Must),
            (ItemKind::Functional, "It should print", Priority::Should),
            (ItemKind::Functional, "It may print", Priority::Could),
            (ItemKind::Functional, "Users can print", Priority::Must),
            (ItemKind::Functional, "It prints", Priority::Must),
            (ItemKind::Constraint, "Use Rust", Priority::Must),
            (ItemKind::OutOfScope, "It must not print", Priority::Wont),
            (ItemKind::Scope, "Drucker, nice to have", Priority::Could),
            (
                ItemKind::Scope,
                "Ein Export als Excel wäre schön",
                Priority::Could,
            ),
        ] {
            assert_eq!(priority(kind, text), expected, "{text}");
        }
    }

    #[test]
    fn a_prohibition_and_a_duty_are_musts_and_a_month_is_no_permission() {
        for text in [
            "No data may be lost",
            "Nobody may read the keys of others",
            "No data may ever be deleted",
            "Users may not share passwords",
            "Only admins may delete entries",
            "It must be finished by 1 May 2027",
            "Everything has to be off the old servers by 15 June",
            "A restore has to be tested every month",
            // Not tuned to.
            "Nothing may leave the house",
            "Guests may only read",
            "Ready in May",
            "All keys have to be rotated",
        ] {
            assert_eq!(
                priority(ItemKind::Functional, text),
                Priority::Must,
                "{text}"
            );
        }
        for text in [
            "Users may share lists",
            "It might rain",
            "An export, optional",
        ] {
            assert_eq!(
                priority(ItemKind::Functional, text),
                Priority::Could,
                "{text}"
            );
        }
    }
}
