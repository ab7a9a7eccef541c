//! How much an item is wanted, by the words that it says so with.

use super::super::document::Priority;
use super::super::item::ItemKind;
use super::super::words::words;

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
    "optional",
    "gerne",
];

/// The priority that `text` states; else the one that its kind has.
pub fn priority(kind: ItemKind, text: &str) -> Priority {
    if kind == ItemKind::OutOfScope {
        return Priority::Wont;
    }
    let words = words(text);
    let says = |list: &[&str]| words.iter().any(|word| list.contains(&word.lower.as_str()));
    if says(COULD) || text.to_lowercase().contains("nice to have") {
        return Priority::Could;
    }
    if says(SHOULD) {
        return Priority::Should;
    }
    if says(MUST) {
        return Priority::Must;
    }
    match kind {
        ItemKind::Goal | ItemKind::Constraint | ItemKind::SuccessCriterion => Priority::Must,
        ItemKind::Functional
        | ItemKind::Scope
        | ItemKind::NonFunctional
        | ItemKind::Risk
        | ItemKind::OpenQuestion => Priority::Should,
        ItemKind::OutOfScope => Priority::Wont,
    }
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
            (ItemKind::Functional, "Users can print", Priority::Should),
            (ItemKind::Constraint, "Use Rust", Priority::Must),
            (ItemKind::OutOfScope, "It must not print", Priority::Wont),
            (ItemKind::Scope, "Drucker, nice to have", Priority::Could),
        ] {
            assert_eq!(priority(kind, text), expected, "{text}");
        }
    }
}
