//! What follows from a document's items by rules: questions about contradictions, risks, options, the cut of
//! the first version, findings. Worked out anew after each proposal and each edit; what persons said stays,
//! and what a model proposed beside it.

use std::collections::{HashMap, HashSet};

use super::super::advice::{self, RuleItem};
use super::super::words::{Word, words};
use super::answering;
use super::build::next_id;
use super::merge::is_contradiction_by_model;
use super::model::{
    ArchitectureOption, Document, Finding, FindingKind, Origin, Requirement, Support,
};

/// Works out anew what follows from the items: questions about contradictions, risks, options, the cut
/// of the first version, findings. What persons said to it stays.
pub(super) fn derive(document: &mut Document) {
    drop_settled_questions(document);
    let (mut old, items): (Vec<_>, Vec<_>) = std::mem::take(&mut document.items)
        .into_iter()
        .partition(|item| item.origin == Origin::Rules);
    document.items = items;
    let spoken: Vec<Vec<Word>> = document
        .items
        .iter()
        .map(|item| words(&item.text))
        .collect();
    let left_behind = leave_behind(&mut document.items, &spoken);
    document.options = options(document, &spoken);
    if let Some(chosen) = &document.chosen_option
        && !document.options.iter().any(|option| &option.name == chosen)
    {
        document.chosen_option = None;
    }
    let found = advice::contradictions(&document.items, &spoken, &left_behind);
    let (mut contradictions, rest) = (found.named, found.rest);
    // What a model asks about already is not asked again.
    contradictions.retain(|found| !is_asked(&document.items, &found.items));
    answering::leave_out_decided(&mut contradictions, &document.items, &old);
    let mut asked = Vec::with_capacity(contradictions.len());
    let from_rules = contradictions
        .iter()
        .map(|found| found.question.clone())
        .chain(advice::risks(&document.items, &spoken))
        .chain(advice::gaps(&document.items, &document.options));
    let from_rules: Vec<RuleItem> = from_rules.collect();
    for (at, rule) in from_rules.into_iter().enumerate() {
        let is_removed = document.removed.iter().any(|gone| gone.key == rule.key);
        let id = if is_removed {
            None
        } else {
            let item = match old.iter().position(|item| item.key == rule.key) {
                Some(known) => rule.renew(old.remove(known)),
                None => rule.into_requirement(next_id(&mut document.next_number)),
            };
            let id = item.id.clone();
            document.items.push(item);
            Some(id)
        };
        if at < contradictions.len() {
            asked.push(id);
        }
    }
    // What a person edited or answered stays, though its reason may be gone.
    document.items.extend(
        old.into_iter()
            .filter(|item| item.edited || item.answer.is_some()),
    );
    advice::cut_mvp(&mut document.items);
    document.findings = findings(document, contradictions, asked);
    name_the_rest(document, rest);
}

/// Facts about existing code hang on the item that moves away from them, and say so by the first version.
fn leave_behind(items: &mut [Requirement], spoken: &[Vec<Word>]) -> HashSet<usize> {
    let left = advice::left_behind(items, spoken);
    for at in 0..items.len() {
        if advice::is_fact(&items[at]) {
            items[at].about = left.get(&at).map(|mover| items[*mover].id.clone());
        }
    }
    left.into_keys().collect()
}

/// Contradictions that are too many to be asked about one by one are counted behind the last that is.
fn name_the_rest(document: &mut Document, rest: Option<String>) {
    let Some(message) = rest else { return };
    let named = |finding: &Finding| finding.kind == FindingKind::Contradiction;
    let count = document.findings.iter().filter(|one| named(one)).count();
    let Some(last) = document.findings[..count].last() else {
        return;
    };
    let note = Finding {
        kind: FindingKind::Contradiction,
        message,
        items: Vec::new(),
        sentences: last.sentences.clone(),
        question: None,
        resolved: false,
    };
    document.findings.insert(count, note);
}

/// Those of a model, where it proposed any; else those that words speak for.
fn options(document: &mut Document, spoken: &[Vec<Word>]) -> Vec<ArchitectureOption> {
    let mut proposed: Vec<ArchitectureOption> = std::mem::take(&mut document.options)
        .into_iter()
        .filter(|option| option.by_model)
        .collect();
    if proposed.is_empty() {
        return advice::options(&document.items, spoken);
    }
    let ids: HashSet<&str> = document.items.iter().map(|item| item.id.as_str()).collect();
    for option in &mut proposed {
        let known = |support: &Support| ids.contains(support.item.as_str());
        option.rests_on.retain(known);
    }
    proposed
}

fn is_asked(items: &[Requirement], between: &[String]) -> bool {
    items.iter().any(|question| {
        !question.between.is_empty() && between.iter().all(|id| question.between.contains(id))
    })
}

/// A question about a vague word has no object once the word or its item is gone.
fn drop_settled_questions(document: &mut Document) {
    // Only what was edited can have lost its vague word.
    let texts: HashMap<String, Option<String>> = document
        .items
        .iter()
        .map(|item| {
            let edited = item.edited.then(|| item.text.to_lowercase());
            (item.id.clone(), edited)
        })
        .collect();
    document.items.retain(|item| {
        let set_against = item.between.iter().filter(|id| texts.contains_key(*id));
        if !item.between.is_empty() && item.answer.is_none() && set_against.count() < 2 {
            return false;
        }
        let (Some(word), Some(about)) = (&item.vague_word, &item.about) else {
            return true;
        };
        item.answer.is_some()
            || texts.get(about).is_some_and(|edited| {
                edited
                    .as_ref()
                    .is_none_or(|text| text.contains(word.as_str()))
            })
    });
}

fn findings(
    document: &Document,
    contradictions: Vec<advice::Contradiction>,
    asked: Vec<Option<String>>,
) -> Vec<Finding> {
    let by_id: HashMap<&str, &Requirement> = document
        .items
        .iter()
        .map(|item| (item.id.as_str(), item))
        .collect();
    let is_answered = |id: &Option<String>| {
        id.as_ref()
            .is_none_or(|id| by_id.get(id.as_str()).is_none_or(|q| q.answer.is_some()))
    };
    let mut found: Vec<Finding> = contradictions
        .into_iter()
        .zip(asked)
        .map(|(contradiction, question)| Finding {
            kind: FindingKind::Contradiction,
            message: contradiction.message,
            sentences: contradiction.sentences,
            items: contradiction.items,
            resolved: is_answered(&question),
            question,
        })
        .collect();
    let by_model = document
        .items
        .iter()
        .filter(|item| !item.between.is_empty() || is_contradiction_by_model(item))
        .filter(|item| {
            !found
                .iter()
                .any(|known| known.question.as_ref() == Some(&item.id))
        });
    let by_model: Vec<&Requirement> = by_model.collect();
    found.extend(by_model.into_iter().map(|question| {
        let lone = question
            .about
            .iter()
            .filter(|_| question.between.is_empty());
        let between = question.between.iter().chain(lone);
        let items: Vec<&Requirement> = between
            .filter_map(|id| by_id.get(id.as_str()).copied())
            .collect();
        Finding {
            kind: FindingKind::Contradiction,
            message: question.text.clone(),
            items: items.iter().map(|item| item.id.clone()).collect(),
            sentences: match items.is_empty() {
                true => vec![question.said().to_owned()],
                false => items.iter().map(|item| item.said().to_owned()).collect(),
            },
            question: Some(question.id.clone()),
            resolved: question.answer.is_some(),
        }
    }));
    for question in &document.items {
        let Some(word) = &question.vague_word else {
            continue;
        };
        let about = question.about.as_deref().and_then(|id| by_id.get(id));
        let text = about.map_or(question.text.as_str(), |item| item.text.as_str());
        found.push(Finding {
            kind: FindingKind::Vagueness,
            message: format!("“{word}” in “{text}” wants a number"),
            items: question.about.iter().cloned().collect(),
            sentences: vec![question.said().to_owned()],
            question: Some(question.id.clone()),
            resolved: question.answer.is_some(),
        });
    }
    found
}
