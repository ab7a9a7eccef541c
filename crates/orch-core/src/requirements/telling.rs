//! What a sentence without a duty tells: what the product does, a fact about the world it comes from, or
//! something that only a person can say. Looks at the subject and the verb, at nothing else.

use std::sync::LazyLock;

use super::lookup::{Words, set};
use super::verbs::PREDICATES;
use super::words::{Gap, Word, lower_at};

/// The product by the words that visions call it.
static PRODUCT: Words = LazyLock::new(|| {
    set(
        "it, tool, program, app, application, system, service, site, website, shop, api, server, backend, frontend, platform, pipeline, portal, dashboard, dashboards, page, pages, screen, form, command, report, reports, library, bot, game, product, software, database, editor, list, search, import, export, job, component, module, endpoint, client",
    )
});

/// Those who use it.
static PEOPLE: Words = LazyLock::new(|| {
    set(
        "user, users, customer, customers, visitor, visitors, admin, admins, administrator, administrators, staff, member, members, player, players, operator, operators, analyst, analysts, editor, editors, author, authors, buyer, buyers, seller, sellers, guest, guests, manager, managers, reader, readers, reviewer, reviewers, owner, owners, partner, partners, student, students, teacher, teachers, patient, patients, driver, drivers, tenant, tenants, subscriber, subscribers, developer, developers, kunde, kunden, nutzer, benutzer, mitglied, mitglieder",
    )
});

/// What follows a subject and is no verb in the present tense.
static NO_VERBS: Words = LazyLock::new(|| {
    set(
        "of, for, with, to, and, or, that, which, who, in, on, from, by, about, without, at, as, was, were, had, did",
    )
});

static TODAY: Words = LazyLock::new(|| {
    set(
        "today, currently, already, nowadays, heute, derzeit, bereits, momentan, formerly, historically, yesterday",
    )
});

/// What "we" do without asking for anything.
static OWN_DEEDS: Words = LazyLock::new(|| {
    set(
        "run, have, sell, operate, own, are, work, serve, know, maintain, employ, produce, collect, get, copy, spend, lose, were, had, started, built, sold",
    )
});

/// Facts about those who ask: "we run a billing platform", "the team knows Scala", "today …".
pub fn is_context(words: &[Word]) -> bool {
    let says = |list: &[&str]| words.iter().any(|word| list.contains(&word.lower.as_str()));
    let is_bound = says(&[
        "must", "should", "shall", "muss", "soll", "budget", "want", "need",
    ]);
    if is_bound {
        return false;
    }
    if words.iter().any(|word| TODAY.contains(word.lower.as_str())) {
        return true;
    }
    let skipped = usize::from(matches!(lower_at(words, 0), "and" | "but" | "so"));
    let (first, second) = (lower_at(words, skipped), lower_at(words, skipped + 1));
    let third = lower_at(words, skipped + 2);
    let has_number_as_limit =
        || says(&["month"]) && says(&["at", "most", "least", "less", "under"]);
    if matches!(first, "we" | "i") && OWN_DEEDS.contains(second) && !has_number_as_limit() {
        // "We are building": a wish, and "we have to": a duty.
        return !(third.ends_with("ing") || third == "to" || third == "going");
    }
    let team = matches!(
        (first, second),
        (
            "the" | "our" | "my",
            "team" | "company" | "developer" | "developers" | "colleagues"
        )
    ) || first == "wir"
        && matches!(
            second,
            "haben" | "sind" | "verkaufen" | "nutzen" | "betreiben"
        );
    if team && !second.is_empty() && !says(&["can", "may"]) {
        return true;
    }
    let spends = words.iter().any(|word| {
        matches!(
            word.lower.as_str(),
            "spend" | "spends" | "waste" | "wastes" | "wait" | "waits"
        )
    });
    spends
        && says(&[
            "day", "days", "time", "hour", "hours", "week", "weeks", "half",
        ])
}

/// Of what is no context: whether it is a demand in the present tense, by a subject that is the product, a part
/// of it or somebody who uses it, and a verb.
pub fn is_demand(words: &[Word]) -> bool {
    let mut from = 0;
    // "With --json it prints", "Every evening the shop exports", "When a job fails, it is repeated".
    if matches!(
        lower_at(words, 0),
        "with"
            | "without"
            | "when"
            | "if"
            | "on"
            | "in"
            | "at"
            | "after"
            | "before"
            | "once"
            | "for"
            | "by"
    ) {
        let subject = words.iter().skip(1).take(14).position(|word| {
            PRODUCT.contains(word.lower.as_str()) || PEOPLE.contains(word.lower.as_str())
        });
        match subject {
            Some(found) => from = found + 1,
            None => return false,
        }
    }
    let is_article = matches!(
        lower_at(words, from),
        "the"
            | "a"
            | "an"
            | "each"
            | "every"
            | "all"
            | "any"
            | "our"
            | "its"
            | "returning"
            | "registered"
            | "new"
            | "der"
            | "die"
            | "das"
            | "jeder"
            | "jede"
            | "jedes"
            | "alle"
    );
    let article = lower_at(words, from);
    let every = matches!(article, "every" | "each");
    let first = from + usize::from(is_article);
    for place in first..words.len().min(first + 4) {
        let word = lower_at(words, place);
        let next = lower_at(words, place + 1);
        if PRODUCT.contains(word) || PEOPLE.contains(word) {
            let is_named_only = article == "a" || article == "an";
            let is_followed = words[place].gap == Gap::Space && !NO_VERBS.contains(next);
            return is_followed && !next.is_empty() && !(is_named_only && PRODUCT.contains(word));
        }
        // "Every meter sends", "raw data is deleted", "invalid readings are kept".
        if place > from
            && (matches!(word, "is" | "are" | "gets" | "get" | "has")
                || (every && word.len() > 3 && word.ends_with('s') && !word.ends_with("ss")))
        {
            let done = next.ends_with("ed")
                || matches!(
                    next,
                    "kept" | "sent" | "shown" | "made" | "written" | "built" | "run"
                );
            return done || (every && !next.is_empty());
        }
    }
    false
}

/// Verbs in the present tense behind a plural, beside those that may open a clause.
static PLAIN_VERBS: Words = LazyLock::new(|| {
    set(
        "appear, arrive, become, begin, blink, book, buy, change, choose, close, come, disappear, end, fall, \
         find, flow, get, glow, go, grow, join, leave, look, lose, move, order, play, read, receive, refresh, \
         reset, rise, rotate, see, sell, share, sound, speak, spin, stop, take, talk, turn, unlock, vote, win",
    )
});
/// How far into a clause its verb is looked for.
const VERB_REACH: usize = 5;

/// Of what is neither context nor demand: whether it is a statement in the present tense, by a subject that is
/// none of those who ask. It may ask for something, and only a person can say.
pub fn is_unclear(words: &[Word]) -> bool {
    if matches!(
        lower_at(words, 0),
        "we" | "i" | "you" | "this" | "that" | "there" | "here" | "these" | "those" | "my"
    ) {
        return false;
    }
    let is_plural = |word: &str| word.len() > 3 && word.ends_with('s') && !word.ends_with("ss");
    for place in 1..words.len().min(VERB_REACH) {
        let (before, word, next) = (
            lower_at(words, place - 1),
            lower_at(words, place),
            lower_at(words, place + 1),
        );
        if words[place - 1].gap != Gap::Space || NO_VERBS.contains(word) {
            return false;
        }
        if next.is_empty() || NO_VERBS.contains(next) {
            continue;
        }
        let is_state = matches!(
            word,
            "is" | "are" | "gets" | "has" | "have" | "becomes" | "stays" | "looks"
        );
        let is_of_many =
            is_plural(before) && (PLAIN_VERBS.contains(word) || PREDICATES.contains(word));
        let is_of_one = place > 1
            && !words[place].capital
            && !is_plural(before)
            && is_plural(word)
            && matches!(
                lower_at(words, 0),
                "a" | "an" | "the" | "each" | "every" | "its" | "our"
            );
        if is_state || is_of_many || is_of_one {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{is_context, is_demand, is_unclear};
    use crate::requirements::words::words;

    /// What a plain statement tells.
    #[derive(Debug, PartialEq, Eq)]
    enum Telling {
        Demand,
        Context,
        Unclear,
    }

    fn telling(clause: &str) -> Telling {
        let words = words(clause);
        match (is_context(&words), is_demand(&words)) {
            (true, _) => Telling::Context,
            (false, true) => Telling::Demand,
            (false, false) => Telling::Unclear,
        }
    }

    fn check(expected: Telling, clauses: &[&str]) {
        for clause in clauses {
            assert_eq!(telling(clause), expected, "{clause:?}");
        }
    }

    #[test]
    fn the_present_tense_of_the_product_is_a_demand() {
        check(
            Telling::Demand,
            &[
                "It takes one or more folders and prints groups of files",
                "With --json it prints JSON",
                "With --delete it asks before it removes anything",
                "A customer gets an e-mail when the order is confirmed",
                "Every user gets a welcome mail",
                "Users sign up with their e-mail address",
                "The tool prints a report",
                "Raw data is deleted after 13 months",
                "Each meter sends a reading every 15 minutes",
                "Analysts query the results with SQL",
                // Not tuned to.
                "When a job fails, the system repeats it",
                "Members pay their dues once a year",
                "Old backups are removed after a week",
            ],
        );
    }

    #[test]
    fn facts_about_those_who_ask_are_context() {
        check(
            Telling::Context,
            &[
                "We sell loose tea from small growers",
                "Today customers order by e-mail",
                "Three people spend half their day on it",
                "We run a billing platform on two rented servers",
                "We use Kafka and Spark already",
                "The team knows Scala and Python",
                "We have nobody who can operate it",
                // Not tuned to.
                "Our company makes bicycle bells",
                "Invoices are currently written by hand",
                "Two clerks waste hours on copying",
            ],
        );
    }

    #[test]
    fn what_is_neither_is_said_to_be_unclear() {
        check(
            Telling::Unclear,
            &[
                "Levels get harder",
                "A utility collects readings",
                "Sunny weather",
                "",
            ],
        );
    }

    #[test]
    fn statements_in_the_present_tense_are_unclear_and_fragments_are_not() {
        for (clause, expected) in [
            ("Levels get harder", true),
            ("A utility collects readings", true),
            ("The river flows downhill", true),
            ("Tiles turn when they are touched", true),
            ("The board is square", true),
            ("Sunny weather", false),
            ("A puzzle game about rivers", false),
            ("Fans of rivers", false),
            ("We love bikes", false),
            ("Bikes, cars and trains", false),
            ("", false),
        ] {
            assert_eq!(is_unclear(&words(clause)), expected, "{clause:?}");
        }
    }

    #[test]
    fn wishes_and_duties_are_no_context() {
        for clause in [
            "We are building a shop",
            "We have to move",
            "We have a budget of 5 euros",
            "We want tea",
        ] {
            assert_ne!(telling(clause), Telling::Context, "{clause:?}");
        }
    }
}
