//! What holds of documents over their versions.

use super::{
    Content, Document, Edit, FindingKind, Origin, Priority, Text, difference, propose_document,
};
use crate::requirements::ItemKind;

pub(super) fn texts(vision: &str) -> Vec<Text> {
    vec![Text {
        attachment: None,
        content: Content::Prose(vision.to_owned()),
    }]
}

pub(super) fn first(vision: &str) -> Document {
    propose_document(&texts(vision), None)
}

pub(super) fn id_of(document: &Document, words: &str) -> String {
    let found = document.items.iter().find(|item| item.text.contains(words));
    found
        .unwrap_or_else(|| panic!("no item says {words:?}: {document:#?}"))
        .id
        .clone()
}

fn change(id: &str, text: &str) -> Edit {
    Edit::Change {
        id: id.to_owned(),
        text: Some(text.to_owned()),
        kind: None,
        priority: None,
        mvp: None,
    }
}

const SHOP: &str = "We want a web shop for used bikes. Customers must pay by card. Customers can reserve a bike. \
                    Pages must load within 2 seconds. The site should be cheap. Payments by invoice come later.";

#[test]
fn items_are_numbered_and_the_wire_form_stays() {
    let document = first("Use Rust.");
    assert_eq!(
        serde_json::to_value(&document.items[0]).expect("plain data"),
        serde_json::json!({
            "id": "R-1", "kind": "constraint", "text": "Use Rust",
            "source": {"sentence": "Use Rust.", "index": 1, "start": 0, "end": 9},
            "priority": "must", "origin": "vision", "key": "f809ed8a803b",
            "mvp": {"included": true, "reason": "a limit holds from the first version on", "by_person": false},
            "about": null, "vague_word": null, "answer": null, "edited": false,
        })
    );
}

#[test]
fn ids_stay_with_their_items_when_the_vision_changes() {
    let before = first(SHOP);
    let changed = SHOP
        .replace("We want a web shop for used bikes. ", "")
        .replace("pay by card", "pay by card or PayPal")
        + " Customers can rate a bike.";
    let after = propose_document(&texts(&changed), Some(&before));
    for (words, then) in [
        ("reserve", "reserve"),
        ("pay by card", "pay by card"),
        ("load", "load"),
    ] {
        assert_eq!(id_of(&before, words), id_of(&after, then));
    }
    let rated = id_of(&after, "rate");
    assert!(before.items.iter().all(|item| item.id != rated));
    let gone = id_of(&before, "web shop for");
    assert!(after.items.iter().all(|item| item.id != gone));
    let again = propose_document(&texts(SHOP), Some(&after));
    let back = id_of(&again, "web shop for");
    assert_ne!(back, gone, "an id is never given twice");
}

#[test]
fn what_persons_did_outlives_a_new_proposal() {
    let before = first(SHOP);
    let (reserve, load, cheap) = (
        id_of(&before, "reserve"),
        id_of(&before, "load"),
        id_of(&before, "“cheap”"),
    );
    let edits = [
        change(&reserve, "Customers can reserve up to two bikes"),
        Edit::Remove { id: load.clone() },
        Edit::Add {
            kind: ItemKind::NonFunctional,
            text: "Works\non phones".to_owned(),
            priority: Some(Priority::Could),
            mvp: None,
        },
        Edit::Answer {
            id: cheap.clone(),
            answer: "$50 a month".to_owned(),
        },
    ];
    let edited = before.edited(&edits, "ada").expect("edits that hold");
    let after = propose_document(&texts(&format!("{SHOP} No tracking.")), Some(&edited));
    let by_id = |id: &str| after.items.iter().find(|item| item.id == id);
    assert_eq!(
        by_id(&reserve).map(|item| item.text.as_str()),
        Some("Customers can reserve up to two bikes")
    );
    assert_eq!(by_id(&load), None);
    assert!(
        after
            .items
            .iter()
            .all(|item| !item.text.contains("2 seconds"))
    );
    let phones = id_of(&after, "Works on phones");
    assert_eq!(by_id(&phones).map(|item| item.origin), Some(Origin::Edit));
    let answered = by_id(&cheap)
        .and_then(|item| item.answer.clone())
        .expect("an answer");
    assert_eq!(answered.text.as_deref(), Some("$50 a month"));
    let derived = after
        .items
        .iter()
        .find(|item| item.origin == Origin::Answer)
        .expect("an item");
    assert_eq!(derived.text, "The site should be cheap: $50 a month");
    assert_eq!(derived.about.as_deref(), Some(cheap.as_str()));
    let finding = after
        .findings
        .iter()
        .find(|f| f.question.as_ref() == Some(&cheap))
        .expect("named");
    assert!(finding.resolved && finding.kind == FindingKind::Vagueness);
}

#[test]
fn every_fault_of_edits_is_named_and_nothing_is_changed() {
    let document = first(SHOP);
    let faults = document
        .edited(
            &[
                change("R-99", "x"),
                change("R-1", " \n"),
                Edit::Answer {
                    id: "R-1".to_owned(),
                    answer: "x".to_owned(),
                },
                Edit::Choose {
                    option: Some("x".to_owned()),
                },
                Edit::Skip {
                    id: id_of(&document, "“cheap”"),
                },
            ],
            "ada",
        )
        .unwrap_err();
    let named: Vec<_> = faults.iter().map(|fault| (fault.at, fault.field)).collect();
    assert_eq!(named, [(0, "id"), (1, "text"), (2, "id"), (3, "option")]);
    assert!(document.edited(&[], "ada").is_err());
}

#[test]
fn removed_items_keep_their_ids_to_themselves() {
    let document = first(SHOP);
    let gone = document
        .edited(
            &[Edit::Remove {
                id: "R-1".to_owned(),
            }],
            "ada",
        )
        .expect("an edit that holds");
    let fault = gone.edited(&[change("R-1", "x")], "ada").unwrap_err();
    assert_eq!(
        fault[0].message,
        "R-1 was removed; an id is never used again"
    );
}

fn contradictions(vision: &str) -> Vec<Vec<String>> {
    let found = first(vision).findings.into_iter();
    found
        .filter(|finding| finding.kind == FindingKind::Contradiction)
        .map(|finding| finding.sentences)
        .collect()
}

#[test]
fn contradictions_name_both_sentences() {
    for (one, other) in [
        (
            "Pages must load within 2 seconds.",
            "Pages must load within 200 ms.",
        ),
        (
            "It must cost less than $50 a month.",
            "The budget is $500 a month.",
        ),
        (
            "It must handle at least 10,000 users.",
            "It must support at most 100 users.",
        ),
        (
            "Users must log in with Google.",
            "Users must not log in with Google.",
        ),
        (
            "Customers must pay by card.",
            "Card payments are not in scope.",
        ),
        (
            "It must be live by June.",
            "The site must be live by March.",
        ),
        ("Visitors read anonymously.", "Visitors must log in."),
        ("Kunden müssen Rechnungen drucken.", "Keine Rechnungen."),
    ] {
        assert_eq!(
            contradictions(&format!("{one} The colour is red. {other}")),
            [[one, other]],
        );
    }
}

#[test]
fn what_goes_together_is_no_contradiction() {
    for vision in [
        "Search responds within 200 ms. Reports respond within 5 seconds.",
        "It must handle at least 10 users. It must handle at most 100 users.",
        "Log files are kept for 30 days. Invoices are kept for 10 years.",
        "It costs less than $50 a month. Setting it up costs less than $500.",
        "Use Rust. No PHP. Customers can pay by card. No tracking cookies.",
        "99.9% uptime. Test coverage is 80%.",
        "Step 1 must be ready within 5 minutes. Step 2 must be ready within 7 minutes.",
        "The site must be live by June. Success means 100 customers by December.",
    ] {
        assert_eq!(
            contradictions(vision),
            Vec::<Vec<String>>::new(),
            "{vision}"
        );
    }
}

#[test]
fn a_contradiction_is_asked_about_and_settled_by_an_edit() {
    let document = first("Pages must load within 2 seconds. Pages must load within 200 ms.");
    let question = id_of(&document, "Which holds");
    let edited = document
        .edited(&[change("R-1", "Pages must load within 200 ms")], "ada")
        .expect("an edit that holds");
    assert!(edited.items.iter().all(|item| item.id != question));
    assert_eq!(edited.findings, []);
}

#[test]
fn options_rest_on_words_and_none_is_invented() {
    let names = |vision: &str| -> Vec<String> {
        let options = first(vision).options;
        assert!(options.iter().all(|option| !option.rests_on.is_empty()));
        options.into_iter().map(|option| option.name).collect()
    };
    assert_eq!(names(SHOP)[0], "saas-monolith");
    assert_eq!(
        names("A command-line tool that renames photos.")[0],
        "command-line-tool"
    );
    assert_eq!(
        names("Load CSV files nightly into a warehouse.")[0],
        "data-pipeline"
    );
    assert_eq!(
        names("Sensors send telemetry by MQTT.")[0],
        "evented-microservices"
    );
    assert_eq!(names("A blog about birds.")[0], "static-site");
    assert!(
        !names("An online shop. No microservices, but events and messages over Kafka.")
            .contains(&"evented-microservices".to_owned())
    );
    let none = first("Paint the fence green.");
    let plain: Vec<&str> = none
        .options
        .iter()
        .map(|option| option.name.as_str())
        .collect();
    assert_eq!(plain, ["single-program", "parted-program"]);
    id_of(&none, "only the plainest are proposed");
}

#[test]
fn there_are_two_options_at_least_and_words_of_other_senses_speak_for_none() {
    let names = |vision: &str| -> Vec<String> {
        let options = first(vision).options;
        assert!((2..=3).contains(&options.len()), "{vision}: {options:#?}");
        let trade_offs = options.iter().all(|option| !option.trade_offs.is_empty());
        assert!(trade_offs, "{vision}");
        options.into_iter().map(|option| option.name).collect()
    };
    let has = |vision: &str, name: &str| names(vision).iter().any(|known| known == name);
    assert!(!has("Drivers tick off each crate of bread.", "library"));
    assert!(!has("A shop. We start a library of things.", "library"));
    assert!(!has(
        "A tool for the command line. It filters by `path ~ \"^/api\"` and prints JSON.",
        "serverless-api"
    ));
    assert!(!has(
        "Members must be able to export and delete all their data and reports.",
        "data-pipeline"
    ));
    assert!(has(
        "A website for our bakery with opening hours.",
        "static-site"
    ));
    assert!(has(
        "An app that tells me when to water my plants.",
        "single-program"
    ));
    let django = first("A booking system for a studio. Build on Django with PostgreSQL.");
    assert!(
        django.options[0].summary.contains("(Django)"),
        "{:#?}",
        django.options
    );
}

#[test]
fn the_first_version_has_what_is_demanded_and_says_why() {
    let document = first(SHOP);
    let mvp = |words: &str| {
        let id = id_of(&document, words);
        let item = document.items.iter().find(|item| item.id == id);
        item.and_then(|item| item.mvp.clone())
            .map(|mvp| (mvp.included, mvp.reason))
    };
    assert_eq!(
        mvp("pay by card"),
        Some((true, "it is demanded (priority must)".to_owned()))
    );
    assert_eq!(
        mvp("reserve"),
        Some((true, "it is demanded (priority must)".to_owned()))
    );
    assert_eq!(
        mvp("invoice"),
        Some((false, "it is out of scope".to_owned()))
    );
}

#[test]
fn the_difference_names_items_fields_and_words() {
    let before = first(SHOP);
    let pay = id_of(&before, "pay by card");
    let after = before
        .edited(
            &[
                change(&pay, "Customers must pay by invoice"),
                Edit::Remove {
                    id: id_of(&before, "reserve"),
                },
                Edit::Choose {
                    option: Some("saas-monolith".to_owned()),
                },
            ],
            "ada",
        )
        .expect("edits that hold");
    let found = difference(&before, &after);
    let changed = found
        .changed
        .iter()
        .find(|changed| changed.id == pay)
        .expect("it changed");
    assert_eq!(
        changed.fields[0].before.as_deref(),
        Some("Customers must pay by card")
    );
    assert_eq!(changed.words.len(), 3);
    assert!(
        found
            .removed
            .iter()
            .any(|item| item.text.contains("reserve"))
    );
    assert!(found.chosen_option.is_some());
    assert!(difference(&after, &after).is_empty());
}

#[test]
fn the_digest_binds_what_is_seen_and_no_positions() {
    let one = first("Use Rust. Stay calm.");
    let shifted = first("  Use Rust.   Stay calm.");
    assert_eq!(one.digest(), shifted.digest());
    let other = one
        .edited(&[change("R-1", "Use Go")], "ada")
        .expect("an edit");
    assert_ne!(one.digest(), other.digest());
    assert_eq!(one.digest().len(), 64);
}

#[test]
fn a_risk_cites_no_sentence_that_does_not_say_it_once_its_item_was_edited() {
    let document = first("Customers must pay by card. Customers can reserve a bike.");
    let risk = |document: &Document| {
        let mut risks = document.items.iter();
        let found = risks.find(|item| item.kind == ItemKind::Risk);
        found.expect("a risk").source.sentence.clone()
    };
    assert_eq!(risk(&document), "Customers must pay by card.");
    let pay = id_of(&document, "pay by card");
    let edited = document
        .edited(&[change(&pay, "Customers must pay with PayPal")], "ada")
        .expect("an edit that holds");
    assert_eq!(risk(&edited), "");
    // Words that the sentence has are still its own.
    let shorter = document
        .edited(&[change(&pay, "Must pay by card")], "ada")
        .expect("an edit that holds");
    assert_eq!(risk(&shorter), "Customers must pay by card.");
}
