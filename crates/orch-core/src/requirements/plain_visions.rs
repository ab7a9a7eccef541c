//! Five visions in plain words, as somebody writes them who knows no rule of this reading, and what a careful
//! person would take from them.

use super::ItemKind::{
    self, Constraint, Functional, Goal, NonFunctional, OutOfScope, SuccessCriterion,
};
use super::document::{Document, Priority, Requirement};
use super::visions::proposed;

const TEA_SHOP: &str = include_str!("plain_visions/shop.md");
const MOVE: &str = include_str!("plain_visions/infra.md");
const METERS: &str = include_str!("plain_visions/pipeline.md");
const DUPES: &str = include_str!("plain_visions/cli.md");
const VAGUE: &str = include_str!("plain_visions/vague.md");

fn by<'d>(document: &'d Document, words: &str) -> &'d Requirement {
    let found = document.items.iter().find(|item| item.text.contains(words));
    found.unwrap_or_else(|| panic!("no item says {words:?}: {document:#?}"))
}

fn check(vision: &str, expected: &[(&str, ItemKind, bool)]) {
    let document = proposed(vision);
    for (words, kind, in_first_version) in expected {
        let item = by(&document, words);
        let included = item.mvp.as_ref().is_some_and(|mvp| mvp.included);
        assert_eq!(
            (item.kind, included),
            (*kind, *in_first_version),
            "{words}: {item:?}"
        );
    }
}

#[test]
fn the_tea_shop_is_read_as_its_owner_means_it() {
    check(
        TEA_SHOP,
        &[
            ("three people spend", Goal, true),
            ("put teas in a basket", Functional, true),
            ("A customer gets an e-mail", Functional, true),
            ("leave a review", Functional, true),
            ("the stock of every tea", Functional, true),
            ("refunds up to 200 EUR", Functional, true),
            ("We go live before", Constraint, true),
            ("We do not need a mobile app", OutOfScope, false),
            ("No marketplace", Constraint, true),
            ("at least 90 %", SuccessCriterion, true),
        ],
    );
}

#[test]
fn the_move_of_a_platform_keeps_its_duties_in_the_first_version() {
    check(
        MOVE,
        &[
            ("We run a billing platform", Goal, true),
            ("off the old servers by 15 June", Constraint, true),
            ("No data may be lost", Constraint, true),
            ("less than 30 minutes", NonFunctional, true),
            ("has to be tested every month", Functional, true),
            ("Do not use Kubernetes", Constraint, true),
            ("nobody who can operate", Goal, true),
            ("upgrade Java later", OutOfScope, false),
        ],
    );
    let document = proposed(MOVE);
    let downtime = document
        .items
        .iter()
        .filter(|item| item.text.contains("30 minutes"));
    assert_eq!(downtime.count(), 1, "a clause is one need");
}

#[test]
fn the_list_of_the_pipeline_is_demanded() {
    let document = proposed(METERS);
    for words in [
        "Ingest up to 5,000",
        "Validate each reading",
        "Compute hourly",
        "Raw data is deleted",
        "Dashboards show",
        "can be re-run",
    ] {
        let item = by(&document, words);
        assert_eq!(item.priority, Priority::Must, "{item:?}");
        assert!(
            item.mvp.as_ref().is_some_and(|mvp| mvp.included),
            "{item:?}"
        );
    }
    check(
        METERS,
        &[
            ("The team knows", Goal, true),
            ("We use Kafka", Goal, true),
            ("Real-time billing", OutOfScope, false),
        ],
    );
}

#[test]
fn what_a_tool_does_is_demanded_in_the_present_tense() {
    check(
        DUPES,
        &[
            ("A tiny command-line tool", Goal, true),
            ("It takes one or more folders", Functional, true),
            ("With --delete it asks", Functional, true),
            ("With --json it prints JSON", Functional, true),
            ("It must need no configuration file", Constraint, true),
        ],
    );
}

#[test]
fn contradictions_and_vague_words_in_plain_words_are_named() {
    let document = proposed(VAGUE);
    let said: Vec<&str> = document
        .findings
        .iter()
        .map(|finding| finding.message.as_str())
        .collect();
    for words in [
        "central server",
        "no passwords",
        "AWS",
        "ever be deleted",
        "nobody may see",
        "“modern”",
        "“nice”",
        "“many languages”",
        "“etc”",
    ] {
        assert!(
            said.iter().any(|message| message.contains(words)),
            "{words}: {said:#?}"
        );
    }
    let numbers = said
        .iter()
        .filter(|message| message.contains("different numbers for one measure"));
    assert_eq!(numbers.count(), 0, "{said:#?}");
}
