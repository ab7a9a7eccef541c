//! What changed from one version to another, item by item and word by word. Linear in the documents but
//! for the words of items that changed, whose comparison is bounded.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::model::{Document, Requirement};
use super::word_diff::{WordChange, word_changes};

/// The difference between two versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Items that only the newer one has.
    pub added: Vec<Requirement>,
    /// Items that only the older one has.
    pub removed: Vec<Requirement>,
    /// Items of both that are not the same.
    pub changed: Vec<Changed>,
    /// Architectures that only the newer one proposes, by name.
    pub options_added: Vec<String>,
    /// Architectures that only the older one proposes, by name.
    pub options_removed: Vec<String>,
    /// The chosen architecture before and after, where it is another.
    pub chosen_option: Option<FieldChange>,
}

/// An item that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    pub id: String,
    /// The fields that are not the same.
    pub fields: Vec<FieldChange>,
    /// The words of its text; empty where the text is the same.
    pub words: Vec<WordChange>,
}

/// A field before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    pub field: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Difference {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What changed from `before` to `after`.
pub fn difference(before: &Document, after: &Document) -> Difference {
    let index = |document: &'_ Document| -> HashMap<String, usize> {
        let ids = document.items.iter().enumerate();
        ids.map(|(at, item)| (item.id.clone(), at)).collect()
    };
    let (old, new) = (index(before), index(after));
    let mut found = Difference::default();
    for item in &after.items {
        match old.get(&item.id) {
            None => found.added.push(item.clone()),
            Some(at) => found.changed.extend(changed(&before.items[*at], item)),
        }
    }
    let gone = before
        .items
        .iter()
        .filter(|item| !new.contains_key(&item.id));
    found.removed = gone.cloned().collect();
    let names = |document: &Document| -> Vec<String> {
        document
            .options
            .iter()
            .map(|option| option.name.clone())
            .collect()
    };
    let (old, new) = (names(before), names(after));
    found.options_added = new
        .iter()
        .filter(|name| !old.contains(name))
        .cloned()
        .collect();
    found.options_removed = old.into_iter().filter(|name| !new.contains(name)).collect();
    found.chosen_option = field(
        "chosen_option",
        before.chosen_option.clone(),
        after.chosen_option.clone(),
    );
    found
}

fn changed(before: &Requirement, after: &Requirement) -> Option<Changed> {
    let mut fields = Vec::new();
    let mut add = |name: &str, a: Option<&str>, b: Option<&str>| {
        if a != b {
            fields.extend(field(name, a.map(str::to_owned), b.map(str::to_owned)));
        }
    };
    let mvp = |item: &Requirement| {
        item.mvp.as_ref().map(|mvp| match mvp.included {
            true => "included",
            false => "later",
        })
    };
    let answer = |item: &Requirement| {
        item.answer.as_ref().map(|answer| {
            answer
                .text
                .clone()
                .unwrap_or_else(|| "(skipped)".to_owned())
        })
    };
    add("text", Some(&before.text), Some(&after.text));
    add("kind", Some(before.kind.name()), Some(after.kind.name()));
    add(
        "priority",
        Some(before.priority.name()),
        Some(after.priority.name()),
    );
    add("mvp", mvp(before), mvp(after));
    add(
        "answer",
        answer(before).as_deref(),
        answer(after).as_deref(),
    );
    add(
        "source",
        Some(&before.source.sentence),
        Some(&after.source.sentence),
    );
    if fields.is_empty() {
        return None;
    }
    let words = match before.text == after.text {
        true => Vec::new(),
        false => word_changes(&before.text, &after.text),
    };
    Some(Changed {
        id: after.id.clone(),
        fields,
        words,
    })
}

fn field(name: &str, before: Option<String>, after: Option<String>) -> Option<FieldChange> {
    (before != after).then(|| FieldChange {
        field: name.to_owned(),
        before,
        after,
    })
}
