//! Cuts a sentence into clauses that could stand alone, so that "respond within 200 ms and cost less
//! than $50" is read as two needs. Says where clauses are; what they mean is decided elsewhere.

use std::ops::Range;

use super::verbs::{
    BUILD_VERBS, CLAUSE_VERBS, CLAUSE_VERBS_THIRD, MODALS, ORDER_VERBS, PREDICATES,
};
use super::words::{Gap, Word, words};

/// Bounds what one endless sentence can be multiplied by.
const MAX_CLAUSES: usize = 8;
const MAX_CARRIED_BYTES: usize = 120;
/// How many words a subject may have before its verb.
const MAX_SUBJECT_WORDS: usize = 8;
/// How far back a number or a duty is looked for; bounds the work for each word.
const MAX_LOOK_BACK: usize = 64;

/// A part of a sentence, in bytes of the sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// The subject, perhaps with its auxiliary, that an earlier clause lends to this one.
    pub carried: Option<Range<usize>>,
    /// The clause's own words.
    pub body: Range<usize>,
}

impl Clause {
    /// The clause as a text of its own.
    pub fn text(&self, sentence: &str) -> String {
        let body = &sentence[self.body.clone()];
        match &self.carried {
            Some(carried) => format!("{} {body}", &sentence[carried.clone()]),
            None => body.to_owned(),
        }
    }
}

/// The clauses of `sentence`, in order: at least one.
pub fn clauses(sentence: &str) -> Vec<Clause> {
    let words = words(sentence);
    let mut found = Vec::new();
    let mut first = 0;
    let mut head = 0;
    let mut predicated = false;
    let mut open = Clause {
        carried: None,
        body: 0..sentence.len(),
    };
    for at in 0..words.len() {
        if found.len() + 1 == MAX_CLAUSES {
            break;
        }
        if let Some(seam) = seam(&words, first, at)
            && (predicated || seam.strength == Strength::Clear)
        {
            let carried = match seam.opening {
                Opening::Infinitive => lent(&words[..at], head, Lend::WithAuxiliary),
                Opening::Finite => lent(&words[..at], head, Lend::Subject),
                Opening::OwnSubject => None,
            };
            let hangs = seam.opening == Opening::Infinitive && seam.strength == Strength::Slight;
            if hangs && carried.is_none() && !orders(&words, head) {
                continue;
            }
            if seam.opening == Opening::OwnSubject {
                head = at;
            }
            let left =
                sentence[open.body.start..words[seam.left].end].trim_end_matches([',', ';', ' ']);
            open.body.end = open.body.start + left.len();
            found.push(open);
            open = Clause {
                carried,
                body: words[at].start..sentence.len(),
            };
            first = at;
            predicated = false;
        }
        predicated = predicated || PREDICATES.contains(words[at].lower.as_str());
    }
    found.push(open);
    found
}

/// Whether the clause at word `head` has a bare verb that another one can follow ("use", "we want to use").
fn orders(words: &[Word], head: usize) -> bool {
    let opening = &words[head..words.len().min(head + MAX_SUBJECT_WORDS)];
    opening
        .first()
        .is_some_and(|word| is_bare_verb(&word.lower))
        || opening.windows(2).any(|pair| {
            matches!(pair[0].lower.as_str(), "to" | "please") && is_bare_verb(&pair[1].lower)
        })
}

/// How a clause opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// With a bare verb that hangs on an earlier auxiliary or stands as an order.
    Infinitive,
    /// With a verb that lacks its subject.
    Finite,
    /// With a subject, or with a word such as "no" that needs none.
    OwnSubject,
}

/// The place between two clauses.
struct Seam {
    /// The last word of the clause on the left.
    left: usize,
    opening: Opening,
    strength: Strength,
}

/// How much a seam says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strength {
    /// A clause ends here even if no verb was seen in it ("99% uptime, and the bill must stay low").
    Clear,
    /// A clause ends here only if a verb was seen in it.
    Slight,
}

fn seam(words: &[Word], first: usize, at: usize) -> Option<Seam> {
    let before = at.checked_sub(1).filter(|before| *before > first)?;
    if words[before].gap == Gap::Semicolon {
        return Some(Seam {
            left: before,
            opening: opening(words, at).unwrap_or(Opening::OwnSubject),
            strength: Strength::Clear,
        });
    }
    let left = if is_joiner(&words[before].lower) {
        before.checked_sub(1).filter(|left| *left >= first)?
    } else if words[before].gap == Gap::Comma {
        before
    } else {
        return None;
    };
    let opening = opening(words, at)?;
    let counted = || {
        words[first.max(left.saturating_sub(MAX_LOOK_BACK))..=left]
            .iter()
            .any(|word| word.lower.contains(|c: char| c.is_ascii_digit()))
    };
    let parted = left < before && words[left].gap == Gap::Comma;
    let strength = if parted && opening == Opening::OwnSubject && counted() {
        Strength::Clear
    } else {
        Strength::Slight
    };
    Some(Seam {
        left,
        opening,
        strength,
    })
}

fn opening(words: &[Word], at: usize) -> Option<Opening> {
    let word = words[at].lower.as_str();
    let next = words.get(at + 1)?;
    // The joiner itself is no subject: the clause begins behind it.
    if is_joiner(word) {
        return None;
    }
    if matches!(
        word,
        "no" | "without"
            | "never"
            | "only"
            | "not"
            | "maybe"
            | "perhaps"
            | "possibly"
            | "don't"
            | "do"
    ) {
        return Some(Opening::OwnSubject);
    }
    let next_is_modal = MODALS.contains(next.lower.as_str());
    // "Time and cost of hosting", "speed and cost must": here the word is a noun.
    let noun = next_is_modal
        || is_joiner(&next.lower)
        || next.lower == "of"
        || words[at].gap != Gap::Space;
    let is_duty = |word: &Word| matches!(word.lower.as_str(), "must" | "should" | "shall" | "will");
    let before = || words[at.saturating_sub(MAX_LOOK_BACK)..at].iter();
    if matches!(word, "need" | "have") && next.lower != "to" && before().any(is_duty) {
        return Some(Opening::Infinitive);
    }
    if MODALS.contains(word) || (CLAUSE_VERBS_THIRD.contains(word) && !noun) {
        return Some(Opening::Finite);
    }
    if is_bare_verb(word) && !noun {
        return Some(Opening::Infinitive);
    }
    let determined = matches!(
        word,
        "the"
            | "it"
            | "we"
            | "they"
            | "a"
            | "an"
            | "all"
            | "every"
            | "each"
            | "our"
            | "this"
            | "that"
            | "there"
            | "i"
    );
    let reach = if determined { 3 } else { 1 };
    let has_verb = words[at + 1..].iter().take(reach).any(|later| {
        MODALS.contains(later.lower.as_str()) || CLAUSE_VERBS_THIRD.contains(later.lower.as_str())
    });
    has_verb.then_some(Opening::OwnSubject)
}

fn is_joiner(word: &str) -> bool {
    matches!(word, "and" | "but" | "plus" | "yet")
}

fn is_bare_verb(word: &str) -> bool {
    CLAUSE_VERBS.contains(word) || BUILD_VERBS.contains(word) || ORDER_VERBS.contains(word)
}

/// How much a clause lends to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lend {
    /// "The page"
    Subject,
    /// "The page must"
    WithAuxiliary,
}

/// What the clause that starts at word `head` lends to a later one.
fn lent(words: &[Word], head: usize, lend: Lend) -> Option<Range<usize>> {
    let verb = words[head..]
        .iter()
        .take(MAX_SUBJECT_WORDS)
        .position(|word| {
            MODALS.contains(word.lower.as_str())
                || (lend == Lend::Subject && CLAUSE_VERBS_THIRD.contains(word.lower.as_str()))
        })
        .map(|offset| head + offset)?;
    let end = match lend {
        Lend::Subject => verb,
        Lend::WithAuxiliary => end_of_auxiliary(words, verb),
    };
    let last = end.checked_sub(1).filter(|last| *last >= head)?;
    let range = words[head].start..words[last].end;
    (range.len() <= MAX_CARRIED_BYTES).then_some(range)
}

/// The word after "must", "must not", "has to", "should be able to".
fn end_of_auxiliary(words: &[Word], verb: usize) -> usize {
    let spoken = |at: usize| words.get(at).map_or("", |word| word.lower.as_str());
    let mut end = verb + 1;
    if matches!(spoken(end), "not" | "also") {
        end += 1;
    }
    if spoken(end) == "be" && spoken(end + 1) == "able" && spoken(end + 2) == "to" {
        end + 3
    } else if spoken(end) == "to" {
        end + 1
    } else {
        end
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_CLAUSES, clauses};

    fn check(sentence: &str, expected: &[&str]) {
        let found: Vec<_> = clauses(sentence)
            .iter()
            .map(|clause| clause.text(sentence))
            .collect();
        assert_eq!(found, expected, "{sentence:?}");
    }

    #[test]
    fn a_verb_behind_comma_and_joiner_keeps_its_subject() {
        check(
            "It must work on Linux and macOS, be a single binary, and need no configuration file",
            &[
                "It must work on Linux and macOS",
                "It must be a single binary",
                "It must need no configuration file",
            ],
        );
    }

    #[test]
    fn clauses_keep_their_subject_and_auxiliary() {
        check(
            "Must respond within 200 ms and cost less than $50 a month",
            &[
                "Must respond within 200 ms",
                "Must cost less than $50 a month",
            ],
        );
        check(
            "The API must be fast, use Rust and never lose data.",
            &[
                "The API must be fast",
                "The API must use Rust",
                "never lose data.",
            ],
        );
        check(
            "The API responds at once and costs nothing, but it must not leak.",
            &[
                "The API responds at once",
                "The API costs nothing",
                "it must not leak.",
            ],
        );
        check(
            "Users should be able to chat and send photos; no ads",
            &[
                "Users should be able to chat",
                "Users should be able to send photos",
                "no ads",
            ],
        );
        check(
            "Under 1 s at p95, and the total cost must stay low",
            &["Under 1 s at p95", "the total cost must stay low"],
        );
        check("Rust 1.9; use TLS", &["Rust 1.9", "use TLS"]);
        check("Rust 1.9; requires TLS", &["Rust 1.9", "requires TLS"]);
        check(
            "Use PostgreSQL and deploy to AWS",
            &["Use PostgreSQL", "deploy to AWS"],
        );
    }

    #[test]
    fn lists_of_things_stay_whole() {
        for whole in [
            "Use Rust and Go",
            "Pages: logs in one place, Deploy dashboard",
            "It must be fast, secure and cheap",
            "Time and cost of hosting matter",
            "For couriers, build a shop",
            "and and and",
            "",
        ] {
            check(whole, &[whole]);
        }
    }

    #[test]
    fn endless_sentences_have_a_bounded_number_of_clauses() {
        let sentence = "use it and ".repeat(1_000);
        assert_eq!(clauses(&sentence).len(), MAX_CLAUSES);
    }
}
