//! Facts about existing code that an item moves away from: "runs on Python 3.7" beside "Move from Python
//! 3.7 to 3.12". Such a fact is no need, and nothing contradicts it.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::super::document::{Origin, Requirement};
use super::super::item::ItemKind;
use super::super::lookup::{Words, set};
use super::super::words::{Gap, Word, lower_at};

/// How a fact about what the code stands on begins.
const OPENINGS: &[&str] = &[
    "The existing code runs on ",
    "The existing code needs ",
    "The existing code uses ",
];

/// How many words what is left, or what is gone to, may have.
const MOST_WORDS: usize = 6;

/// What the code stands on.
#[derive(Debug, PartialEq, Eq)]
struct Ground<'w> {
    name: Vec<&'w str>,
    version: Option<&'w str>,
}

/// Verbs that leave what follows them, or what follows their "from".
static LEAVING: Words = LazyLock::new(|| {
    set(
        "move, moves, moving, moved, migrate, migrates, migrating, migrated, upgrade, upgrades, \
         upgrading, upgraded, switch, switching, port, porting, ported, get, away, go, update, \
         updating, change, transition",
    )
});
/// Verbs whose object goes.
static REPLACING: Words = LazyLock::new(|| {
    set(
        "replace, replaces, replacing, drop, dropping, retire, retiring, abandon, remove, removing, \
         upgrade, upgrades, upgrading, update, updating, migrate, migrating, port, porting, ersetzen",
    )
});
/// The same of what stands before them.
static REPLACED: Words = LazyLock::new(|| {
    set("replaced, dropped, retired, removed, upgraded, migrated, updated, ersetzt")
});

/// For each fact that is left behind its place, and the place of the item that leaves it.
pub fn left_behind(items: &[Requirement], spoken: &[Vec<Word>]) -> HashMap<usize, usize> {
    let mut facts: HashMap<&str, Vec<(usize, Ground<'_>)>> = HashMap::new();
    for (at, (item, words)) in items.iter().zip(spoken).enumerate() {
        if is_fact(item)
            && let Some(ground) = ground(words)
        {
            facts.entry(ground.name[0]).or_default().push((at, ground));
        }
    }
    let mut found = HashMap::new();
    if facts.is_empty() {
        return found;
    }
    for (at, (item, words)) in items.iter().zip(spoken).enumerate() {
        if is_fact(item) || !is_wanted(item) {
            continue;
        }
        for place in 0..words.len() {
            let Some(known) = facts.get(words[place].lower.as_str()) else {
                continue;
            };
            for (fact, ground) in known {
                if ground.is_left(words, place) {
                    found.entry(*fact).or_insert(at);
                }
            }
        }
    }
    found
}

/// Whether an item is a fact about what existing code stands on.
pub fn is_fact(item: &Requirement) -> bool {
    item.kind == ItemKind::Goal
        && item.origin == Origin::Attachment
        && OPENINGS
            .iter()
            .any(|opening| item.text.starts_with(opening))
}

fn is_wanted(item: &Requirement) -> bool {
    match item.kind {
        ItemKind::Goal
        | ItemKind::Functional
        | ItemKind::Scope
        | ItemKind::Constraint
        | ItemKind::NonFunctional => !item.is_ruled_out(),
        ItemKind::OutOfScope
        | ItemKind::SuccessCriterion
        | ItemKind::Risk
        | ItemKind::OpenQuestion => false,
    }
}

fn ground(words: &[Word]) -> Option<Ground<'_>> {
    // "The existing code uses", "the existing code runs on".
    let start = match lower_at(words, 3) {
        "runs" => 5,
        _ => 4,
    };
    let rest = words.get(start..)?;
    let is_version = |word: &&Word| is_version(&word.lower);
    let name: Vec<&str> = rest
        .iter()
        .take_while(|word| !is_version(word) && word.lower != "or")
        .take(MOST_WORDS)
        .map(|word| word.lower.as_str())
        .collect();
    let version = rest.iter().find(is_version);
    (!name.is_empty()).then_some(Ground {
        name,
        version: version.map(|word| word.lower.as_str()),
    })
}

fn is_version(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

impl Ground<'_> {
    /// Whether what stands in this place is this, and is left.
    fn is_left(&self, words: &[Word], place: usize) -> bool {
        let end = place + self.name.len();
        let is_named = self
            .name
            .iter()
            .enumerate()
            .all(|(at, part)| lower_at(words, place + at) == *part);
        if !is_named {
            return false;
        }
        let said = Some(lower_at(words, end)).filter(|word| is_version(word));
        match (said, self.version) {
            (Some(said), Some(version)) if !agree(said, version) => {
                // "Upgrade to Python 3.12".
                leads(words, place, end) == Some(Lead::To)
            }
            (Some(_), None) | (None, _) | (Some(_), Some(_)) => {
                leads(words, place, end) == Some(Lead::From) || is_replaced(words, end)
            }
        }
    }
}

/// `3` and `3.7` agree, `3.7` and `3.12` do not.
fn agree(one: &str, other: &str) -> bool {
    let (short, long) = match one.len() < other.len() {
        true => (one, other),
        false => (other, one),
    };
    long == short
        || long
            .strip_prefix(short)
            .is_some_and(|rest| rest.starts_with('.'))
}

/// What the words before a name say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    /// It is left.
    From,
    /// It is gone to.
    To,
}

fn leads(words: &[Word], place: usize, end: usize) -> Option<Lead> {
    let from = place.saturating_sub(MOST_WORDS);
    let leaves = |before: usize| {
        let verbs = &words[before.saturating_sub(3)..before];
        verbs
            .iter()
            .any(|word| LEAVING.contains(word.lower.as_str()))
    };
    for at in (from..place).rev() {
        // The nearest word that says anything decides; a comma ends what it says.
        if words[at].gap != Gap::Space && at + 1 < place {
            return None;
        }
        let next = lower_at(words, at + 1);
        match words[at].lower.as_str() {
            "from" | "off" => return leaves(at).then_some(Lead::From),
            "to" if words[at.saturating_sub(8)..at].iter().any(is_leaving) => {
                return Some(Lead::To);
            }
            "instead" | "rid" if next == "of" => return Some(Lead::From),
            "no" | "without" | "kein" | "keine" | "ohne" if at + 2 >= place => {
                return Some(Lead::From);
            }
            "not" | "don't" | "never" if matches!(next, "use" | "run" | "need" | "depend") => {
                return Some(Lead::From);
            }
            // What it is replaced with, what it runs on.
            "with" | "by" => return None,
            "on" | "in" | "for" if at + 1 == place => return None,
            word if REPLACING.contains(word) && is_whole(words, end) => return Some(Lead::From),
            _ => {}
        }
    }
    None
}

/// Whether what ends here is meant itself, and not something of it ("the MySQL tables").
fn is_whole(words: &[Word], end: usize) -> bool {
    let after = end + usize::from(is_version(lower_at(words, end)));
    let is_parted = words
        .get(after.saturating_sub(1))
        .is_some_and(|word| word.gap != Gap::Space);
    is_parted
        || matches!(
            lower_at(words, after),
            "" | "to" | "into" | "with" | "by" | "and" | "as" | "for" | "before" | "durch"
        )
}

fn is_leaving(word: &Word) -> bool {
    LEAVING.contains(word.lower.as_str())
}

/// "Python 3.7 has to be replaced".
fn is_replaced(words: &[Word], end: usize) -> bool {
    let rest = words.iter().skip(end).take(MOST_WORDS);
    let mut is_passive = false;
    for word in rest {
        let lower = word.lower.as_str();
        if is_passive && REPLACED.contains(lower) {
            return true;
        }
        if matches!(lower, "with" | "and" | "to" | "by") && !is_passive && lower != "to" {
            return false;
        }
        is_passive |= matches!(lower, "be" | "is" | "are" | "gets" | "wird" | "werden");
    }
    false
}

#[cfg(test)]
mod tests {
    use super::ground;
    use crate::requirements::words::words;

    fn check(fact: &str, item: &str, expected: bool) {
        let (fact_words, item_words) = (words(fact), words(item));
        let ground = ground(&fact_words).expect("a fact");
        let is_left = (0..item_words.len()).any(|place| ground.is_left(&item_words, place));
        assert_eq!(is_left, expected, "{fact:?} {item:?}");
    }

    #[test]
    fn what_is_moved_from_is_left() {
        let python = "The existing code runs on Python 3.7";
        for item in [
            "Move from Python 3.7 to a supported version",
            "We want to move away from Python 3.7",
            "Upgrade Python 3.7 to 3.12",
            "Upgrade to Python 3.12",
            "Migrate the service from Python to Go",
            "Replace Python 3 with Rust",
            "Python 3.7 has to be replaced",
            "Get rid of Python",
        ] {
            check(python, item, true);
        }
        for item in [
            "Use Python 3.7",
            "It must run on Python 3.7",
            "Move from Python 2.7 to 3.7",
            "Move from Java to Python 3.7",
            "Replace Flask with Python",
            "Replace Flask with Django and Python",
            "Upgrade the library to run on Python 3.7",
        ] {
            check(python, item, false);
        }
        let mysql = "The existing code uses MySQL";
        for item in [
            "No MySQL",
            "Do not use MySQL",
            "Replace MySQL with PostgreSQL",
        ] {
            check(mysql, item, true);
        }
        for item in [
            "No data of MySQL may be lost",
            "Back up MySQL every night",
            "Update the MySQL tables",
        ] {
            check(mysql, item, false);
        }
        check(
            "The existing code needs Node.js 14.1 or later",
            "Move from Node.js 14.1 to a supported version",
            true,
        );
    }
}
