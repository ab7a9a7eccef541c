//! How much an item is wanted, by the words that it says so with.

use std::sync::LazyLock;

use super::super::document::Priority;
use super::super::item::ItemKind;
use super::super::permission::Permissions;
use super::super::words::{Lexicon, Word, words};

/// What a word says about how much something is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Must,
    Should,
    Could,
    /// "May", where it permits.
    May,
}

static SAID: LazyLock<Lexicon<Said>> = LazyLock::new(|| {
    Lexicon::new(&[
        (
            Said::Must,
            "must, shall, needs, need, required, requires, never, always, only, mandatory, critical, \
             essential, muss, müssen, benötigt, nur, niemals",
        ),
        (Said::Should, "should, ought, soll, sollen, sollte, sollten"),
        (
            Said::Could,
            "could, might, optional, optionally, nice-to-have, nice to have, would be nice, ideally, \
             perhaps, maybe, könnte, wünschenswert, gerne, wäre schön",
        ),
        (Said::May, "may"),
    ])
});

/// The priority that `text` states; else the one that its kind has.
pub fn priority(kind: ItemKind, text: &str) -> Priority {
    if kind == ItemKind::OutOfScope {
        return Priority::Wont;
    }
    let words = words(text);
    let may = Permissions::of(&words);
    let mut is_must = false;
    let mut is_should = false;
    for at in 0..words.len() {
        match SAID.longest_at(&words, at).map(|(said, _)| said) {
            Some(Said::Could) => return Priority::Could,
            Some(Said::May) if may.is_at(at) => return Priority::Could,
            Some(Said::Should) => is_should = true,
            Some(Said::Must) => is_must = true,
            Some(Said::May) | None => is_must |= has_to(&words, at),
        }
    }
    if is_should {
        return Priority::Should;
    }
    if is_must {
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
