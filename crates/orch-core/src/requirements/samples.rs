//! Whole visions and what is read out of them, as people would expect it.

use super::ItemKind::{
    self, Constraint, Goal, NonFunctional, OpenQuestion, OutOfScope, Scope, SuccessCriterion,
};
use super::{Item, propose};

fn check(vision: &str, expected: &[(ItemKind, &str)]) {
    let draft = propose(vision);
    let found: Vec<_> = draft
        .items
        .iter()
        .map(|item| (item.kind, item.text.as_str()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn running_text_is_read_sentence_by_sentence() {
    check(
        "We want to build a marketplace for used cargo bikes so that shops can go car-free. Couriers wait\n\
         for days to get a repair, e.g. for a broken axle. The site should be fast. Must respond within\n\
         200 ms and cost less than $50 a month. Use PostgreSQL and deploy to AWS. We are not sure about\n\
         PayPal. Should we offer insurance? Invoices will not be part of the first version. Success means\n\
         100 paying customers by June. Thanks!",
        &[
            (
                Goal,
                "Build a marketplace for used cargo bikes so that shops can go car-free",
            ),
            (
                Goal,
                "Couriers wait for days to get a repair, e.g. for a broken axle",
            ),
            (NonFunctional, "The site should be fast"),
            (
                OpenQuestion,
                "How fast is “fast” in “The site should be fast”? Name a response time.",
            ),
            (NonFunctional, "Must respond within 200 ms"),
            (Constraint, "Must cost less than $50 a month"),
            (Constraint, "Use PostgreSQL"),
            (Constraint, "Deploy to AWS"),
            (OpenQuestion, "To be decided: we are not sure about PayPal"),
            (OpenQuestion, "Should we offer insurance?"),
            (OutOfScope, "Invoices will not be part of the first version"),
            (
                SuccessCriterion,
                "Success means 100 paying customers by June",
            ),
        ],
    );
}

#[test]
fn headings_labels_and_lists_are_read_with_their_meaning() {
    check(
        "# PedalHub\r\n\r\nGoals:\r\n- Sell bikes\r\n\r\n## Constraints\r\n1. EU servers\r\n2) Rust v1.85; no PHP\r\n\r\n\
         ## Out of scope\r\n* New bikes\r\n* An app (maybe)\r\n\r\nThe site must not:\r\n- Track people\r\n\r\n\
         ## Details\r\nBudget: 20 euros a week.\r\n- a page of maps\r\n",
        &[
            (Goal, "Sell bikes"),
            (Constraint, "EU servers"),
            (Constraint, "Rust v1.85"),
            (Constraint, "No PHP"),
            (OutOfScope, "New bikes"),
            (OpenQuestion, "To be decided: an app (maybe)"),
            (Constraint, "The site must not track people"),
            (Constraint, "Budget: 20 euros a week"),
            (Scope, "A page of maps"),
        ],
    );
}

#[test]
fn every_vague_word_is_asked_about_in_the_sentences_own_words() {
    check(
        "The game should be scalable, cheap and online soon.",
        &[
            (
                NonFunctional,
                "The game should be scalable, cheap and online soon",
            ),
            (
                OpenQuestion,
                "What load does “scalable” mean in “The game should be scalable, cheap and online soon”? \
                 Name users, requests or amounts of data.",
            ),
            (
                OpenQuestion,
                "How much money is “cheap” in “The game should be scalable, cheap and online soon”? \
                 Name an amount and a period.",
            ),
            (
                OpenQuestion,
                "By which date is “soon” in “The game should be scalable, cheap and online soon”? Name a date.",
            ),
        ],
    );
    check(
        "The game loads fast, in under 2 seconds.",
        &[(NonFunctional, "The game loads fast, in under 2 seconds")],
    );
}

#[test]
fn other_scripts_are_cut_into_sentences_too() {
    check(
        "我们要做一个商店。要快吗？¿Es un juego? هل هو سريع؟",
        &[
            (Goal, "我们要做一个商店"),
            (OpenQuestion, "要快吗？"),
            (OpenQuestion, "¿Es un juego?"),
            (OpenQuestion, "هل هو سريع؟"),
        ],
    );
}

#[test]
fn nothing_is_made_up_where_nothing_is_said() {
    for vision in [
        "",
        " \r\n\t",
        "---",
        "# Goals\n\n## Constraints",
        "Hello!",
        "…",
        "- \n- ",
    ] {
        check(vision, &[]);
    }
}

#[test]
fn an_item_cites_its_sentence_by_bytes_and_number() {
    let vision = "Hi! Büros öffnen. Use Rust.";
    let found: Vec<_> = propose(vision)
        .items
        .into_iter()
        .map(|Item { source, .. }| (source.sentence, source.index, source.start, source.end))
        .collect();
    assert_eq!(
        found,
        [
            ("Büros öffnen.".to_owned(), 2, 4, 19),
            ("Use Rust.".to_owned(), 3, 20, 29)
        ]
    );
}

/// Keys are kept in databases: a change of wording rules must not rename what they stand for.
#[test]
fn keys_stay_as_they_are() {
    assert_eq!(propose("Use Rust.").items[0].id, "f809ed8a803b");
    for kind in ItemKind::ALL {
        assert_eq!(
            serde_json::to_value(kind).expect("a kind is plain data"),
            kind.name()
        );
    }
}
