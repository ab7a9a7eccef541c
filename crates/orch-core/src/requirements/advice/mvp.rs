//! The cut of the first version: which items it has, each with the rule that says so.

use super::super::deferral::puts_off;
use super::super::document::{Mvp, Priority, Requirement};
use super::super::item::ItemKind;

const FIRST: &[&str] = &[
    "mvp",
    "first version",
    "first release",
    "version 1",
    "phase 1",
    "phase one",
    "at launch",
    "from day one",
    "ersten version",
];
const LATER: &[&str] = &[
    "later",
    "eventually",
    "in the future",
    "phase 2",
    "phase two",
    "version 2",
    "second version",
    "next release",
    "später",
];

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
    let lower = item.text.to_lowercase();
    // A floor for a version puts nothing off.
    let lower = ["or later", "and later", "later than", "sooner or later"]
        .iter()
        .fold(lower, |lower, floor| lower.replace(floor, " "));
    let says = |list: &[&'static str]| list.iter().copied().find(|word| lower.contains(word));
    if let Some(word) = says(FIRST) {
        return because(true, &format!("it says “{word}”"));
    }
    if let Some(word) = says(LATER).filter(|word| puts_off(&item.text, word)) {
        return because(false, &format!("it says “{word}”"));
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
