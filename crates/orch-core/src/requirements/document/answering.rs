//! What an answer does to a document: of a contradiction it rules out a side, both or none; it puts off what it
//! leaves out; and what it says of its own becomes an item, with its question where it leans on it.

use std::collections::HashMap;

use super::super::advice::{self, Contradiction, demands};
use super::super::id::normalised;
use super::super::item::ItemKind;
use super::super::propose::propose;
use super::super::wording::{WHETHER, tidied};
use super::super::words::words;
use super::dropped;
use super::merge::{is_contradiction, is_contradiction_by_model};
use super::model::{Document, Mvp, Origin, Priority, Requirement};
use super::replies::{Deferral, Reply, deferral, reply, stands_alone};
use super::suggested::cleaned;

/// An answer of so few words is no statement of its own.
const FEW_WORDS: usize = 4;
/// Characters of a side that an answer is shown with.
const LONGEST_SIDE: usize = 200;

/// How an answer settles its question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Settled {
    /// By what it does to the items that were asked about.
    ByItems,
    /// It holds instead of both sides.
    Instead(ItemKind, String),
    /// By what it says.
    ByWords,
}

impl Document {
    /// Rules out what `answer` chooses against, leaves out or puts off.
    ///
    /// # Errors
    /// When it decides nothing between the sides of a contradiction.
    pub(super) fn settle(
        &mut self,
        question: &Requirement,
        answer: &str,
        author: &str,
    ) -> Result<Settled, String> {
        let sides = self.sides_of(question);
        let [first, second] = sides.as_slice() else {
            return Ok(self.put_off_by(question, answer, author));
        };
        let text = |id: &String| {
            let item = self.items.iter().find(|item| &item.id == id);
            item.map_or("", |item| item.text.as_str())
        };
        let (gone, settled) = match reply(answer, [(first, text(first)), (second, text(second))]) {
            Reply::First => (vec![second.clone()], Settled::ByItems),
            Reply::Second => (vec![first.clone()], Settled::ByItems),
            Reply::Both => (Vec::new(), Settled::ByItems),
            Reply::Neither("") => (sides.clone(), Settled::ByItems),
            Reply::Neither(rest) => {
                let (kind, text) = instead(rest, [text(first), text(second)]);
                (sides.clone(), Settled::Instead(kind, text))
            }
            Reply::Nothing => {
                return Err(format!(
                    "“{answer}” decides nothing; expected a side (“the first”, {first}, words of it), “both”, \
                     “neither”, or what holds instead; skip the question to leave it open"
                ));
            }
        };
        self.rule_out(&gone, &question.id, answer, author);
        // The sides are remembered: once one is gone, no rule finds the pair again.
        let asked = self.items.iter_mut().find(|item| item.id == question.id);
        if let Some(asked) = asked {
            asked.between = sides;
        }
        Ok(settled)
    }

    fn rule_out(&mut self, gone: &[String], question: &str, answer: &str, author: &str) {
        for item in self.items.iter_mut().filter(|item| gone.contains(&item.id)) {
            item.priority = Priority::Wont;
            item.edited = true;
            item.mvp = Some(Mvp {
                included: false,
                reason: format!("{}: {author} answered “{answer}”", ruled_out_by(question)),
                by_person: true,
                by_model: false,
            });
        }
    }

    /// "Not now, out of scope": rules out what the question is about.
    fn put_off_by(&mut self, question: &Requirement, answer: &str, author: &str) -> Settled {
        let Some(deferral) = deferral(answer).filter(|_| !is_contradiction(question)) else {
            return Settled::ByWords;
        };
        if question.vague_word.is_some() && deferral == Deferral::PutOff {
            // The number comes later, not the thing.
            return Settled::ByItems;
        }
        let is_of_sentence = |item: &Requirement| {
            !question.source.sentence.is_empty() && item.source == question.source
        };
        let about: Vec<String> = self
            .items
            .iter()
            .filter(|item| is_asked_for(item.kind) && item.origin != Origin::Answer)
            .filter(|item| match &question.about {
                Some(about) => &item.id == about,
                None => is_of_sentence(item),
            })
            .map(|item| item.id.clone())
            .collect();
        if about.is_empty() {
            return Settled::ByWords;
        }
        self.rule_out(&about, &question.id, answer, author);
        Settled::ByItems
    }

    /// A contradiction that was answered when a model named it is not open when rules find it: the answer
    /// rules out the same side.
    pub(super) fn settle_again(&mut self, contradictions: &mut Vec<Contradiction>) {
        let answered: Vec<(String, String, String, String)> = self
            .items
            .iter()
            .filter(|item| is_contradiction_by_model(item) && item.between.is_empty())
            .filter_map(|item| {
                let answer = item.answer.as_ref()?;
                let text = answer.text.clone()?;
                let sentence = normalised(&item.source.sentence);
                (!sentence.is_empty()).then_some((
                    item.id.clone(),
                    sentence,
                    text,
                    answer.by.clone(),
                ))
            })
            .collect();
        if answered.is_empty() {
            return;
        }
        contradictions.retain(|found| {
            let pair: Vec<&Requirement> = found
                .items
                .iter()
                .filter_map(|id| self.items.iter().find(|item| &item.id == id))
                .collect();
            let [first, second] = pair.as_slice() else {
                return true;
            };
            let is_of = |sentence: &String| {
                pair.iter()
                    .any(|item| &normalised(&item.source.sentence) == sentence)
            };
            let is_by_person = pair.iter().any(|item| item.edited);
            let known = answered.iter().find(|(_, sentence, _, _)| is_of(sentence));
            let Some((question, _, answer, author)) = known.filter(|_| !is_by_person) else {
                return true;
            };
            let sides = [
                (first.id.as_str(), first.text.as_str()),
                (second.id.as_str(), second.text.as_str()),
            ];
            let gone = match reply(answer, sides) {
                Reply::First => vec![second.id.clone()],
                Reply::Second => vec![first.id.clone()],
                Reply::Both => Vec::new(),
                Reply::Neither(_) => found.items.clone(),
                Reply::Nothing => return true,
            };
            let (question, answer, author) = (question.clone(), answer.clone(), author.clone());
            self.rule_out(&gone, &question, &answer, &author);
            false
        });
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

/// Whether items of this kind ask for something, so that an answer may put them off.
const fn is_asked_for(kind: ItemKind) -> bool {
    match kind {
        ItemKind::Functional | ItemKind::Scope | ItemKind::Constraint | ItemKind::NonFunctional => {
            true
        }
        ItemKind::Goal
        | ItemKind::OutOfScope
        | ItemKind::SuccessCriterion
        | ItemKind::Risk
        | ItemKind::OpenQuestion => false,
    }
}

/// What holds instead of both sides: a number goes into the sentence that had another one.
fn instead(answer: &str, sides: [&str; 2]) -> (ItemKind, String) {
    if stands_alone(answer) {
        return (kind_of_answer(answer), tidied(answer));
    }
    for side in sides {
        if let Some(text) = with_number_of(answer, side) {
            return (kind_of_answer(&text), text);
        }
    }
    let [first, second] = sides.map(|side| cleaned(side, LONGEST_SIDE));
    let text = format!("{}, instead of “{first}” and “{second}”", tidied(answer));
    (ItemKind::Constraint, text)
}

/// The side with its number replaced by the answer's, where the answer is nothing but a number.
fn with_number_of(answer: &str, side: &str) -> Option<String> {
    let spoken = words(answer);
    let new = demands(&spoken).into_iter().next();
    let shown = new.map_or_else(|| answer.trim_end_matches('.').to_owned(), |new| new.shown);
    let is_number = shown.contains(|c: char| c.is_ascii_digit());
    if !is_number || spoken.len() > shown.split_whitespace().count() + 2 {
        return None;
    }
    let unit = |text: &str| text.split_whitespace().nth(1).map(str::to_owned);
    let known = demands(&words(side));
    let old = known
        .iter()
        .find(|old| unit(&old.shown) == unit(&shown))
        .or_else(|| known.first())?;
    let at = side.to_lowercase().find(&old.shown)?;
    let end = at + old.shown.len();
    Some(format!("{}{shown}{}", side.get(..at)?, side.get(end..)?))
}

/// Whether the answer keeps both sides of a contradiction.
pub(super) fn keeps_both(question: &Requirement) -> bool {
    let said = question
        .answer
        .as_ref()
        .and_then(|answer| answer.text.as_deref());
    said.is_some_and(|said| reply(said, [("", ""), ("", "")]) == Reply::Both)
}

/// The item that an answer becomes; none where it says nothing.
pub(super) fn item_of(
    question: &Requirement,
    about: Option<&Requirement>,
    answer: &str,
) -> Option<(ItemKind, String)> {
    if let (Some(about), Some(_)) = (about, &question.vague_word) {
        return Some((about.kind, format!("{}: {answer}", about.text)));
    }
    if let Some(about) = about.filter(|_| question.text.starts_with(WHETHER))
        && words(answer).len() < FEW_WORDS
    {
        return is_yes(answer).then(|| (ItemKind::Functional, about.text.clone()));
    }
    if dropped::is_about_dropped(question) {
        let said = dropped::held_by(question, answer)?;
        return Some((kind_of_answer(&said), said));
    }
    if deferral(answer).is_some() {
        let text = with_question(question, answer);
        return (!asks_for_all(question)).then_some((ItemKind::OutOfScope, text));
    }
    if stands_alone(answer) || asks_for_all(question) {
        return Some((kind_of_answer(answer), tidied(answer)));
    }
    words(answer).first()?;
    Some((kind_of_leaning(answer), with_question(question, answer)))
}

/// A question about the vision as a whole: its answer stands for itself ("a web shop").
fn asks_for_all(question: &Requirement) -> bool {
    question.origin == Origin::Rules && question.source.sentence.is_empty()
}

fn is_yes(answer: &str) -> bool {
    let first = words(answer).into_iter().next();
    first.is_some_and(|word| matches!(word.lower.as_str(), "yes" | "yeah" | "ja" | "sure"))
}

/// The kind of an answer that leans on its question.
fn kind_of_leaning(answer: &str) -> ItemKind {
    let spoken = words(answer);
    let is_short = spoken.len() < FEW_WORDS;
    match spoken.first().map(|word| word.lower.as_str()) {
        Some("yes" | "yeah" | "ja" | "sure") if is_short => ItemKind::Functional,
        Some("no" | "nein" | "nope") => ItemKind::OutOfScope,
        Some("yes" | "yeah" | "ja" | "sure") => {
            let rest = &answer[spoken[0].end..];
            match kind_of_answer(rest.trim_start_matches([',', ' '])) {
                ItemKind::OutOfScope => ItemKind::Functional,
                kind => kind,
            }
        }
        Some(_) | None => ItemKind::Constraint,
    }
}

fn with_question(question: &Requirement, answer: &str) -> String {
    let answer = answer.trim_end_matches('.');
    let asked = question
        .text
        .strip_prefix("To be decided: ")
        .unwrap_or(&question.text);
    tidied(&match asked.ends_with('?') {
        true => format!("{asked} {answer}"),
        false => format!("{asked}: {answer}"),
    })
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
