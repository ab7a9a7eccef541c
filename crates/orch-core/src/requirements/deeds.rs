//! Verbs of what a program does, and the sentences that they make a demand: as an order ("add a search") and in
//! the present tense ("the cook prints the list").

use super::words::{Gap, Word, lower_at};

const DEEDS: &[&str] = &[
    "accept",
    "add",
    "alert",
    "answer",
    "archive",
    "assign",
    "attach",
    "back",
    "block",
    "book",
    "calculate",
    "cancel",
    "check",
    "choose",
    "close",
    "collect",
    "compare",
    "compute",
    "confirm",
    "convert",
    "copy",
    "count",
    "delete",
    "detect",
    "display",
    "download",
    "edit",
    "email",
    "export",
    "fetch",
    "filter",
    "find",
    "format",
    "generate",
    "group",
    "handle",
    "hide",
    "import",
    "include",
    "inform",
    "ingest",
    "invite",
    "invoice",
    "keep",
    "list",
    "load",
    "lock",
    "log",
    "mail",
    "mark",
    "measure",
    "merge",
    "notify",
    "order",
    "parse",
    "pay",
    "pick",
    "print",
    "process",
    "provide",
    "publish",
    "read",
    "receive",
    "recommend",
    "record",
    "refund",
    "register",
    "reject",
    "remind",
    "remove",
    "rename",
    "repeat",
    "report",
    "reserve",
    "restore",
    "retry",
    "save",
    "scan",
    "schedule",
    "search",
    "see",
    "select",
    "send",
    "share",
    "show",
    "sign",
    "sort",
    "store",
    "suggest",
    "support",
    "swap",
    "sync",
    "tag",
    "tell",
    "track",
    "transfer",
    "translate",
    "undo",
    "unlock",
    "update",
    "upload",
    "validate",
    "verify",
    "view",
    "warn",
    "watch",
];
/// What follows a word that is a noun here and no order: "search results appear", "reports are late".
const NO_OBJECTS: &[&str] = &[
    "is", "are", "of", "was", "were", "and", "or", "in", "by", "on",
];
const WISHED: &[&str] = &[
    "would be nice",
    "would be great",
    "would be good",
    "would be helpful",
    "would be handy",
    "wäre schön",
    "wäre gut",
    "wäre toll",
];
const MOST_SUBJECT: usize = 4;

/// "Add dark mode", "send a reminder one day before".
pub fn is_order(words: &[Word]) -> bool {
    let at = usize::from(matches!(lower_at(words, 0), "please" | "pls" | "also"));
    let object = lower_at(words, at + 1);
    DEEDS.contains(&lower_at(words, at))
        && words[at].gap == Gap::Space
        && !object.is_empty()
        && !NO_OBJECTS.contains(&object)
}

/// "The cook prints the list": what somebody does with it.
pub fn is_done_by_somebody(words: &[Word]) -> bool {
    if !matches!(lower_at(words, 0), "the" | "each" | "every" | "all") {
        return false;
    }
    let subject = words.iter().take(2 + MOST_SUBJECT).skip(2);
    let verb = subject.clone().find(|word| is_deed(&word.lower));
    let is_of = |word: &Word| matches!(word.lower.as_str(), "that" | "which" | "who" | "whose");
    verb.is_some_and(|verb| {
        !words
            .iter()
            .take_while(|word| word.start < verb.start)
            .any(is_of)
            && words.last().is_some_and(|last| last.start > verb.start)
    })
}

fn is_deed(word: &str) -> bool {
    let stem = word.strip_suffix("es").filter(|stem| DEEDS.contains(stem));
    let stem = stem.or_else(|| word.strip_suffix('s'));
    stem.is_some_and(|stem| DEEDS.contains(&stem))
}

/// "An export to Excel would be nice".
pub fn is_wished_softly(text: &str) -> bool {
    let lower = text.to_lowercase();
    WISHED.iter().any(|wish| {
        lower
            .find(wish)
            .is_some_and(|at| lower[..at].split_whitespace().nth(1).is_some() || at > 4)
    })
}

#[cfg(test)]
mod tests {
    use super::{is_done_by_somebody, is_order};
    use crate::requirements::words::words;

    #[test]
    fn orders_and_deeds_are_told_from_names() {
        for text in [
            "Add dark mode",
            "Send a reminder one day before",
            "Please add a search",
            // Not tuned to.
            "Track every parcel",
            "Notify the owner",
        ] {
            assert!(is_order(&words(text)), "{text:?}");
        }
        for text in [
            "Search is slow",
            "Orders and returns",
            "Bread",
            "",
            "Report of May",
        ] {
            assert!(!is_order(&words(text)), "{text:?}");
        }
        for text in [
            "The cook prints the list",
            "The night porter locks all doors",
        ] {
            assert!(is_done_by_somebody(&words(text)), "{text:?}");
        }
        for text in [
            "The town sleeps at night",
            "A utility collects readings",
            "The prints",
        ] {
            assert!(!is_done_by_somebody(&words(text)), "{text:?}");
        }
    }
}
