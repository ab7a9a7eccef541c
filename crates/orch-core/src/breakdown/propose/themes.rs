//! Features that speak of the same thing stand together in an epic, which is named by the word that they
//! share. What shares no word stands under its kind.

use std::collections::HashMap;

use super::groups::Group;
use super::wording::one_line;
use crate::requirements::{is_generic, stem, words};

/// The most stories of an epic; more go to another one of the same name.
pub const MOST_OF_EPIC: usize = 50;
/// With at least so many features, a word of most of them parts nothing.
const MANY: usize = 6;

/// Where a feature stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    pub key: String,
    pub title: String,
}

/// The theme of each of `features`.
pub fn themes(features: &[&Group<'_>]) -> Vec<Theme> {
    let spoken: Vec<Vec<(String, String)>> =
        features.iter().map(|feature| spoken(feature)).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for stems in &spoken {
        for (stem, _) in stems {
            *counts.entry(stem).or_default() += 1;
        }
    }
    let most = match features.len() {
        few if few < MANY => few,
        many => many / 2,
    };
    // The commonest word that is not everywhere; of equals, the first one of the text.
    let chosen: Vec<Option<&str>> = spoken
        .iter()
        .map(|stems| {
            let mut best: Option<(usize, &str)> = None;
            for (stem, _) in stems {
                let count = counts[stem.as_str()];
                if (2..=most).contains(&count) && best.is_none_or(|(most, _)| count > most) {
                    best = Some((count, stem));
                }
            }
            best.map(|(_, stem)| stem)
        })
        .collect();
    let mut sizes: HashMap<&str, usize> = HashMap::new();
    for stem in chosen.iter().flatten() {
        *sizes.entry(stem).or_default() += 1;
    }
    let mut names: HashMap<&str, &str> = HashMap::new();
    for (stem, word) in spoken.iter().flatten() {
        names.entry(stem).or_insert(word);
    }
    let mut filled: HashMap<String, usize> = HashMap::new();
    features
        .iter()
        .zip(chosen)
        .map(|(feature, stem)| {
            let theme = match stem {
                Some(stem) if sizes[stem] >= 2 => Theme {
                    key: format!("theme/{stem}"),
                    title: capital(names[stem]),
                },
                Some(_) | None => {
                    let kind = feature.first().kind;
                    Theme {
                        key: format!("kind/{}", kind.name()),
                        title: kind.section().to_owned(),
                    }
                }
            };
            let count = filled.entry(theme.key.clone()).or_default();
            *count += 1;
            match (*count - 1) / MOST_OF_EPIC {
                0 => theme,
                part => Theme {
                    key: format!("{}/{}", theme.key, part + 1),
                    title: format!("{}, part {}", theme.title, part + 1),
                },
            }
        })
        .collect()
}

/// The stems of a feature, each once and with the word as it is written.
fn spoken(feature: &Group<'_>) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for word in words(&feature.first().text) {
        let lower = word.lower;
        let is_word = lower.chars().all(char::is_alphabetic) && lower.chars().count() > 2;
        if !is_word || is_generic(&lower) {
            continue;
        }
        let stem = stem(&plural(&lower));
        // A long text is not read twice for each of its words.
        if found.len() < 30 && !found.iter().any(|(known, _)| *known == stem) {
            found.push((stem, lower));
        }
    }
    found
}

/// "Member" stands with "members".
fn plural(word: &str) -> String {
    match word.ends_with("er") {
        true => format!("{word}s"),
        false => word.to_owned(),
    }
}

fn capital(word: &str) -> String {
    let word = one_line(word, 60);
    let mut letters = word.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => word,
    }
}
