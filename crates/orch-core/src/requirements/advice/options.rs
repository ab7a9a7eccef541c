//! Matches the items against the blueprints. An option is offered where words of the items speak for
//! it, and says which; a vision that none fits gets a question instead.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::super::document::{ArchitectureOption, Requirement, Support};
use super::super::item::ItemKind;
use super::super::words::{Lexicon, Word, phrase};
use super::blueprints::{BLUEPRINTS, Blueprint};
use super::contradictions::is_negative;
use super::means::Means;
use super::rule_item::RuleItem;

/// Options that are offered.
const MOST_OPTIONS: usize = 3;
/// Words that an option shows.
const MOST_SUPPORTS: usize = 8;
/// What a word that names a blueprint counts, beside one for the others.
const STRONG: usize = 3;
/// Words that merely go along with a blueprint do not make one alone.
const LEAST_SCORE: usize = 3;

/// What a phrase says of a blueprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Strong = 0,
    Weak = 1,
    Unfit = 2,
}

/// The phrases of all blueprints: which one, and what they say of it.
static PHRASES: LazyLock<Lexicon<(usize, Says)>> = LazyLock::new(|| {
    let groups: Vec<((usize, Says), &'static str)> = BLUEPRINTS
        .iter()
        .enumerate()
        .flat_map(|(number, blueprint)| {
            [
                ((number, Says::Strong), blueprint.strong),
                ((number, Says::Weak), blueprint.weak),
                ((number, Says::Unfit), blueprint.unfit),
            ]
        })
        .filter(|(_, phrases)| !phrases.is_empty())
        .collect();
    Lexicon::new(&groups)
});

/// What the items say about one blueprint.
#[derive(Default)]
struct Tally {
    /// Phrase → (what it counts, where it was first said).
    said: BTreeMap<String, (usize, usize)>,
    is_ruled_out: bool,
}

impl Tally {
    fn note(&mut self, says: Says, phrase: String, at: usize) {
        match says {
            Says::Strong => {
                self.said.entry(phrase).or_insert((STRONG, at));
            }
            Says::Weak => {
                self.said.entry(phrase).or_insert((1, at));
            }
            Says::Unfit => self.is_ruled_out = true,
        }
    }

    fn score(&self) -> usize {
        self.said.values().map(|(count, _)| count).sum()
    }
}

/// The architectures that words of the items (`spoken`) speak for, the best supported first.
pub fn options(items: &[Requirement], spoken: &[Vec<Word>]) -> Vec<ArchitectureOption> {
    let mut tallies: Vec<Tally> = BLUEPRINTS.iter().map(|_| Tally::default()).collect();
    for (at, (item, words)) in items.iter().zip(spoken).enumerate() {
        if matches!(item.kind, ItemKind::OpenQuestion | ItemKind::Risk) {
            continue;
        }
        let is_denial = item.kind == ItemKind::OutOfScope || is_negative(words);
        for (number, says, phrase) in said(words) {
            match (is_denial, says) {
                (false, _) => tallies[number].note(says, phrase, at),
                (true, Says::Strong) => {
                    let name = BLUEPRINTS[number].title.to_lowercase();
                    tallies[number].is_ruled_out |= name.contains(phrase.trim_end_matches('s'));
                }
                (true, Says::Weak | Says::Unfit) => {}
            }
        }
    }
    let mut scored: Vec<(usize, usize)> = tallies
        .iter()
        .enumerate()
        .map(|(number, tally)| (tally.score(), number))
        .filter(|(score, number)| *score >= LEAST_SCORE && !tallies[*number].is_ruled_out)
        .collect();
    scored.sort_by_key(|(score, number)| (std::cmp::Reverse(*score), *number));
    scored.truncate(MOST_OPTIONS);
    let means = Means::of(items, spoken);
    scored
        .into_iter()
        .map(|(_, number)| option(&BLUEPRINTS[number], &tallies[number], items, &means))
        .collect()
}

/// What the words say of the blueprints: of each the longest phrases, which do not overlap.
fn said(spoken: &[Word]) -> Vec<(usize, Says, String)> {
    let mut free_from = vec![[0; 3]; BLUEPRINTS.len()];
    let mut found = Vec::new();
    for at in 0..spoken.len() {
        for ((number, says), length) in PHRASES.all_at(spoken, at) {
            let free_from = &mut free_from[number][says as usize];
            if at >= *free_from {
                *free_from = at + length;
                found.push((number, says, phrase(&spoken[at..at + length])));
            }
        }
    }
    found
}

fn option(
    blueprint: &Blueprint,
    tally: &Tally,
    items: &[Requirement],
    means: &Means<'_>,
) -> ArchitectureOption {
    let mut said: Vec<(&String, &(usize, usize))> = tally.said.iter().collect();
    said.sort_by_key(|(word, (count, at))| (std::cmp::Reverse(*count), *at, (*word).clone()));
    let owned =
        |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
    let mut summary = blueprint.summary;
    let mut trade_offs = owned(blueprint.trade_offs);
    let operated = blueprint.operated.as_ref();
    if let Some((operated, why)) = operated.and_then(|part| Some((part, means.against(part)?))) {
        match operated.without.filter(|_| !means.names(operated)) {
            Some((without, cost)) => {
                summary = without;
                trade_offs.insert(0, format!("not on {}, for {why}: {cost}", operated.what));
            }
            None => trade_offs.insert(0, why),
        }
    }
    ArchitectureOption {
        name: blueprint.name.to_owned(),
        title: blueprint.title.to_owned(),
        summary: summary.to_owned(),
        strengths: owned(blueprint.strengths),
        trade_offs,
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
    match (is_said, options.is_empty()) {
        (false, _) => question(
            "nothing-said",
            "What is to be built, and for whom? The vision says nothing that could be required.",
        ),
        (true, true) => question(
            "no-blueprint",
            "What kind of program is it? None of the known blueprints (web application, microservices, \
             serverless API, data pipeline, command-line program, library, static site) is spoken for by \
             the vision's words, so no architecture is proposed.",
        ),
        (true, false) => Vec::new(),
    }
}
