//! Items that cannot both hold, or name different numbers for one thing. A rule over words sees no
//! more than words: what it finds is put to a person as a question, and nothing is changed.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::document::Requirement;
use super::super::item::ItemKind;
use super::super::words::{Word, lower_at};
use super::measured::{Demand, demands};
use super::opposites::{PAIRS, Side, subject_of, taken};
use super::pairs::Pairs;
use super::rule_item::RuleItem;
use super::stems::stems_of;
use super::units::is_beside;

/// Items that are compared with one another for each measure, or for each word.
const MOST_COMPARED: usize = 128;
/// Numbers of one item that are compared for each measure.
const MOST_OF_ONE: usize = 8;
/// Statements of each side of two opposites that are named together.
const MOST_OF_A_SIDE: usize = 8;

/// What does not go together.
#[derive(Debug, Default)]
pub struct Contradictions {
    /// Two items each, in the order of the items.
    pub named: Vec<Contradiction>,
    /// What is not named, in words; none where all is.
    pub rest: Option<String>,
}

/// Two items that do not go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    pub message: String,
    pub items: Vec<String>,
    pub sentences: Vec<String>,
    /// What a person is asked about it.
    pub question: RuleItem,
}

/// What of an item is compared.
struct Said<'i> {
    item: &'i Requirement,
    words: &'i [Word],
    /// Sorted.
    stems: Vec<String>,
    /// Those that say more than what is measured, sorted; only of an item that demands a number.
    subject: Vec<String>,
    demands: Vec<Demand>,
    /// Numbers that measure nothing: they tell "step 1" from "step 2".
    names: Vec<&'i str>,
    /// What it forbids or leaves out.
    denied: Option<Vec<String>>,
}

/// Pairs of items that do not go together, in the order of the items. `spoken` are the words of each item, and
/// `left_behind` the places of those that are facts about what goes away.
pub fn contradictions(
    items: &[Requirement],
    spoken: &[Vec<Word>],
    left_behind: &HashSet<usize>,
) -> Contradictions {
    let said: Vec<Said<'_>> = items
        .iter()
        .zip(spoken)
        .enumerate()
        .filter(|(at, _)| !left_behind.contains(at))
        .filter_map(|(_, (item, words))| Said::of(item, words))
        .collect();
    let pairs = pairs(&said);
    let rest = pairs.rest();
    let named = pairs.named().into_iter();
    Contradictions {
        named: named
            .map(|(a, b, why)| contradiction(said[a].item, said[b].item, &why))
            .collect(),
        rest,
    }
}

fn pairs(said: &[Said<'_>]) -> Pairs {
    let mut pairs = Pairs::default();
    by_numbers(said, &mut pairs);
    by_denial(said, &mut pairs);
    by_opposites(said, &mut pairs);
    pairs
}

impl<'i> Said<'i> {
    fn of(item: &'i Requirement, words: &'i [Word]) -> Option<Self> {
        if item.is_ruled_out() {
            return None;
        }
        match item.kind {
            ItemKind::OpenQuestion | ItemKind::Risk => return None,
            ItemKind::Goal
            | ItemKind::Functional
            | ItemKind::Scope
            | ItemKind::OutOfScope
            | ItemKind::Constraint
            | ItemKind::NonFunctional
            | ItemKind::SuccessCriterion => {}
        }
        let stems = stems_of(words);
        let denied = match (negation(words), item.kind) {
            (Some(Negation::From(at)), _) => Some(stems_of(&words[at..])),
            (Some(Negation::All), _) | (None, ItemKind::OutOfScope) => Some(stems.clone()),
            (None, _) => None,
        };
        let demands = demands(words);
        let (subject, names) = match demands.is_empty() {
            true => (Vec::new(), Vec::new()),
            false => (subject(words, &stems), names(words, &demands)),
        };
        Some(Self {
            item,
            words,
            stems,
            subject,
            demands,
            names,
            denied,
        })
    }

    /// Whether they are two statements; the clauses of one sentence are.
    fn is_apart_from(&self, other: &Self) -> bool {
        let (a, b) = (&self.item.source, &other.item.source);
        (a.start, a.index, &a.attachment) != (b.start, b.index, &b.attachment)
            || a.index == 0
            || self.item.text != other.item.text
    }

    fn says(&self, stem: &str) -> bool {
        let found = self
            .stems
            .binary_search_by(|known| known.as_str().cmp(stem));
        found.is_ok()
    }

    fn is_numbered(&self) -> bool {
        let has_digit = |word: &Word| word.lower.bytes().any(|byte| byte.is_ascii_digit());
        self.words.iter().any(has_digit)
    }
}

fn subject(words: &[Word], stems: &[String]) -> Vec<String> {
    let mut found: Vec<String> = subject_of(words)
        .into_iter()
        .chain(stems.iter().cloned())
        .filter(|word| !is_beside(word))
        .collect();
    found.sort_unstable();
    found
}

fn names<'w>(words: &'w [Word], demands: &[Demand]) -> Vec<&'w str> {
    let places: HashSet<usize> = demands.iter().map(|demand| demand.at).collect();
    let shown: HashSet<&str> = demands
        .iter()
        .flat_map(|demand| demand.shown.split(' '))
        .collect();
    let found = words.iter().enumerate().filter(|(at, word)| {
        word.lower.starts_with(|c: char| c.is_ascii_digit())
            && !places.contains(at)
            && !shown.contains(word.lower.as_str())
    });
    found.map(|(_, word)| word.lower.as_str()).collect()
}

fn contradiction(a: &Requirement, b: &Requirement, why: &str) -> Contradiction {
    let message = format!("{} “{}” and {} “{}” {why}", a.id, a.text, b.id, b.text);
    let question = RuleItem::new(
        "contradiction",
        ItemKind::OpenQuestion,
        &[&a.text, &b.text],
        format!(
            "Which holds: “{}” ({}) or “{}” ({})? They {why}.",
            a.text, a.id, b.text, b.id
        ),
    )
    .about(a);
    let sentence = |item: &Requirement| item.said().to_owned();
    Contradiction {
        message,
        items: vec![a.id.clone(), b.id.clone()],
        sentences: vec![sentence(a), sentence(b)],
        question,
    }
}

fn by_numbers(said: &[Said<'_>], pairs: &mut Pairs) {
    let mut by_measure: BTreeMap<&str, Vec<(usize, &Demand)>> = BTreeMap::new();
    for (at, one) in said.iter().enumerate() {
        if one.item.kind == ItemKind::OutOfScope {
            continue;
        }
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for demand in &one.demands {
            let count = counts.entry(&demand.measure).or_default();
            *count += 1;
            if *count <= MOST_OF_ONE {
                by_measure
                    .entry(&demand.measure)
                    .or_default()
                    .push((at, demand));
            }
        }
    }
    pairs.start();
    for group in by_measure.values() {
        let compared = &group[..group.len().min(MOST_COMPARED)];
        pairs.leave_out(group.len() - compared.len());
        for (place, (a, one)) in compared.iter().enumerate() {
            for (b, other) in &compared[place + 1..] {
                let (first, second) = (&said[*a], &said[*b]);
                if !one.contradicts(other) {
                    continue;
                }
                if !pairs.may_compare(first.subject.len() + second.subject.len()) {
                    pairs.leave_out(1);
                    continue;
                }
                if first.is_apart_from(second) && is_same_subject(&one.measure, first, second) {
                    pairs.add(*a, *b, || {
                        format!(
                            "name different numbers for one measure ({} and {})",
                            one.shown, other.shown
                        )
                    });
                }
            }
        }
    }
}

/// Whether what two sentences are about, apart from the measure itself, is the same.
fn is_same_subject(measure: &str, a: &Said<'_>, b: &Said<'_>) -> bool {
    if !a.names.is_empty() && !b.names.is_empty() && a.names != b.names {
        return false;
    }
    let (a, b) = (&a.subject, &b.subject);
    match (a.is_empty(), b.is_empty()) {
        (true, true) => true,
        // The whole and one of its parts.
        (true, false) | (false, true) => !measure.starts_with("time "),
        (false, false) => 2 * shared(a, b) >= a.len().min(b.len()),
    }
}

/// How many words two sorted lists share.
fn shared(a: &[String], b: &[String]) -> usize {
    let (mut at, mut found) = (0, 0);
    for word in a {
        while b.get(at).is_some_and(|other| other < word) {
            at += 1;
        }
        found += usize::from(b.get(at) == Some(word));
    }
    found
}

fn by_denial(said: &[Said<'_>], pairs: &mut Pairs) {
    let denials: Vec<(usize, &Vec<String>)> = said
        .iter()
        .enumerate()
        .filter_map(|(at, one)| Some((at, one.denied.as_ref()?)))
        .filter(|(at, denied)| (1..=4).contains(&denied.len()) && !said[*at].is_numbered())
        .collect();
    let mut affirmed: HashMap<&str, Vec<usize>> = denials
        .iter()
        .flat_map(|(_, denied)| denied.iter())
        .map(|word| (word.as_str(), Vec::new()))
        .collect();
    for (at, one) in said.iter().enumerate() {
        if one.denied.is_none() && one.item.kind != ItemKind::SuccessCriterion {
            for word in &one.stems {
                if let Some(places) = affirmed.get_mut(word.as_str()) {
                    places.push(at);
                }
            }
        }
    }
    pairs.start();
    for (at, denied) in denials {
        let one = &said[at];
        let rarest = denied
            .iter()
            .map(|word| affirmed.get(word.as_str()).map_or(&[][..], Vec::as_slice))
            .min_by_key(|places| places.len())
            .unwrap_or(&[]);
        for (nth, place) in rarest.iter().enumerate() {
            if nth == MOST_COMPARED || !pairs.may_compare(0) {
                pairs.leave_out(rarest.len() - nth);
                break;
            }
            let other = &said[*place];
            if one.is_apart_from(other) && denied.iter().all(|word| other.says(word)) {
                pairs.add(at, *place, || {
                    let why = match one.item.kind {
                        ItemKind::OutOfScope => {
                            "contradict each other: one leaves out what the other asks for"
                        }
                        _ => "contradict each other: one forbids what the other asks for",
                    };
                    why.to_owned()
                });
            }
        }
    }
}

fn by_opposites(said: &[Said<'_>], pairs: &mut Pairs) {
    let mut sides: Vec<[Vec<(usize, String)>; 2]> = Vec::new();
    sides.resize_with(PAIRS, Default::default);
    for (at, one) in said.iter().enumerate() {
        if one.item.kind == ItemKind::OutOfScope {
            continue;
        }
        for taken in taken(one.words) {
            let side = match taken.side {
                Side::One => 0,
                Side::Other => 1,
            };
            sides[taken.pair][side].push((at, taken.phrase));
        }
    }
    pairs.start();
    for [one, other] in sides {
        let first = &one[..one.len().min(MOST_OF_A_SIDE)];
        let second = &other[..other.len().min(MOST_OF_A_SIDE)];
        pairs.count(one.len() * other.len() - first.len() * second.len());
        for (a, said_first) in first {
            for (b, said_second) in second {
                if pairs.may_compare(0) && a != b && said[*a].is_apart_from(&said[*b]) {
                    pairs.add(*a, *b, || {
                        format!("contradict each other (“{said_first}” and “{said_second}”)")
                    });
                }
            }
        }
    }
}

/// How far a negation reaches.
enum Negation {
    /// The whole sentence.
    All,
    /// What begins at this word.
    From(usize),
}

fn negation(words: &[Word]) -> Option<Negation> {
    for (at, word) in words.iter().enumerate() {
        let negation = match word.lower.as_str() {
            "no" | "without" | "ohne" | "kein" | "keine" | "keinen" => Negation::From(at + 1),
            "not" | "never" | "cannot" | "can't" | "don't" | "doesn't" | "won't" | "mustn't"
            | "shouldn't" | "nicht" | "niemals" => Negation::All,
            _ => continue,
        };
        let is_bound = matches!(
            lower_at(words, at + 1),
            "more" | "later" | "less" | "longer" | "only" | "exceed" | "than" | "fewer" | "least"
        );
        if !is_bound {
            return Some(negation);
        }
    }
    None
}

/// Whether a sentence forbids something.
pub fn is_negative(words: &[Word]) -> bool {
    negation(words).is_some()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fmt::Write as _;

    use super::super::super::words::words;
    use super::{Said, contradictions, pairs};
    use crate::requirements::visions::proposed;

    /// How many comparisons `lines` of a kind take, and what is said of those that are not named.
    fn check(lines: usize, line: impl Fn(usize) -> String) -> (usize, Option<String>) {
        let mut vision = String::new();
        for number in 0..lines {
            writeln!(vision, "{}.", line(number)).expect("a String");
        }
        let items = proposed(&vision).items;
        let spoken: Vec<_> = items.iter().map(|item| words(&item.text)).collect();
        let said: Vec<Said<'_>> = items
            .iter()
            .zip(&spoken)
            .filter_map(|(item, words)| Said::of(item, words))
            .collect();
        assert!(said.len() >= lines, "no demand is lost");
        let found = contradictions(&items, &spoken, &HashSet::new());
        assert!(found.named.len() <= 50);
        (pairs(&said).compared(), found.rest)
    }

    #[test]
    fn comparisons_are_bounded_however_many_lines_contradict_each_other() {
        for line in [
            |number: usize| format!("The page {} must load within {number} seconds", number % 3),
            |number: usize| match number % 2 {
                0 => "Everything works offline".to_owned(),
                _ => "It is always online".to_owned(),
            },
            |number: usize| match number % 2 {
                0 => "No ads".to_owned(),
                _ => "Show ads to everyone".to_owned(),
            },
        ] {
            let (few, _) = check(60, line);
            let (many, rest) = check(1_200, line);
            assert!(few <= 60 * 60 / 2, "{few}");
            assert!(many <= 40_001 * 3, "{many}");
            let rest = rest.expect("not all are named");
            assert!(rest.contains("more pairs do not go together"), "{rest}");
        }
        let (none, rest) = check(300, |number| format!("Users can see part {number}"));
        assert_eq!((none, rest), (0, None));
    }
}
