//! Matches the items against the blueprints. An option is offered where words of the items speak for
//! it, and says which; a vision that none fits gets a question instead.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::super::document::{ArchitectureOption, Requirement, Support};
use super::super::item::ItemKind;
use super::super::words::{Lexicon, Word, words};
use super::blueprints::{BLUEPRINTS, Blueprint};
use super::contradictions::is_negative;
use super::plain_options::is_plain;
use super::rule_item::RuleItem;

/// Options that are offered.
const MOST_OPTIONS: usize = 3;
/// Words that an option shows.
const MOST_SUPPORTS: usize = 8;
/// What a word that names a blueprint counts, beside one for the others.
const STRONG: usize = 3;
/// Words that merely go along with a blueprint do not make one alone.
const LEAST_SCORE: usize = 3;

static STRONG_WORDS: LazyLock<Vec<Lexicon<()>>> =
    LazyLock::new(|| lexicons(|blueprint| blueprint.strong));
static WEAK_WORDS: LazyLock<Vec<Lexicon<()>>> =
    LazyLock::new(|| lexicons(|blueprint| blueprint.weak));

fn lexicons(words: impl Fn(&Blueprint) -> &'static str) -> Vec<Lexicon<()>> {
    BLUEPRINTS
        .iter()
        .map(|blueprint| Lexicon::new(&[((), words(blueprint))]))
        .collect()
}

/// What the items say about one blueprint.
#[derive(Default)]
struct Tally {
    /// Phrase → (what it counts, where it was first said).
    said: BTreeMap<String, (usize, usize)>,
    ruled_out: bool,
}

/// The architectures that words of the items speak for, the best supported first.
pub fn options(items: &[Requirement]) -> Vec<ArchitectureOption> {
    let mut tallies: Vec<Tally> = BLUEPRINTS.iter().map(|_| Tally::default()).collect();
    for (at, item) in items.iter().enumerate() {
        if matches!(item.kind, ItemKind::OpenQuestion | ItemKind::Risk) {
            continue;
        }
        let spoken = words(&item.text);
        let negative = item.kind == ItemKind::OutOfScope || is_negative(&spoken);
        for (number, tally) in tallies.iter_mut().enumerate() {
            let strong = phrases(&STRONG_WORDS[number], &spoken);
            if negative {
                let name = BLUEPRINTS[number].title.to_lowercase();
                tally.ruled_out |= strong
                    .iter()
                    .any(|phrase| name.contains(phrase.trim_end_matches('s')));
                continue;
            }
            tally.ruled_out |= BLUEPRINTS[number].name == "static-site" && needs_a_server(&spoken);
            for phrase in strong {
                tally.said.entry(phrase).or_insert((STRONG, at));
            }
            for phrase in phrases(&WEAK_WORDS[number], &spoken) {
                tally.said.entry(phrase).or_insert((1, at));
            }
        }
    }
    let mut scored: Vec<(usize, usize)> = tallies
        .iter()
        .enumerate()
        .map(|(number, tally)| (tally.said.values().map(|(count, _)| count).sum(), number))
        .filter(|(score, number)| *score >= LEAST_SCORE && !tallies[*number].ruled_out)
        .filter(|(_, number)| is_meant(&BLUEPRINTS[*number], &tallies[*number]))
        .collect();
    scored.sort_by_key(|(score, number)| (std::cmp::Reverse(*score), *number));
    scored.truncate(MOST_OPTIONS);
    scored
        .into_iter()
        .map(|(_, number)| option(&BLUEPRINTS[number], &tallies[number], items))
        .collect()
}

/// Words that go along with these are those of any product: only what names them speaks for them.
const NAMED_ONLY: &[&str] = &[
    "evented-microservices",
    "serverless-api",
    "data-pipeline",
    "library",
];

fn is_meant(blueprint: &Blueprint, tally: &Tally) -> bool {
    !NAMED_ONLY.contains(&blueprint.name) || tally.said.values().any(|(count, _)| *count == STRONG)
}

/// Files alone take no payment and know nobody.
fn needs_a_server(spoken: &[Word]) -> bool {
    spoken.iter().any(|word| {
        matches!(
            word.lower.as_str(),
            "pay"
                | "payment"
                | "payments"
                | "checkout"
                | "login"
                | "account"
                | "accounts"
                | "orders"
                | "register"
                | "booking"
                | "bookings"
                | "reserve"
                | "members"
                | "upload"
        )
    })
}

fn option(blueprint: &Blueprint, tally: &Tally, items: &[Requirement]) -> ArchitectureOption {
    let mut said: Vec<(&String, &(usize, usize))> = tally.said.iter().collect();
    said.sort_by_key(|(word, (count, at))| (std::cmp::Reverse(*count), *at, (*word).clone()));
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    ArchitectureOption {
        name: blueprint.name.to_owned(),
        title: blueprint.title.to_owned(),
        summary: blueprint.summary.to_owned(),
        strengths: owned(blueprint.strengths),
        trade_offs: owned(blueprint.trade_offs),
        rests_on: said
            .into_iter()
            .take(MOST_SUPPORTS)
            .map(|(word, (_, at))| {
                let item = &items[*at];
                let sentence = item.said().to_owned();
                Support {
                    word: word.clone(),
                    item: item.id.clone(),
                    sentence,
                }
            })
            .collect(),
        by_model: false,
    }
}

fn phrases(lexicon: &Lexicon<()>, spoken: &[Word]) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < spoken.len() {
        match lexicon.longest_at(spoken, at) {
            Some(((), length)) => {
                let phrase: Vec<&str> = spoken[at..at + length]
                    .iter()
                    .map(|word| word.lower.as_str())
                    .collect();
                found.push(phrase.join(" "));
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

/// Questions about what the items leave open as a whole.
pub fn gaps(items: &[Requirement], options: &[ArchitectureOption]) -> Vec<RuleItem> {
    let is_said = items.iter().any(|item| {
        !matches!(
            item.kind,
            ItemKind::OpenQuestion | ItemKind::Risk | ItemKind::OutOfScope
        )
    });
    let question = |rule, text: &str| {
        vec![RuleItem::new(
            rule,
            ItemKind::OpenQuestion,
            &[],
            text.to_owned(),
        )]
    };
    match (is_said, options.iter().all(is_plain)) {
        (false, _) => question(
            "nothing-said",
            "What is to be built, and for whom? The vision says nothing that could be required.",
        ),
        (true, true) => question(
            "no-blueprint",
            "What kind of program is it? None of the known blueprints (web application, microservices, \
             serverless API, data pipeline, command-line program, library, static site) is spoken for by \
             the vision's words, so only the plainest are proposed.",
        ),
        (true, false) => Vec::new(),
    }
}
