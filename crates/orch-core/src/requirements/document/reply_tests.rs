//! What holds of answers, and of what persons did when another proposer, or another vision, comes after.

use super::tests::{first, id_of, texts};
use super::{
    Document, Edit, Origin, Priority, Requirement, Suggested, SuggestedCite,
    SuggestedContradiction, SuggestedItem, SuggestedVagueness, document_of_model, propose_document,
};
use crate::requirements::ItemKind;

const SECONDS: &str = "Pages must load within 2 seconds. Pages must load within 1 second.";

fn answered(document: &Document, words: &str, answer: &str) -> Document {
    let edit = Edit::Answer {
        id: id_of(document, words),
        answer: answer.to_owned(),
    };
    document.edited(&[edit], "ada").expect("an edit that holds")
}

fn by_answer(document: &Document) -> Vec<(ItemKind, &str)> {
    let items = document.items.iter();
    items
        .filter(|item| item.origin == Origin::Answer)
        .map(|item| (item.kind, item.text.as_str()))
        .collect()
}

fn by<'d>(document: &'d Document, words: &str) -> &'d Requirement {
    let id = id_of(document, words);
    let found = document.items.iter().find(|item| item.id == id);
    found.expect("it was just found")
}

#[test]
fn an_answer_that_names_neither_side_holds_instead_of_both() {
    for (answer, expected) in [
        ("neither, 3 seconds", "Pages must load within 3 seconds"),
        ("3 seconds", "Pages must load within 3 seconds"),
        (
            "It must load within 5 seconds on a telephone",
            "It must load within 5 seconds on a telephone",
        ),
    ] {
        let document = answered(&first(SECONDS), "Which holds", answer);
        let said: Vec<&str> = by_answer(&document).iter().map(|(_, text)| *text).collect();
        assert_eq!(said, [expected], "{answer}");
        for side in ["within 2 seconds", "within 1 second"] {
            assert!(by(&document, side).is_ruled_out(), "{answer}: {side}");
        }
        assert!(document.findings.iter().all(|finding| finding.resolved));
        let again = propose_document(&texts(SECONDS), Some(&document));
        assert_eq!(again.items.len(), document.items.len(), "{answer}");
        assert!(by(&again, "within 1 second").is_ruled_out(), "{answer}");
    }
}

#[test]
fn both_keeps_both_and_says_so() {
    let document = answered(&first(SECONDS), "Which holds", "both");
    assert!(by_answer(&document).is_empty());
    for side in ["within 2 seconds", "within 1 second"] {
        assert!(!by(&document, side).is_ruled_out(), "{side}");
    }
    let finding = &document.findings[0];
    assert!(finding.resolved);
    assert!(
        finding.message.ends_with("both hold, as ada answered"),
        "{finding:?}"
    );
}

#[test]
fn what_decides_nothing_is_no_answer_to_a_contradiction() {
    let document = first(SECONDS);
    let edit = Edit::Answer {
        id: id_of(&document, "Which holds"),
        answer: "not sure".to_owned(),
    };
    let faults = document
        .edited(&[edit], "ada")
        .expect_err("it decides nothing");
    assert_eq!(faults[0].field, "answer");
    assert!(faults[0].message.contains("“both”"), "{faults:?}");
}

#[test]
fn what_an_answer_leaves_out_gets_no_work() {
    let document =
        first("Users must search notes. The search should be cheap. Could you also do a shop?");
    let shop = answered(&document, "Could you", "not now, out of scope");
    assert_eq!(
        by_answer(&shop),
        [(
            ItemKind::OutOfScope,
            "Could you also do a shop? not now, out of scope"
        )]
    );
    let dropped = answered(&document, "How much money", "out of scope");
    assert!(by_answer(&dropped).is_empty());
    assert!(by(&dropped, "The search should be cheap").is_ruled_out());
    let back = answered(&dropped, "How much money", "$5 a month");
    assert!(!by(&back, "The search should be cheap").is_ruled_out());
    let later = answered(&document, "How much money", "later");
    assert!(by_answer(&later).is_empty());
    assert!(!by(&later, "The search should be cheap").is_ruled_out());
}

#[test]
fn an_answer_that_leans_on_its_question_is_kept_with_it() {
    let document = first("Users must search notes. Which storage do we take? Can others join?");
    for (words, answer, expected) in [
        (
            "Which storage",
            "Amazon S3",
            (ItemKind::Constraint, "Which storage do we take? Amazon S3"),
        ),
        (
            "Can others",
            "Yes, only these two postal codes",
            (
                ItemKind::Constraint,
                "Can others join? Yes, only these two postal codes",
            ),
        ),
    ] {
        let document = answered(&document, words, answer);
        assert_eq!(by_answer(&document), [expected]);
    }
}

const PHOTOS: &str = "All photos are stored on our own server. Photos must be kept in Amazon S3. \
                      It should be very reliable and friendly.";

fn cite(sentence: &str) -> SuggestedCite {
    SuggestedCite {
        sentence: sentence.to_owned(),
        attachment: String::new(),
    }
}

fn of_model(items: Vec<SuggestedItem>) -> Document {
    let suggested = Suggested {
        items,
        contradictions: vec![SuggestedContradiction {
            question: "Own server or S3?".to_owned(),
            between: vec![
                cite("All photos are stored on our own server."),
                cite("Photos must be kept in Amazon S3."),
            ],
        }],
        vague: vec![SuggestedVagueness {
            word: "friendly".to_owned(),
            question: "What is friendly?".to_owned(),
            cites: cite("It should be very reliable and friendly."),
        }],
        ..Suggested::default()
    };
    document_of_model(&suggested, &texts(PHOTOS), None)
}

fn item(kind: ItemKind, text: &str, sentence: &str) -> SuggestedItem {
    SuggestedItem {
        kind,
        text: text.to_owned(),
        priority: Priority::Must,
        mvp: None,
        cites: cite(sentence),
    }
}

#[test]
fn what_was_answered_of_a_models_contradiction_holds_when_rules_propose() {
    let with_sides = vec![
        item(
            ItemKind::Scope,
            "Pictures lie on an own machine",
            "All photos are stored on our own server.",
        ),
        item(
            ItemKind::Functional,
            "Pictures lie in S3",
            "Photos must be kept in Amazon S3.",
        ),
    ];
    for items in [Vec::new(), with_sides] {
        let document = answered(&of_model(items), "Own server or S3", "S3");
        let by_rules = propose_document(&texts(PHOTOS), Some(&document));
        let of_sentence = |words: &str| -> Vec<&Requirement> {
            let items = by_rules.items.iter();
            items
                .filter(|item| item.kind != ItemKind::OpenQuestion)
                .filter(|item| item.source.sentence.contains(words))
                .collect()
        };
        let own = of_sentence("own server");
        assert!(own.iter().all(|item| item.is_ruled_out()), "{own:#?}");
        assert_eq!(own.len(), 1, "{own:#?}");
        let kept = of_sentence("Amazon S3");
        assert!(kept.iter().all(|item| !item.is_ruled_out()), "{kept:#?}");
    }
}

#[test]
fn the_id_of_a_question_that_is_not_asked_any_more_is_given_to_no_other() {
    let document = of_model(Vec::new());
    let friendly = id_of(&document, "What is friendly?");
    let skipped = document
        .edited(
            &[Edit::Skip {
                id: friendly.clone(),
            }],
            "ada",
        )
        .expect("it can be skipped");
    let by_rules = propose_document(&texts(PHOTOS), Some(&skipped));
    let words: Vec<Option<&str>> = by_rules
        .items
        .iter()
        .filter(|item| item.id == friendly)
        .map(|item| item.vague_word.as_deref())
        .collect();
    assert_eq!(words, [Some("friendly")]);
    assert_ne!(id_of(&by_rules, "“reliable”"), friendly);
}

#[test]
fn items_that_cite_the_same_sentence_keep_their_ids_over_a_change_of_proposer() {
    let document = of_model(vec![item(
        ItemKind::NonFunctional,
        "High dependability and a warm tone",
        "It should be very reliable and friendly.",
    )]);
    let before = id_of(&document, "warm tone");
    let by_rules = propose_document(&texts(PHOTOS), Some(&document));
    assert_eq!(id_of(&by_rules, "It should be very reliable"), before);
}

#[test]
fn an_edited_item_whose_sentence_is_gone_is_asked_about() {
    let document = first("Customers must pay by card. Staff can print labels.");
    let edit = Edit::Change {
        id: id_of(&document, "pay by card"),
        text: Some("Customers must pay by card or PayPal".to_owned()),
        kind: None,
        priority: None,
        mvp: None,
    };
    let edited = document.edited(&[edit], "ada").expect("an edit that holds");
    let other = propose_document(&texts("Staff can print labels."), Some(&edited));
    let question = by(&other, "Does it still hold?");
    assert!(question.is_unanswered() && question.text.contains("or PayPal"));
    let yes = answered(&other, "Does it still hold?", "Yes");
    assert_eq!(
        by_answer(&yes),
        [(ItemKind::Functional, "Customers must pay by card or PayPal")]
    );
    let no = answered(&other, "Does it still hold?", "No");
    assert!(by_answer(&no).is_empty());
    let again = propose_document(&texts("Staff can print labels."), Some(&other));
    assert_eq!(again.items.len(), other.items.len());
}
