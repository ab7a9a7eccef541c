//! Statements that cannot both hold though they share no words, and what a sentence is about. Data, and the
//! plainest of readings: what is found is put to a person as a question.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::super::lookup::{Words, set};
use super::super::words::{Gap, Lexicon, Word, phrase};
use super::stems::stem;

/// Pairs of sides: phrases of one side, parted by `, `, do not go with phrases of the other. A phrase stands
/// on one side of one pair. Words are compared without hyphens.
const OPPOSITES: &[(&str, &str)] = &[
    (
        "offline, without internet, without a network, without a connection",
        "online only, always online, internet connection is required, requires an internet connection, \
         needs an internet connection, live from the, always be live, always live, from the central server, \
         always connected",
    ),
    (
        "free of charge, for free, kostenlos",
        "paid only, subscription fee, pay a fee, monthly fee",
    ),
    ("open source", "proprietary, closed source"),
    (
        "self hosted, on premise, on premises",
        "cloud only, only in the cloud",
    ),
    (
        "anonymous, anonymously, without an account, without logging in, ohne konto",
        "must log in, must sign in, must register, only registered, login is required, requires an account, \
         müssen sich anmelden",
    ),
    ("single user", "multi user, multiple users, multi tenant"),
    (
        "no cloud, not in the cloud, never in the cloud, nothing in the cloud, not leave our own servers",
        "aws, azure, google cloud, gcp, in the cloud, amazon web services, lambda",
    ),
    (
        "no data may be deleted, no data may ever be deleted, nothing may be deleted, nothing may ever be deleted, \
         data must never be deleted, never delete data, never be deleted, data must not be deleted",
        "delete their account, delete their data, can delete, is deleted after, are deleted after, \
         be deleted after, able to delete",
    ),
    (
        "no passwords, without passwords, without a password, passwordless, no password",
        "with a password, with their password, password and, and password, by password",
    ),
    (
        "nobody may see, no one may see, nobody may read, no one may read, nobody can read",
        "see everything, read everything, sees everything, access to everything, see all data",
    ),
];

/// Which of the two sides of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    One,
    Other,
}

/// A side of a pair that a statement takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The pair's number.
    pub pair: usize,
    pub side: Side,
    /// The words that say so.
    pub phrase: String,
}

/// How many pairs of sides there are.
pub const PAIRS: usize = OPPOSITES.len();

static PHRASES: LazyLock<Lexicon<(usize, Side)>> = LazyLock::new(|| {
    let groups: Vec<((usize, Side), &'static str)> = OPPOSITES
        .iter()
        .enumerate()
        .flat_map(|(pair, (one, other))| [((pair, Side::One), *one), ((pair, Side::Other), *other)])
        .collect();
    Lexicon::new(&groups)
});

/// The sides that a statement takes, each once, with the first phrase that says so.
pub fn taken(spoken: &[Word]) -> Vec<Taken> {
    let spoken = unhyphened(spoken);
    let mut found: Vec<Taken> = Vec::new();
    for at in 0..spoken.len() {
        let Some(((pair, side), length)) = PHRASES.longest_at(&spoken, at) else {
            continue;
        };
        let is_known = found
            .iter()
            .any(|known| (known.pair, known.side) == (pair, side));
        if !is_known && !is_denied(&spoken, at) {
            let phrase = phrase(&spoken[at..at + length]);
            found.push(Taken { pair, side, phrase });
        }
    }
    found
}

/// "On-premise" is "on premise".
fn unhyphened(spoken: &[Word]) -> Cow<'_, [Word]> {
    let is_joined = |word: &Word| word.lower.contains(['-', '/']);
    if !spoken.iter().any(is_joined) {
        return Cow::Borrowed(spoken);
    }
    let parts = spoken.iter().flat_map(|word| {
        let parts = word.lower.split(['-', '/']).filter(|part| !part.is_empty());
        parts.map(|part| Word {
            lower: part.to_owned(),
            ..word.clone()
        })
    });
    Cow::Owned(parts.collect())
}

/// Words that turn what follows them into its opposite.
static DENIALS: Words = LazyLock::new(|| {
    set(
        "no, not, none, never, nobody, nothing, without, cannot, can't, don't, doesn't, mustn't, \
         shouldn't, won't, kein, keine, keinen, nicht, ohne, niemals",
    )
});
/// How far before a phrase its denial may stand.
const DENIAL_REACH: usize = 5;

/// Whether the same clause denies what stands in this place.
fn is_denied(spoken: &[Word], at: usize) -> bool {
    let before = spoken[at.saturating_sub(DENIAL_REACH)..at].iter().rev();
    let in_clause = before.take_while(|word| {
        word.gap == Gap::Space && !matches!(word.lower.as_str(), "and" | "but" | "und" | "aber")
    });
    in_clause
        .into_iter()
        .any(|word| DENIALS.contains(word.lower.as_str()))
}

/// Pages are a part among others where what they do is measured: the rest of the words leaves them out.
pub fn subject_of(spoken: &[Word]) -> Option<String> {
    let subject = spoken.iter().take(3).find(|word| {
        matches!(
            word.lower.as_str(),
            "page" | "pages" | "seite" | "seiten" | "website"
        )
    })?;
    Some(stem(&subject.lower))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{OPPOSITES, taken};
    use crate::requirements::words::words;

    fn check(one: &str, other: &str, expected: bool) {
        let (first, second) = (taken(&words(one)), taken(&words(other)));
        let is_opposed = first
            .iter()
            .any(|a| second.iter().any(|b| a.pair == b.pair && a.side != b.side));
        assert_eq!(is_opposed, expected, "{one:?} {other:?}");
    }

    #[test]
    fn opposites_in_plain_words_are_found() {
        for (one, other) in [
            (
                "Everything must work offline",
                "All data must always be live from the central server",
            ),
            ("No cloud", "It must run on AWS"),
            ("Not in the cloud", "An AWS-only tool"),
            (
                "Users can delete their account",
                "No data may ever be deleted",
            ),
            (
                "Partners must log in with a password",
                "There should be no passwords anywhere",
            ),
            (
                "Admins see everything",
                "Nobody may see the partners' messages",
            ),
            ("It never loses data and works offline", "Always online"),
            ("Self-hosted", "It is a cloud-only product"),
            ("Without an account", "Buyers must register"),
            // Not tuned to.
            (
                "Nothing may be deleted",
                "Readings are deleted after 13 months",
            ),
        ] {
            check(one, other, true);
        }
    }

    #[test]
    fn what_both_forbid_is_no_opposite() {
        for (one, other) in [
            ("No cloud", "It must not run on AWS"),
            ("Everything must work offline", "It must be quick"),
            ("No passwords in logs", "Users pay by card"),
            ("It does not have to work offline", "It is always online"),
        ] {
            check(one, other, false);
        }
    }

    #[test]
    fn a_phrase_stands_on_one_side_alone() {
        let mut known = HashSet::new();
        for (one, other) in OPPOSITES {
            for phrase in one.split(", ").chain(other.split(", ")) {
                assert!(known.insert(phrase), "{phrase}");
                assert!(!phrase.contains('-'), "{phrase}");
            }
        }
    }
}
