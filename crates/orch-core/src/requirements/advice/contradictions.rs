//! Items that cannot both hold, or name different numbers for one thing. A rule over words sees no
//! more than words: what it finds is put to a person as a question, and nothing is changed.

use std::collections::{HashMap, HashSet};

use super::super::document::Requirement;
use super::super::item::ItemKind;
use super::super::words::{Word, words};
use super::clashes::{clashes, denied_to_all};
use super::measured::{Demand, demands};
use super::opposites::{OPPOSITES, opposed, subject_of};
use super::rule_item::RuleItem;
use super::stems::stems;
use super::units::is_beside;

/// Contradictions that are named; a text with more is not read sentence by sentence anyway.
const MOST_FOUND: usize = 50;
/// Items that are compared with one another for each measure, or for each word.
const MOST_COMPARED: usize = 128;

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
    words: Vec<Word>,
    stems: Vec<String>,
    /// Those that say more than what is measured.
    subject: Vec<String>,
    demands: Vec<Demand>,
    /// Numbers that measure nothing: they tell "step 1" from "step 2".
    names: Vec<String>,
    lower: String,
    /// What it forbids or leaves out.
    denied: Option<Vec<String>>,
}

/// Every pair of items that does not go together, in the order of the items.
pub fn contradictions(items: &[Requirement]) -> Vec<Contradiction> {
    let said: Vec<Said<'_>> = items.iter().filter_map(Said::of).collect();
    let mut found: Vec<(usize, usize, String)> = Vec::new();
    by_numbers(&said, &mut found);
    by_denial(&said, &mut found);
    by_opposites(&said, &mut found);
    by_plain_opposites(&said, &mut found);
    found.sort();
    let mut named = HashSet::new();
    found.retain(|(a, b, _)| named.insert((*a, *b)));
    found.truncate(MOST_FOUND);
    found
        .into_iter()
        .map(|(a, b, why)| contradiction(said[a].item, said[b].item, &why))
        .collect()
}

impl<'i> Said<'i> {
    fn of(item: &'i Requirement) -> Option<Self> {
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
        let words = words(&item.text);
        let denied = match (negation(&words), item.kind) {
            (Some(Negation::Of(start)), _) => Some(stems(item.text.get(start..).unwrap_or(""))),
            (Some(Negation::All), _) | (None, ItemKind::OutOfScope) => Some(stems(&item.text)),
            (None, _) => None,
        };
        let stems = stems(&item.text);
        let demands = demands(&words);
        Some(Self {
            item,
            subject: subject_of(&words)
                .into_iter()
                .chain(stems.iter().cloned())
                .filter(|word| !is_beside(word))
                .collect(),
            stems,
            names: words
                .iter()
                .enumerate()
                .filter(|(at, word)| {
                    word.lower.starts_with(|c: char| c.is_ascii_digit())
                        && demands.iter().all(|demand| {
                            demand.at != *at
                                && !demand.shown.split(' ').any(|part| part == word.lower)
                        })
                })
                .map(|(_, word)| word.lower.clone())
                .collect(),
            demands,
            lower: item.text.to_lowercase(),
            denied,
            words,
        })
    }

    /// Whether they are two statements; the clauses of one sentence are.
    fn is_apart_from(&self, other: &Self) -> bool {
        let (a, b) = (&self.item.source, &other.item.source);
        (a.start, a.index, &a.attachment) != (b.start, b.index, &b.attachment)
            || a.index == 0
            || self.item.text != other.item.text
    }
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

fn by_numbers(said: &[Said<'_>], found: &mut Vec<(usize, usize, String)>) {
    let mut by_measure: HashMap<&str, Vec<(usize, &Demand)>> = HashMap::new();
    for (at, one) in said.iter().enumerate() {
        if one.item.kind == ItemKind::OutOfScope {
            continue;
        }
        for demand in &one.demands {
            by_measure
                .entry(&demand.measure)
                .or_default()
                .push((at, demand));
        }
    }
    for group in by_measure.values() {
        let group = &group[..group.len().min(MOST_COMPARED)];
        for (place, (a, one)) in group.iter().enumerate() {
            for (b, other) in &group[place + 1..] {
                if said[*a].is_apart_from(&said[*b])
                    && one.contradicts(other)
                    && is_same_subject(&one.measure, &said[*a], &said[*b])
                {
                    let why = format!(
                        "name different numbers for one measure ({} and {})",
                        one.shown, other.shown
                    );
                    found.push((*a, *b, why));
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
    let shared = a.iter().filter(|word| b.contains(word)).count();
    match (a.is_empty(), b.is_empty()) {
        (true, true) => true,
        // The whole and one of its parts.
        (true, false) | (false, true) => !measure.starts_with("time "),
        (false, false) => 2 * shared >= a.len().min(b.len()),
    }
}

fn by_denial(said: &[Said<'_>], found: &mut Vec<(usize, usize, String)>) {
    let mut affirmed: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, one) in said.iter().enumerate() {
        if one.denied.is_none() && one.item.kind != ItemKind::SuccessCriterion {
            for word in &one.stems {
                affirmed.entry(word).or_default().push(at);
            }
        }
    }
    for (at, one) in said.iter().enumerate() {
        let Some(denied) = &one.denied else { continue };
        let numbered = one
            .words
            .iter()
            .any(|word| word.lower.contains(|c: char| c.is_ascii_digit()));
        if denied.is_empty() || denied.len() > 4 || numbered {
            continue;
        }
        let rarest = denied
            .iter()
            .map(|word| affirmed.get(word.as_str()).map_or(&[][..], Vec::as_slice))
            .min_by_key(|places| places.len())
            .unwrap_or(&[]);
        for place in rarest.iter().take(MOST_COMPARED) {
            let other = &said[*place];
            if one.is_apart_from(other) && denied.iter().all(|word| other.stems.contains(word)) {
                let why = match one.item.kind {
                    ItemKind::OutOfScope => {
                        "contradict each other: one leaves out what the other asks for"
                    }
                    _ => "contradict each other: one forbids what the other asks for",
                };
                found.push((at.min(*place), at.max(*place), why.to_owned()));
            }
        }
    }
}

fn by_opposites(said: &[Said<'_>], found: &mut Vec<(usize, usize, String)>) {
    for (one, other) in OPPOSITES {
        let saying = |phrases: &[&'static str]| -> Vec<(usize, &'static str)> {
            said.iter()
                .enumerate()
                .filter(|(_, said)| said.item.kind != ItemKind::OutOfScope)
                .filter_map(|(at, said)| {
                    let phrase = phrases
                        .iter()
                        .find(|phrase| said.lower.contains(**phrase))?;
                    Some((at, *phrase))
                })
                .take(8)
                .collect()
        };
        let others = saying(other);
        for (a, first) in saying(one) {
            for &(b, second) in &others {
                if said[a].is_apart_from(&said[b]) {
                    let why = format!("contradict each other (“{first}” and “{second}”)");
                    found.push((a.min(b), a.max(b), why));
                }
            }
        }
    }
}

fn by_plain_opposites(said: &[Said<'_>], found: &mut Vec<(usize, usize, String)>) {
    let texts: Vec<&str> = said
        .iter()
        .map(|said| match said.item.kind {
            ItemKind::OutOfScope => "",
            _ => said.lower.as_str(),
        })
        .collect();
    for (a, b, why) in opposed(&texts).into_iter().chain(clashes(&texts)) {
        if said[a].is_apart_from(&said[b]) {
            found.push((a.min(b), a.max(b), why));
        }
    }
}

/// How far a negation reaches.
enum Negation {
    /// The whole sentence.
    All,
    /// What begins at this byte.
    Of(usize),
}

fn negation(words: &[Word]) -> Option<Negation> {
    if let Some(start) = denied_to_all(words) {
        return Some(Negation::Of(start));
    }
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).map_or("", |next| next.lower.as_str());
        let is_bound = matches!(
            next,
            "more" | "later" | "less" | "longer" | "only" | "exceed" | "than" | "fewer" | "least"
        );
        match word.lower.as_str() {
            "no" | "without" | "ohne" | "kein" | "keine" | "keinen" if !is_bound => {
                return Some(Negation::Of(word.end));
            }
            "not" | "never" | "cannot" | "can't" | "don't" | "doesn't" | "won't" | "mustn't"
            | "shouldn't" | "nicht" | "niemals"
                if !is_bound =>
            {
                return Some(Negation::All);
            }
            _ => {}
        }
    }
    None
}

/// Whether a sentence forbids something.
pub fn is_negative(words: &[Word]) -> bool {
    negation(words).is_some()
}
