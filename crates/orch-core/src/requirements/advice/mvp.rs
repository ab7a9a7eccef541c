//! The cut of the first version: which items it has, each with the rule that says so.

use std::sync::LazyLock;

use super::super::document::{Mvp, Priority, Requirement};
use super::super::item::ItemKind;
use super::super::words::{Lexicon, phrase, words};
use super::left_behind::is_fact;

/// What a phrase says about the first version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    First,
    Later,
    /// A floor for a version or a date, which puts nothing off.
    Floor,
}

static SAID: LazyLock<Lexicon<Said>> = LazyLock::new(|| {
    Lexicon::new(&[
        (
            Said::First,
            "mvp, first version, first release, version 1, phase 1, phase one, at launch, from day one, \
             ersten version",
        ),
        (
            Said::Later,
            "later, eventually, in the future, phase 2, phase two, version 2, second version, next release, \
             später",
        ),
        (
            Said::Floor,
            "or later, and later, later than, sooner or later",
        ),
    ])
});

/// Sets what the first version has; what persons decided stays.
pub fn cut_mvp(items: &mut [Requirement]) {
    let has_musts = items.iter().any(|item| {
        is_work(item.kind) && decided(item).is_none_or(|mvp| mvp.included) && is_must(item)
    });
    for item in items {
        if decided(item).is_none() {
            item.mvp = cut(item, has_musts);
        }
    }
}

/// What a person decided, or a model about an item that no person changed.
fn decided(item: &Requirement) -> Option<&Mvp> {
    item.mvp
        .as_ref()
        .filter(|mvp| mvp.by_person || (mvp.by_model && !item.edited))
}

fn is_work(kind: ItemKind) -> bool {
    matches!(kind, ItemKind::Functional | ItemKind::Scope)
}

fn is_must(item: &Requirement) -> bool {
    item.priority == Priority::Must
}

fn cut(item: &Requirement, has_musts: bool) -> Option<Mvp> {
    let because = |included, reason: &str| {
        Some(Mvp {
            included,
            reason: reason.to_owned(),
            by_person: false,
            by_model: false,
        })
    };
    match item.kind {
        ItemKind::OutOfScope => return because(false, "it is out of scope"),
        ItemKind::Risk | ItemKind::OpenQuestion => return None,
        ItemKind::Goal
        | ItemKind::Functional
        | ItemKind::Scope
        | ItemKind::Constraint
        | ItemKind::NonFunctional
        | ItemKind::SuccessCriterion => {}
    }
    if let Some(mover) = item.about.as_ref().filter(|_| is_fact(item)) {
        return because(false, &format!("{mover} leaves it behind"));
    }
    match said(&item.text) {
        (Some(phrase), _) => return because(true, &format!("it says “{phrase}”")),
        (None, Some(phrase)) => return because(false, &format!("it says “{phrase}”")),
        (None, None) => {}
    }
    match (item.kind, item.priority) {
        (_, Priority::Could) => because(false, "it may be left out (priority could)"),
        (_, Priority::Wont) => because(false, "it is not wanted this time (priority wont)"),
        (ItemKind::Constraint, _) => because(true, "a limit holds from the first version on"),
        (ItemKind::Goal, _) => because(true, "it is what the first version is for"),
        (ItemKind::SuccessCriterion, _) => because(true, "the first version is measured by it"),
        (_, Priority::Must) => because(true, "it is demanded (priority must)"),
        (ItemKind::NonFunctional, Priority::Should) => {
            because(true, "a quality is hard to add later")
        }
        (_, Priority::Should) if has_musts => because(
            false,
            "others are demanded and this is not (priority should)",
        ),
        (_, Priority::Should) => because(true, "nothing is demanded more than this"),
    }
}

/// The first phrase that speaks for the first version, and the first that speaks for a later one.
fn said(text: &str) -> (Option<String>, Option<String>) {
    let spoken = words(text);
    let (mut first, mut later) = (None, None);
    let mut at = 0;
    while at < spoken.len() {
        let Some((said, length)) = SAID.longest_at(&spoken, at) else {
            at += 1;
            continue;
        };
        let place = match said {
            Said::First => Some(&mut first),
            Said::Later => Some(&mut later),
            Said::Floor => None,
        };
        if let Some(place) = place {
            place.get_or_insert_with(|| phrase(&spoken[at..at + length]));
        }
        at += length;
    }
    (first, later)
}
