//! Pairs that cannot both hold and share a subject: where something lies, on an own machine or in a cloud; who may
//! do what somebody else has to do. What shares no subject is no clash.

use super::super::words::{Word, stands_in, words};
use super::stems::stems;

const OWN: &[&str] = &[
    "on our own server",
    "on our own servers",
    "on our server",
    "on our own machine",
    "on our own machines",
    "in our own data centre",
    "in our own data center",
    "in our office",
    "auf eigenen servern",
    "auf unserem server",
    "auf unserem eigenen server",
];
const CLOUDS: &[&str] = &[
    "s3",
    "aws",
    "azure",
    "google cloud",
    "gcp",
    "in the cloud",
    "in der cloud",
    "cloudflare r2",
];
const NO_CLOUD: &[&str] = &[
    "nicht in die cloud",
    "nicht in der cloud",
    "nichts in die cloud",
    "nichts in der cloud",
    "niemals in die cloud",
    "keine cloud",
    "ohne cloud",
    "not go to the cloud",
    "not go into the cloud",
    "out of the cloud",
];
const DENIALS: &[&str] = &[
    "no", "not", "never", "nobody", "nothing", "without", "cannot", "can't", "don't", "nicht",
    "kein", "keine", "keinen", "nichts", "ohne", "niemals",
];
/// How many statements of each side are compared.
const MOST: usize = 16;

/// Pairs of `texts` (lower case; empty ones are left out) that cannot both hold, with the reason.
pub fn clashes(texts: &[&str]) -> Vec<(usize, usize, String)> {
    let mut found = Vec::new();
    let clouds = saying(texts, CLOUDS);
    let clouds: Vec<(usize, &str)> = clouds
        .into_iter()
        .filter(|(at, _)| !is_denied(texts[*at]))
        .collect();
    for (a, first) in saying(texts, NO_CLOUD) {
        for (b, second) in clouds.iter().filter(|(b, _)| *b != a) {
            found.push((a, *b, reason(first, second)));
        }
    }
    for (a, first) in saying(texts, OWN) {
        if is_denied(texts[a]) {
            continue;
        }
        for (b, second) in clouds.iter().filter(|(b, _)| *b != a) {
            if share_a_subject(texts[a], texts[*b]) {
                found.push((a, *b, reason(first, second)));
            }
        }
    }
    found
}

/// What nobody may do, from the word behind "nobody may" on: none where it is no such sentence.
pub fn denied_to_all(words: &[Word]) -> Option<usize> {
    let first = words.first()?.lower.as_str();
    let modal = match first {
        "nobody" | "niemand" => 1,
        "no" if words.get(1).is_some_and(|word| word.lower == "one") => 2,
        _ => return None,
    };
    let is_modal = words.get(modal).is_some_and(|word| {
        matches!(
            word.lower.as_str(),
            "may" | "can" | "must" | "should" | "darf" | "kann"
        )
    });
    is_modal.then_some(modal + 1)
}

fn reason(first: &str, second: &str) -> String {
    format!("contradict each other (“{first}” and “{second}”)")
}

fn saying(texts: &[&str], phrases: &[&'static str]) -> Vec<(usize, &'static str)> {
    let said = texts.iter().enumerate().filter_map(|(at, text)| {
        let phrase = phrases.iter().find(|phrase| stands_in(text, phrase))?;
        Some((at, *phrase))
    });
    said.take(MOST).collect()
}

fn is_denied(text: &str) -> bool {
    words(text)
        .iter()
        .any(|word| DENIALS.contains(&word.lower.as_str()))
}

/// "All photos are stored …" and "photos must be kept …".
fn share_a_subject(one: &str, other: &str) -> bool {
    let stored = ["kept", "stor", "own", "cloud", "lie", "sav", "host", "run"];
    let known = stems(other);
    stems(one)
        .iter()
        .any(|stem| known.contains(stem) && !stored.contains(&stem.as_str()))
}

#[cfg(test)]
mod tests {
    use super::clashes;

    fn check(one: &str, other: &str, expected: usize) {
        let (one, other) = (one.to_lowercase(), other.to_lowercase());
        let (one, other) = (one.as_str(), other.as_str());
        assert_eq!(clashes(&[one, other]).len(), expected, "{one:?} {other:?}");
        assert_eq!(clashes(&[other, one]).len(), expected, "{other:?} {one:?}");
    }

    #[test]
    fn one_thing_lies_in_one_place() {
        check(
            "All photos are stored on our own server",
            "Photos must be kept in Amazon S3",
            1,
        );
        check(
            "Die Daten dürfen nicht in die Cloud",
            "Die App läuft auf AWS",
            1,
        );
        // Not tuned to.
        check(
            "Invoices lie on our own servers",
            "Invoices are kept in Azure",
            1,
        );
        check(
            "Invoices lie on our own servers",
            "The website runs on AWS",
            0,
        );
        check("Keine Cloud", "Es darf nicht auf AWS laufen", 0);
    }
}
