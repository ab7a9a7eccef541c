//! What an answer does to a document. A side that it names of a contradiction stays and the other is ruled
//! out; an answer that says something of its own becomes an item; any other stays with its question.

use std::collections::HashMap;

use super::super::advice::{self, Contradiction};
use super::super::item::ItemKind;
use super::super::propose::propose;
use super::super::wording::{WHETHER, tidied};
use super::super::words::words;
use super::merge::is_contradiction;
use super::model::{Document, Mvp, Origin, Priority, Requirement};

/// An answer of so few words is no statement of its own.
const FEW_WORDS: usize = 4;
/// Words of an answer that may name a side.
const MOST_WORDS: usize = 12;

/// How an answer settles its question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// It names a side of a contradiction, or leaves it to its words.
    BySide,
    /// By what it says.
    ByWords,
}

impl Document {
    /// Rules out the side that `answer` chooses against.
    pub(super) fn rule_out_by(
        &mut self,
        question: &Requirement,
        answer: &str,
        author: &str,
    ) -> Settled {
        let sides = self.sides_of(question);
        let [first, second] = sides.as_slice() else {
            return Settled::ByWords;
        };
        let text = |id: &String| {
            let item = self.items.iter().find(|item| &item.id == id);
            item.map_or("", |item| item.text.as_str())
        };
        let gone = match named_side(answer, [(first, text(first)), (second, text(second))]) {
            Some(Side::First) => second.clone(),
            Some(Side::Second) => first.clone(),
            None if words(answer).len() < FEW_WORDS => return Settled::BySide,
            None => return Settled::ByWords,
        };
        for item in self.items.iter_mut().filter(|item| item.id == gone) {
            item.priority = Priority::Wont;
            item.edited = true;
            item.mvp = Some(Mvp {
                included: false,
                reason: format!(
                    "{}: {author} answered “{answer}”",
                    ruled_out_by(&question.id)
                ),
                by_person: true,
                by_model: false,
            });
        }
        // The sides are remembered: once one is gone, no rule finds the pair again.
        let asked = self.items.iter_mut().find(|item| item.id == question.id);
        if let Some(asked) = asked {
            asked.between = sides;
        }
        Settled::BySide
    }

    /// What an answer that is taken back ruled out holds again.
    pub(super) fn take_back(&mut self, question: &str) {
        let reason = format!("{}:", ruled_out_by(question));
        for item in &mut self.items {
            let is_by_it = item
                .mvp
                .as_ref()
                .is_some_and(|mvp| mvp.reason.starts_with(&reason));
            if is_by_it {
                item.mvp = None;
                item.priority = advice::priority(item.kind, &item.text);
            }
        }
    }

    fn sides_of(&self, question: &Requirement) -> Vec<String> {
        if !question.between.is_empty() {
            return question.between.clone();
        }
        let mut findings = self.findings.iter();
        let finding = findings.find(|finding| {
            finding.question.as_ref() == Some(&question.id) && question.vague_word.is_none()
        });
        finding.map_or_else(Vec::new, |finding| finding.items.clone())
    }
}

fn ruled_out_by(question: &str) -> String {
    format!("ruled out by the answer to {question}")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    First,
    Second,
}

/// The side that an answer names: by its number, by its id, or by words that only it has.
fn named_side(answer: &str, sides: [(&String, &str); 2]) -> Option<Side> {
    let [(first, first_text), (second, second_text)] = sides;
    let said: Vec<String> = words(answer).into_iter().map(|word| word.lower).collect();
    if said.is_empty() || said.len() > MOST_WORDS {
        return None;
    }
    let one_of = |a: bool, b: bool| match (a, b) {
        (true, false) => Some(Side::First),
        (false, true) => Some(Side::Second),
        (true, true) | (false, false) => None,
    };
    let says = |list: &[&str]| said.iter().any(|word| list.contains(&word.as_str()));
    let by_id = one_of(
        says(&[&first.to_lowercase()]),
        says(&[&second.to_lowercase()]),
    );
    if by_id.is_some() {
        return by_id;
    }
    if said.len() <= FEW_WORDS {
        let by_place = one_of(
            says(&["first", "former", "erste", "ersteres"]),
            says(&["second", "latter", "zweite", "letzteres"]),
        );
        if by_place.is_some() {
            return by_place;
        }
    }
    let has_all = |text: &str| {
        let known: Vec<String> = words(text).into_iter().map(|word| word.lower).collect();
        said.iter().all(|word| known.contains(word))
    };
    one_of(has_all(first_text), has_all(second_text))
}

/// The item that an answer becomes; none where it says nothing without its question.
pub(super) fn item_of(
    question: &Requirement,
    about: Option<&Requirement>,
    answer: &str,
) -> Option<(ItemKind, String)> {
    match (about, &question.vague_word) {
        (Some(about), Some(_)) => return Some((about.kind, format!("{}: {answer}", about.text))),
        (Some(about), None) if question.text.starts_with(WHETHER) && is_short(answer) => {
            return is_yes(answer).then(|| (ItemKind::Functional, about.text.clone()));
        }
        (_, _) if is_contradiction(question) => {}
        (_, _) if is_short(answer) && !asks_for_all(question) => {
            return of_short(question, answer);
        }
        (_, _) => {}
    }
    Some((kind_of_answer(answer), tidied(answer)))
}

fn is_short(answer: &str) -> bool {
    words(answer).len() < FEW_WORDS
}

/// A question about the vision as a whole: its answer stands for itself ("a web shop").
fn asks_for_all(question: &Requirement) -> bool {
    question.origin == Origin::Rules && question.source.sentence.is_empty()
}

fn is_yes(answer: &str) -> bool {
    let first = words(answer).into_iter().next();
    first.is_some_and(|word| matches!(word.lower.as_str(), "yes" | "yeah" | "ja" | "sure"))
}

fn of_short(question: &Requirement, answer: &str) -> Option<(ItemKind, String)> {
    let answer = answer.trim_end_matches('.');
    let asked = question
        .text
        .strip_prefix("To be decided: ")
        .unwrap_or(&question.text);
    let kind = match words(answer).first().map(|word| word.lower.as_str()) {
        _ if is_yes(answer) => ItemKind::Functional,
        Some("no" | "nein" | "nope") => ItemKind::OutOfScope,
        Some(_) => ItemKind::Constraint,
        None => return None,
    };
    let text = match asked.ends_with('?') {
        true => format!("{asked} {answer}"),
        false => format!("{asked}: {answer}"),
    };
    Some((kind, tidied(&text)))
}

/// What kind of need an answer states; a limit, where it does not say.
fn kind_of_answer(answer: &str) -> ItemKind {
    propose(answer)
        .items
        .first()
        .map(|item| item.kind)
        .filter(|kind| !matches!(kind, ItemKind::OpenQuestion | ItemKind::Goal))
        .unwrap_or(ItemKind::Constraint)
}

/// What an answer says does not contradict the sides that it decides between.
pub(super) fn leave_out_decided(
    contradictions: &mut Vec<Contradiction>,
    items: &[Requirement],
    questions: &[Requirement],
) {
    let mut sides: HashMap<&str, &[String]> = HashMap::new();
    let by_model = items.iter().filter(|item| !item.between.is_empty());
    sides.extend(by_model.map(|item| (item.id.as_str(), item.between.as_slice())));
    for pair in contradictions.iter() {
        let asked = questions
            .iter()
            .find(|question| question.key == pair.question.key);
        sides.extend(asked.map(|question| (question.id.as_str(), pair.items.as_slice())));
    }
    let answers: Vec<(&str, &[String])> = items
        .iter()
        .filter(|item| item.origin == Origin::Answer)
        .filter_map(|item| Some((item.id.as_str(), *sides.get(item.about.as_deref()?)?)))
        .collect();
    let is_open = |pair: &Contradiction| {
        !answers.iter().any(|(answer, sides)| {
            pair.items.iter().any(|id| id == answer)
                && pair.items.iter().any(|id| sides.contains(id))
        })
    };
    let is_open: Vec<bool> = contradictions.iter().map(is_open).collect();
    let mut marks = is_open.into_iter();
    contradictions.retain(|_| marks.next().unwrap_or(true));
}

#[cfg(test)]
mod tests {
    use super::{Side, named_side};

    #[test]
    fn an_answer_names_a_side_by_place_by_id_or_by_its_words() {
        let (a, b) = ("R-3".to_owned(), "R-12".to_owned());
        let named = |answer| {
            let sides = [
                (&a, "The app works offline within 2 seconds"),
                (&b, "The app is always online only within 200 ms"),
            ];
            named_side(answer, sides)
        };
        for answer in [
            "The first",
            "first.",
            "R-3",
            "Offline",
            "2 seconds",
            "the former one",
        ] {
            assert_eq!(named(answer), Some(Side::First), "{answer}");
        }
        for answer in [
            "the second",
            "R-12 holds",
            "200 ms",
            "Always online",
            "the latter",
        ] {
            assert_eq!(named(answer), Some(Side::Second), "{answer}");
        }
        for answer in ["Yes", "both", "the app", "", "Neither of them"] {
            assert_eq!(named(answer), None, "{answer}");
        }
    }
}
