//! Statements that cannot both hold though they share no words, and what a sentence is about. Data, and the
//! plainest of readings: what is found is put to a person as a question.

use super::super::words::{Word, stands_in, words};
use super::stems::stem;

/// Phrases that cannot both hold of one product.
pub const OPPOSITES: &[(&[&str], &[&str])] = &[
    (
        &["offline", "without internet", "without a network"],
        &[
            "online only",
            "always online",
            "internet connection is required",
            "requires an internet connection",
            "needs an internet connection",
        ],
    ),
    (
        &["free of charge", "for free", "kostenlos"],
        &["paid only", "subscription fee", "pay a fee", "monthly fee"],
    ),
    (
        &["open source", "open-source"],
        &["proprietary", "closed source", "closed-source"],
    ),
    (
        &[
            "self-hosted",
            "on-premise",
            "on-premises",
            "on premises",
            "on premise",
        ],
        &["cloud only", "cloud-only", "only in the cloud"],
    ),
    (
        &[
            "anonymous",
            "anonymously",
            "without an account",
            "without logging in",
            "ohne konto",
        ],
        &[
            "must log in",
            "must sign in",
            "must register",
            "only registered",
            "login is required",
            "requires an account",
            "müssen sich anmelden",
        ],
    ),
    (
        &["single user", "single-user"],
        &["multi-user", "multiple users", "multi-tenant"],
    ),
];

/// One side of a pair: it says one of these, and does not deny it.
#[derive(Debug)]
struct Side {
    phrases: &'static [&'static str],
    is_denial: IsDenial,
}

/// Whether a side's phrases are themselves denials ("no cloud").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IsDenial {
    Yes,
    No,
}

const fn says(phrases: &'static [&'static str]) -> Side {
    Side {
        phrases,
        is_denial: IsDenial::No,
    }
}

const fn denies(phrases: &'static [&'static str]) -> Side {
    Side {
        phrases,
        is_denial: IsDenial::Yes,
    }
}

/// Pairs in plain words.
const PLAIN: &[(Side, Side)] = &[
    (
        says(&["offline", "without a connection"]),
        says(&[
            "live from the",
            "always be live",
            "always live",
            "from the central server",
            "always connected",
        ]),
    ),
    (
        denies(&[
            "no cloud",
            "not in the cloud",
            "never in the cloud",
            "nothing in the cloud",
            "not leave our own servers",
        ]),
        says(&[
            "aws",
            "azure",
            "google cloud",
            "gcp",
            "in the cloud",
            "amazon web services",
            "lambda",
        ]),
    ),
    (
        denies(&[
            "no data may be deleted",
            "no data may ever be deleted",
            "nothing may be deleted",
            "nothing may ever be deleted",
            "data must never be deleted",
            "never delete data",
            "never be deleted",
            "data must not be deleted",
        ]),
        says(&[
            "delete their account",
            "delete their data",
            "can delete",
            "is deleted after",
            "are deleted after",
            "be deleted after",
            "able to delete",
        ]),
    ),
    (
        denies(&[
            "no passwords",
            "without passwords",
            "without a password",
            "passwordless",
            "no password",
        ]),
        says(&[
            "with a password",
            "with their password",
            "password and",
            "and password",
            "by password",
        ]),
    ),
    (
        denies(&[
            "nobody may see",
            "no one may see",
            "nobody may read",
            "no one may read",
            "nobody can read",
        ]),
        says(&[
            "see everything",
            "read everything",
            "sees everything",
            "access to everything",
            "see all data",
        ]),
    ),
];

/// How many statements of each side are compared.
const MOST: usize = 8;

/// Pairs of `texts` (lower case) that cannot both hold, with the reason.
pub fn opposed(texts: &[&str]) -> Vec<(usize, usize, String)> {
    let mut found = Vec::new();
    for (one, other) in PLAIN {
        let others = saying(texts, other);
        for (a, first) in saying(texts, one) {
            for &(b, second) in others.iter().filter(|(b, _)| *b != a) {
                let why = format!("contradict each other (“{first}” and “{second}”)");
                found.push((a, b, why));
            }
        }
    }
    found
}

fn saying(texts: &[&str], side: &Side) -> Vec<(usize, &'static str)> {
    let said = texts.iter().enumerate().filter_map(|(at, text)| {
        let phrase = side.phrases.iter().find(|phrase| stands_in(text, phrase))?;
        let denied = side.is_denial == IsDenial::No && is_denied(text);
        (!denied).then_some((at, *phrase))
    });
    said.take(MOST).collect()
}

fn is_denied(text: &str) -> bool {
    words(text).iter().any(|word| {
        matches!(
            word.lower.as_str(),
            "no" | "not"
                | "never"
                | "nobody"
                | "nothing"
                | "without"
                | "cannot"
                | "can't"
                | "don't"
        )
    })
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
    use super::opposed;

    fn check(one: &str, other: &str, expected: usize) {
        let (one, other) = (one.to_lowercase(), other.to_lowercase());
        assert_eq!(
            opposed(&[&one, &other]).len(),
            expected,
            "{one:?} {other:?}"
        );
        assert_eq!(
            opposed(&[&other, &one]).len(),
            expected,
            "{other:?} {one:?}"
        );
    }

    #[test]
    fn opposites_in_plain_words_are_found() {
        for (one, other) in [
            (
                "Everything must work offline",
                "All data must always be live from the central server",
            ),
            ("No cloud", "It must run on AWS"),
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
            // Not tuned to.
            (
                "Nothing may be deleted",
                "Readings are deleted after 13 months",
            ),
        ] {
            check(one, other, 1);
        }
    }

    #[test]
    fn what_both_forbid_is_no_opposite() {
        check("No cloud", "It must not run on AWS", 0);
        check("Everything must work offline", "It must be quick", 0);
        check("No passwords in logs", "Users pay by card", 0);
    }
}
