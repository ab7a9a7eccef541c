//! Finds the items of one version again in the next: first by what they were read from, then by their
//! words. Every item is found at most once, and equal input gives equal matches.

use std::collections::HashMap;

use super::super::advice::stems;
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
    if taken.contains(&false) && found.contains(&None) {
        by_likeness(old, new, &mut found, &mut taken);
    }
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
    if !taken.contains(&false) || !found.contains(&None) {
        return;
    }
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

/// The words that tell an item from its neighbours: those that say what it is about, else all.
fn telling_words(text: &str) -> Vec<String> {
    let mut found = stems(text);
    let numbers = text.split(|c: char| !c.is_alphanumeric());
    found.extend(
        numbers
            .filter(|word| word.starts_with(|c: char| c.is_ascii_digit()))
            .map(str::to_owned),
    );
    if found.is_empty() {
        let all = text.split(|c: char| !c.is_alphanumeric());
        found = all
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// How much a word tells: the fewer items have it, the more. A number is changed more often than what it is of.
fn weight(word: &str, items: usize) -> f64 {
    let most = match word.starts_with(|c: char| c.is_ascii_digit()) {
        true => 0.4,
        false => 1.0,
    };
    f64::min(most, 2.0 / (items.max(1) as f64 + 1.0))
}

/// Pairs of all that are left, the most alike first: what is nearer to another one is never taken before it.
fn by_likeness(
    old: &[Known<'_>],
    new: &[Known<'_>],
    found: &mut [Option<usize>],
    taken: &mut [bool],
) {
    let of_old: Vec<Vec<String>> = old.iter().map(|item| telling_words(&item.text)).collect();
    let of_new: Vec<Vec<String>> = new.iter().map(|item| telling_words(&item.text)).collect();
    let mut uses: HashMap<&str, (usize, usize)> = HashMap::new();
    for word in of_old.iter().flatten() {
        uses.entry(word).or_default().0 += 1;
    }
    for word in of_new.iter().flatten() {
        uses.entry(word).or_default().1 += 1;
    }
    let weigh = |word: &str| {
        let (before, after) = uses.get(word).copied().unwrap_or_default();
        weight(word, before.max(after))
    };
    let mut postings: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut sizes = vec![0.0; old.len()];
    for (at, words) in of_old.iter().enumerate().filter(|(at, _)| !taken[*at]) {
        sizes[at] = words.iter().map(|word| weigh(word)).sum();
        for word in words {
            postings.entry(word).or_default().push(at);
        }
    }
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (at, words) in of_new
        .iter()
        .enumerate()
        .filter(|(at, _)| found[*at].is_none())
    {
        let size: f64 = words.iter().map(|word| weigh(word)).sum();
        let mut common: HashMap<usize, f64> = HashMap::new();
        for word in words {
            let places = postings.get(word.as_str()).map_or(&[][..], Vec::as_slice);
            if places.len() <= MOST_POSTINGS {
                for place in places {
                    *common.entry(*place).or_default() += weigh(word);
                }
            }
        }
        for (place, shared) in common {
            if old[place].kind != new[at].kind && old[place].sentence != new[at].sentence {
                continue;
            }
            let alike = 2.0 * shared / (size + sizes[place]);
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
