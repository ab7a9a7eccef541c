//! Finds the items of one version again in the next: first by what they were read from, then by their
//! words. Every item is found at most once, and equal input gives equal matches.

use std::collections::HashMap;

use super::super::id::normalised;
use super::super::item::ItemKind;
use super::model::Requirement;

/// What an item is recognised by.
#[derive(Debug)]
pub struct Known<'i> {
    key: &'i str,
    kind: ItemKind,
    text: String,
    sentence: String,
}

impl<'i> Known<'i> {
    /// Reads it off an item.
    pub fn of(item: &'i Requirement) -> Self {
        Self {
            key: &item.key,
            kind: item.kind,
            text: normalised(&item.text),
            sentence: normalised(&item.source.sentence),
        }
    }
}

/// Two items with fewer words in common than this are different ones.
const LEAST_ALIKE: f64 = 0.6;
/// A word that more items have says nothing about which of them is meant.
const MOST_POSTINGS: usize = 64;

/// For each of `new` the place in `old` of the same item.
pub fn matches(old: &[Known<'_>], new: &[Known<'_>]) -> Vec<Option<usize>> {
    let mut found = vec![None; new.len()];
    let mut taken = vec![false; old.len()];
    by_equal(old, new, &mut found, &mut taken, |item| {
        (!item.key.is_empty()).then(|| item.key.to_owned())
    });
    by_equal(old, new, &mut found, &mut taken, |item| {
        (!item.sentence.is_empty()).then(|| format!("{}\n{}", item.sentence, item.text))
    });
    by_equal(old, new, &mut found, &mut taken, |item| {
        Some(format!("{}\n{}", item.kind.name(), item.text))
    });
    by_likeness(old, new, &mut found, &mut taken);
    found
}

fn by_equal(
    old: &[Known<'_>],
    new: &[Known<'_>],
    found: &mut [Option<usize>],
    taken: &mut [bool],
    name: impl Fn(&Known<'_>) -> Option<String>,
) {
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, item) in old.iter().enumerate().rev() {
        if !taken[at]
            && let Some(name) = name(item)
        {
            places.entry(name).or_default().push(at);
        }
    }
    for (at, item) in new.iter().enumerate() {
        if found[at].is_none()
            && let Some(name) = name(item)
            && let Some(place) = places.get_mut(&name).and_then(Vec::pop)
        {
            found[at] = Some(place);
            taken[place] = true;
        }
    }
}

fn by_likeness(
    old: &[Known<'_>],
    new: &[Known<'_>],
    found: &mut [Option<usize>],
    taken: &mut [bool],
) {
    let words = |item: &Known<'_>| -> Vec<String> {
        let mut words: Vec<String> = item
            .text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        words.sort_unstable();
        words.dedup();
        words
    };
    let mut postings: HashMap<String, Vec<usize>> = HashMap::new();
    let mut sizes = vec![0; old.len()];
    for (at, item) in old.iter().enumerate().filter(|(at, _)| !taken[*at]) {
        let words = words(item);
        sizes[at] = words.len();
        for word in words {
            postings.entry(word).or_default().push(at);
        }
    }
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (at, item) in new
        .iter()
        .enumerate()
        .filter(|(at, _)| found[*at].is_none())
    {
        let words = words(item);
        let mut common: HashMap<usize, usize> = HashMap::new();
        let mut counted = 0;
        for word in &words {
            let Some(places) = postings.get(word) else {
                counted += 1;
                continue;
            };
            if places.len() <= MOST_POSTINGS {
                counted += 1;
                for place in places {
                    *common.entry(*place).or_default() += 1;
                }
            }
        }
        // Words that are too common to look up are taken to be shared.
        let assumed = words.len() - counted;
        for (place, shared) in common {
            if old[place].kind != item.kind && old[place].sentence != item.sentence {
                continue;
            }
            let shared = (shared + assumed).min(sizes[place]) as f64;
            let alike = 2.0 * shared / (words.len() + sizes[place]) as f64;
            if alike >= LEAST_ALIKE {
                pairs.push((alike, place, at));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    for (_, place, at) in pairs {
        if !taken[place] && found[at].is_none() {
            taken[place] = true;
            found[at] = Some(place);
        }
    }
}
