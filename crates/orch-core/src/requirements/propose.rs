//! From a vision to its draft, sentence by sentence. Each sentence is read by itself; nothing found in
//! one changes what another one gives.

use std::collections::HashMap;

use super::classify::{Basis, Verdict, classify};
use super::clauses::{Clause, clauses};
use super::evidence::Evidence;
use super::headings::{Sense, label_of};
use super::id::Ids;
use super::item::{Asks, Draft, Item, ItemKind, Source};
use super::reading::{Sentence, read};
use super::sentences::is_question;
use super::wording::{completed, demand_wanted, is_trivial, number_wanted, tidied, undecided};

/// Open questions that one clause may give for its vague words.
const MAX_QUESTIONS: usize = 4;

/// Derives the draft of `vision`: deterministic, linear in its length, and total (any text is accepted).
pub fn propose(vision: &str) -> Draft {
    drafted(&read(vision))
}

/// The draft of a text's sentences.
pub fn drafted(sentences: &[Sentence<'_>]) -> Draft {
    let mut ids = Ids::default();
    let mut items = Vec::new();
    for sentence in sentences {
        let mut given: HashMap<ItemKind, usize> = HashMap::new();
        for (kind, text, asks) in statements(sentence) {
            let nth = given.entry(kind).or_default();
            items.push(Item {
                id: ids.next(kind, sentence.text, *nth),
                kind,
                text,
                source: Source {
                    sentence: sentence.text.to_owned(),
                    index: sentence.index,
                    start: sentence.start,
                    end: sentence.start + sentence.text.len(),
                    attachment: None,
                },
                asks,
            });
            *nth += 1;
        }
    }
    Draft { items }
}

/// Those of `sentences` that demand something and that no item cites.
pub fn unheard(sentences: &[Sentence<'_>], draft: &Draft) -> Vec<Source> {
    let cited: std::collections::HashSet<usize> =
        draft.items.iter().map(|item| item.source.start).collect();
    sentences
        .iter()
        .filter(|sentence| {
            !cited.contains(&sentence.start) && Evidence::of(sentence.text).demands()
        })
        .map(|sentence| Source {
            sentence: sentence.text.to_owned(),
            index: sentence.index,
            start: sentence.start,
            end: sentence.start + sentence.text.len(),
            attachment: None,
        })
        .collect()
}

/// What a sentence says, in order and without repetition.
fn statements(sentence: &Sentence<'_>) -> Vec<(ItemKind, String, Option<Asks>)> {
    if is_trivial(sentence.text) {
        return Vec::new();
    }
    let label = label_of(sentence.text);
    let given = label
        .and_then(|(sense, _)| sense.kind())
        .or(sentence.heading);
    let said = match label {
        Some((Sense::Kind(_), rest)) => &sentence.text[rest..],
        Some((Sense::Subject(_) | Sense::LeadIn(_) | Sense::Neutral, _)) | None => sentence.text,
    };
    if is_question(said) {
        return vec![(ItemKind::OpenQuestion, tidied(said), Some(Asks::Answer))];
    }
    let mut found: Vec<(ItemKind, String, Option<Asks>)> = Vec::new();
    let mut add = |kind, text, asks| {
        let statement = (kind, text, asks);
        if !found.contains(&statement) {
            found.push(statement);
        }
    };
    for Judged {
        clause,
        text,
        verdict,
    } in judged(said, given, sentence)
    {
        let text = match (sentence.lead_in, text) {
            (Some(lead_in), _) => tidied(&completed(lead_in, &clause.text(said))),
            (None, Some(text)) => text,
            (None, None) => tidied(&clause.text(said)),
        };
        let unclear = verdict.basis == Basis::Unclear && verdict.kinds == [ItemKind::Goal];
        for kind in verdict.kinds {
            match kind {
                ItemKind::OpenQuestion => add(kind, undecided(&text), Some(Asks::Decision)),
                ItemKind::Goal
                | ItemKind::Functional
                | ItemKind::Scope
                | ItemKind::OutOfScope
                | ItemKind::Constraint
                | ItemKind::NonFunctional
                | ItemKind::Risk
                | ItemKind::SuccessCriterion => add(kind, text.clone(), None),
            }
        }
        if unclear {
            add(
                ItemKind::OpenQuestion,
                demand_wanted(&text),
                Some(Asks::Whether),
            );
        }
        for (vague, word) in verdict.vague.iter().take(MAX_QUESTIONS) {
            let question = number_wanted(*vague, word, &text);
            let word = word.clone();
            add(
                ItemKind::OpenQuestion,
                question,
                Some(Asks::Number { word }),
            );
        }
    }
    found
}

/// A clause and what it is.
struct Judged {
    clause: Clause,
    /// Its text; none where others were joined to it.
    text: Option<String>,
    verdict: Verdict,
}

/// The clauses of `said` with their verdicts; clauses that say the same kind of thing, or nothing of
/// their own, are one.
fn judged(said: &str, given: Option<ItemKind>, sentence: &Sentence<'_>) -> Vec<Judged> {
    let mut found: Vec<Judged> = Vec::new();
    for clause in clauses(said) {
        let text = tidied(&clause.text(said));
        let verdict = classify(&text, sentence.text, given, sentence.standing);
        match found.last_mut() {
            Some(before) if is_one(&before.verdict, &verdict) => {
                before.clause.body.end = clause.body.end;
                before.text = None;
                for vague in verdict.vague {
                    if !before.verdict.vague.contains(&vague) {
                        before.verdict.vague.push(vague);
                    }
                }
            }
            Some(_) | None => found.push(Judged {
                clause,
                text: Some(text),
                verdict,
            }),
        }
    }
    found
}

fn is_one(before: &Verdict, next: &Verdict) -> bool {
    let listable = |kind: &ItemKind| match kind {
        ItemKind::Constraint | ItemKind::NonFunctional | ItemKind::Functional => false,
        ItemKind::Risk
        | ItemKind::Goal
        | ItemKind::Scope
        | ItemKind::OutOfScope
        | ItemKind::SuccessCriterion
        | ItemKind::OpenQuestion => true,
    };
    next.basis != Basis::Evidence || (before.kinds == next.kinds && next.kinds.iter().all(listable))
}
