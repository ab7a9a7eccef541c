//! What a wish asks for: the product as a whole and what it is for, which is a goal, or something that the
//! product is to do or to have, which is a demand. Looks at who wishes, and at the object or the verb.

use super::words::{Gap, Word, lower_at};

/// What somebody wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// That something is done or there: "I'd like a map of all shops".
    Demand,
    /// The whole, or what it is for: "we want a web shop", "we want to grow".
    Purpose,
}

/// What names the product as a whole.
const WHOLES: &[&str] = &[
    "tool",
    "program",
    "app",
    "application",
    "system",
    "service",
    "services",
    "site",
    "website",
    "homepage",
    "shop",
    "webshop",
    "store",
    "api",
    "server",
    "backend",
    "platform",
    "pipeline",
    "portal",
    "library",
    "bot",
    "chatbot",
    "game",
    "product",
    "software",
    "marketplace",
    "solution",
    "saas",
    "package",
    "cli",
    "crm",
    "extension",
    "plugin",
    "assistant",
    "something",
    "one",
    "it",
];

/// How German names of the whole end.
const GERMAN_WHOLES: &[&str] = &[
    "shop",
    "app",
    "seite",
    "tool",
    "plattform",
    "portal",
    "laden",
    "programm",
    "anwendung",
    "software",
    "system",
    "dienst",
];

/// Verbs that say what the whole is for, or that it is made.
const PURPOSES: &[&str] = &[
    "achieve",
    "attract",
    "automate",
    "be",
    "become",
    "bring",
    "build",
    "change",
    "compete",
    "create",
    "deliver",
    "design",
    "develop",
    "earn",
    "eliminate",
    "empower",
    "encourage",
    "enjoy",
    "establish",
    "expand",
    "extend",
    "feel",
    "finish",
    "grow",
    "have",
    "help",
    "implement",
    "improve",
    "increase",
    "introduce",
    "launch",
    "lend",
    "love",
    "make",
    "migrate",
    "modernise",
    "modernize",
    "move",
    "offer",
    "open",
    "port",
    "reach",
    "reduce",
    "replace",
    "rewrite",
    "save",
    "sell",
    "ship",
    "simplify",
    "start",
    "stay",
    "stop",
    "survive",
    "switch",
    "teach",
    "trust",
    "turn",
    "understand",
    "win",
    "write",
    "come",
    "wachsen",
    "bauen",
    "machen",
    "entwickeln",
    "erstellen",
    "aufbauen",
    "verkaufen",
    "sparen",
    "werden",
    "anbieten",
    "ersetzen",
    "verbessern",
    "modernisieren",
];

/// Where the name of a thing ends.
const ENDS: &[&str] = &[
    "for", "that", "which", "who", "of", "with", "where", "to", "in", "on", "by", "from", "so",
    "when", "using", "about", "whose", "like", "without", "at", "für", "mit", "der", "die", "das",
    "von", "um", "zum", "zur", "and", "or",
];

/// What the words wish, where they open with a wish.
pub fn wish(words: &[Word]) -> Option<Wish> {
    if is_story(words) {
        return Some(Wish::Demand);
    }
    let object = object_of(words)?;
    let at = |place: usize| lower_at(words, object + place);
    if matches!(at(0), "to" | "also") {
        let verb = object + 1 + usize::from(at(1) == "also" || at(1) == "to");
        return Some(of_verb(words, verb));
    }
    if at(0) == "dass" || at(0) == "that" {
        return Some(Wish::Demand);
    }
    // "We want customers to rate the drivers", "I want the site to send me a report".
    let ends = [
        "for", "that", "which", "with", "where", "so", "of", "like", "about",
    ];
    let to = words[object..].iter().take(7).position(|word| {
        word.lower == "to" || ends.contains(&word.lower.as_str()) || word.gap != Gap::Space
    });
    if let Some(to) = to.filter(|to| *to > 0 && at(*to) == "to") {
        let is_way = matches!(at(to - 1), "way" | "means" | "possibility" | "chance");
        return Some(match is_way {
            true => Wish::Demand,
            false => of_verb(words, object + to + 1),
        });
    }
    let last = words.last().map_or("", |word| word.lower.as_str());
    if is_german_wish(words) && PURPOSES.contains(&last) {
        return Some(Wish::Purpose);
    }
    Some(match is_whole(words, object) {
        true => Wish::Purpose,
        false => Wish::Demand,
    })
}

fn of_verb(words: &[Word], verb: usize) -> Wish {
    match lower_at(words, verb) {
        "" => Wish::Purpose,
        // "To be able to": what somebody can do. "To be fast": a quality, which is not for nothing.
        "be" if lower_at(words, verb + 1) != "able" => {
            match matches!(lower_at(words, verb + 1), "the" | "a" | "an" | "happy") {
                true => Wish::Purpose,
                false => Wish::Demand,
            }
        }
        "be" => Wish::Demand,
        word if PURPOSES.contains(&word) => Wish::Purpose,
        _ => Wish::Demand,
    }
}

/// "As an admin, I want to block users".
fn is_story(words: &[Word]) -> bool {
    let opens = matches!(
        (lower_at(words, 0), lower_at(words, 1)),
        ("as", "a" | "an" | "the") | ("als", _)
    );
    opens
        && words.iter().take(14).skip(2).any(|word| {
            matches!(
                word.lower.as_str(),
                "want" | "need" | "would" | "i'd" | "can" | "möchte" | "will" | "kann"
            )
        })
}

/// The first word of what is wished.
fn object_of(words: &[Word]) -> Option<usize> {
    let skipped = usize::from(matches!(
        lower_at(words, 0),
        "and" | "also" | "so" | "then" | "but" | "please" | "additionally"
    ));
    let at = |place: usize| lower_at(words, skipped + place);
    let also = |place: usize| skipped + place + usize::from(at(place) == "also");
    match (at(0), at(1)) {
        ("we" | "i", "want" | "need" | "wish") => Some(also(2)),
        ("we" | "i", "also") if matches!(at(2), "want" | "need") => Some(skipped + 3),
        ("we" | "i", "would") if matches!(at(2), "like" | "love") => Some(also(3)),
        ("i'd" | "we'd", "like" | "love") => Some(also(2)),
        ("wir" | "ich", "wollen" | "möchten" | "brauchen" | "will" | "möchte" | "brauche") => {
            Some(skipped + 2)
        }
        ("wir" | "ich", "hätten" | "hätte") if matches!(at(2), "gern" | "gerne") => {
            Some(skipped + 3)
        }
        ("nobody" | "no" | "they" | "it" | "who" | "what" | "if" | "when", _) => None,
        // "The council wants a yearly report".
        (_, _) => {
            let verb = (1..4).find(|place| matches!(at(*place), "wants" | "want"))?;
            let subject = &words[skipped..skipped + verb];
            let is_name = subject.iter().all(|word| word.gap == Gap::Space)
                && !subject
                    .iter()
                    .any(|word| matches!(word.lower.as_str(), "that" | "not" | "don't" | "who"));
            is_name.then_some(skipped + verb + 1)
        }
    }
    .filter(|object| *object < words.len())
}

fn is_german_wish(words: &[Word]) -> bool {
    matches!(lower_at(words, 0), "wir" | "ich")
}

/// Whether what is named from word `from` on is the product as a whole.
pub fn is_whole(words: &[Word], from: usize) -> bool {
    let mut head = "";
    for word in words.iter().skip(from).take(8) {
        if ENDS.contains(&word.lower.as_str()) && !head.is_empty() {
            break;
        }
        head = word.lower.as_str();
        if word.gap != Gap::Space {
            break;
        }
    }
    WHOLES.contains(&head) || GERMAN_WHOLES.iter().any(|end| head.ends_with(end))
        // "Wir brauchen ein kleines Tool für …", "einen Onlineshop für Bücher bauen".
        || WHOLES.contains(&head.trim_end_matches('s'))
}

#[cfg(test)]
mod tests {
    use super::{Wish, wish};
    use crate::requirements::words::words;

    fn check(expected: Option<Wish>, texts: &[&str]) {
        for text in texts {
            assert_eq!(wish(&words(text)), expected, "{text:?}");
        }
    }

    #[test]
    fn what_the_product_is_to_do_or_to_have_is_demanded() {
        check(
            Some(Wish::Demand),
            &[
                "We want customers to rate the drivers.",
                "I'd like a map of all shops.",
                "I want the site to send me a report every Monday.",
                "As an admin, I want to block users",
                "The council wants a yearly report with the number of loans.",
                // Not tuned to.
                "We would like to see which teas run out",
                "I need an export to Excel",
                "And we'd love a dark mode",
                "We also want couriers to get a message",
                "Wir möchten, dass Gäste ihren Tisch tauschen",
                "Ich hätte gern eine Liste aller Kurse",
                "As a teacher I can lock a room",
                "We need to be able to print labels",
            ],
        );
    }

    #[test]
    fn the_whole_and_what_it_is_for_is_a_purpose() {
        check(
            Some(Wish::Purpose),
            &[
                "We want to grow",
                "We want a web shop for used cargo bikes",
                "Wir brauchen ein kleines Tool für unsere Praxis",
                "Wir wollen einen Onlineshop für Bücher bauen",
                // Not tuned to.
                "I need a booking system for my studio",
                "We would like to sell more tea",
                "We want our guests to feel at home",
                "Wir wollen wachsen",
            ],
        );
        check(
            None,
            &["Customers pay", "Nobody wants an app", "", "We sell tea"],
        );
    }
}
