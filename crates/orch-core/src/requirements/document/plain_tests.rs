//! What holds of documents whose sentences are worded as people word them: ids, contradictions, answers.

use super::tests::{first, id_of, texts};
use super::{Document, Edit, FindingKind, Origin, Requirement, propose_document};
use crate::requirements::ItemKind;

fn contradictions(vision: &str) -> Vec<String> {
    let found = first(vision).findings.into_iter();
    found
        .filter(|finding| finding.kind == FindingKind::Contradiction)
        .map(|finding| finding.message)
        .collect()
}

#[test]
fn an_id_stays_with_the_need_that_means_the_same() {
    for (before, then, words, after) in [
        (
            "Users must be able to download invoices as XML. Users must be able to search invoices.",
            "Users must be able to download invoices as XML. Users must be able to search invoices and print them. \
             Users must be able to archive invoices. Users must be able to tag invoices.",
            "search invoices",
            Some("search invoices and print"),
        ),
        (
            "Customers must be able to pay by card. Customers must be able to pay by invoice.",
            "Customers must be able to pay by card. Customers must be able to pay by voucher. Customers must be \
             able to leave a review. Customers must be able to pay by invoice within 30 days.",
            "pay by invoice",
            Some("pay by invoice within 30 days"),
        ),
        (
            "Customers must be able to pay by card. Customers must be able to pay by invoice.",
            "Customers must be able to pay by card. Customers must be able to pay by voucher.",
            "pay by invoice",
            None,
        ),
        (
            "Hosting must cost at most 80 EUR a month. Pages must load within 2 seconds.",
            "Hosting must cost at most 95 EUR a month. Pages must load within 2 seconds.",
            "80 EUR",
            Some("95 EUR"),
        ),
        // Not tuned to.
        (
            "Staff can hide teas. Staff can print labels.",
            "Staff can weigh teas. Staff can print parcel labels. Staff can hide teas for a week.",
            "hide teas",
            Some("hide teas for a week"),
        ),
    ] {
        let before = first(before);
        let document = propose_document(&texts(then), Some(&before));
        let id = id_of(&before, words);
        let found = document.items.iter().find(|item| item.id == id);
        match (found, after) {
            (Some(item), Some(after)) => assert!(item.text.contains(after), "{id}: {item:?}"),
            (found, after) => assert_eq!(found.map(|item| item.text.as_str()), after, "{id}"),
        }
    }
}

#[test]
fn contradictions_in_plain_english_are_named() {
    for vision in [
        "Everything must work offline. All data must always be live from the central server.",
        "Partners must log in with a password; there should be no passwords anywhere.",
        "No cloud. It must run on AWS.",
        "Users can delete their account, but no data may ever be deleted.",
        "The budget is 10,000 EUR. The budget is 50,000 EUR.",
        "We go live on 1 March 2027. We go live on 1 June 2027.",
        "Search must be finished within 2 seconds. The search must answer within 200 ms.",
        "Die Seite muss in 2 Sekunden laden. Die Seite muss in 500 ms laden.",
        // Not tuned to.
        "The shop must be ready by 1 April 2027. We launch on 15 May 2027.",
        "Imports must be done within 10 seconds. Imports must be finished within 2 minutes.",
    ] {
        assert_eq!(contradictions(vision).len(), 1, "{vision}");
    }
    for vision in [
        "Pages must load within 2 seconds. Searches must answer within 200 ms.",
        "The system must answer within 200 ms. Reports must be finished within 2 seconds.",
        "The system must answer within 200 ms. Searches must answer within 2 seconds.",
        "Nobody may read the keys of others. Users may read their own keys.",
        "We go live on 1 March 2027. The contract ends on 30 June 2027.",
    ] {
        assert_eq!(contradictions(vision).len(), 0, "{vision}");
    }
}

#[test]
fn an_answer_that_names_a_side_rules_the_other_out_and_nothing_is_asked_again() {
    let vision = "The app must work offline. The app is always online only.";
    for answer in ["The first", "Offline", "R-1"] {
        let document = first(vision);
        let question = id_of(&document, "Which holds");
        let answered = |document: &Document, answer: &str| {
            let edit = Edit::Answer {
                id: question.clone(),
                answer: answer.to_owned(),
            };
            document.edited(&[edit], "ada").expect("an edit that holds")
        };
        let settled = answered(&document, answer);
        assert_eq!(settled.items.len(), document.items.len(), "{answer}");
        let ruled_out = |document: &Document, words: &str| {
            let id = id_of(document, words);
            let item = document.items.iter().find(|item| item.id == id);
            item.is_some_and(Requirement::is_ruled_out)
        };
        assert!(ruled_out(&settled, "always online only"), "{answer}");
        assert!(!ruled_out(&settled, "must work offline"), "{answer}");
        assert!(
            settled
                .items
                .iter()
                .all(|item| !item.is_unanswered() || item.key.starts_with("no-blueprint"))
        );
        let again = propose_document(&texts(vision), Some(&settled));
        assert!(ruled_out(&again, "always online only"), "{answer}");
        assert_eq!(again.items.len(), settled.items.len());
        let other = answered(&again, "the second");
        assert!(ruled_out(&other, "must work offline"));
        assert!(!ruled_out(&other, "always online only"));
    }
}

#[test]
fn a_short_answer_is_kept_with_what_it_answers() {
    let document =
        first("Users must search notes. Should we offer insurance? Maybe a level editor.");
    let answer = |words: &str, answer: &str| {
        let edit = Edit::Answer {
            id: id_of(&document, words),
            answer: answer.to_owned(),
        };
        let after = document.edited(&[edit], "ada").expect("an edit that holds");
        let item = after
            .items
            .into_iter()
            .find(|item| item.origin == Origin::Answer);
        item.map(|item| (item.kind, item.text))
    };
    assert_eq!(
        answer("insurance", "Yes"),
        Some((
            ItemKind::Functional,
            "Should we offer insurance? Yes".to_owned()
        ))
    );
    assert_eq!(
        answer("level editor", "no."),
        Some((ItemKind::OutOfScope, "Maybe a level editor: no".to_owned()))
    );
    assert_eq!(
        answer("insurance", "It must be offered to all couriers"),
        Some((
            ItemKind::Functional,
            "It must be offered to all couriers".to_owned()
        ))
    );
}

#[test]
fn a_decision_in_a_sentence_contradicts_neither_side() {
    let document = first("Pages must load within 2 seconds. Pages must load within 200 ms.");
    let edit = Edit::Answer {
        id: id_of(&document, "Which holds"),
        answer: "Pages must load within 500 ms".to_owned(),
    };
    let after = document.edited(&[edit], "ada").expect("an edit that holds");
    let open = after
        .items
        .iter()
        .filter(|item| item.is_unanswered() && item.key.starts_with("contradiction"));
    assert_eq!(open.count(), 0);
}

#[test]
fn a_plain_statement_is_asked_about_and_yes_makes_it_a_need() {
    let before = first("A puzzle game about rivers. Levels get harder.");
    let question = before
        .items
        .iter()
        .find(|item| {
            item.text
                .contains("Is this to be built: “Levels get harder”")
        })
        .expect("it is asked about");
    assert_eq!(question.kind, ItemKind::OpenQuestion);
    assert_eq!(question.about, Some(id_of(&before, "Levels get harder")));
    let goals = before
        .items
        .iter()
        .filter(|item| item.kind == ItemKind::Goal);
    assert_eq!(goals.count(), 2, "the statement stays");
    for (answer, expected) in [("Yes", 1), ("no", 0)] {
        let edit = Edit::Answer {
            id: question.id.clone(),
            answer: answer.to_owned(),
        };
        let after = before.edited(&[edit], "eva").expect("it can be answered");
        let needs = after
            .items
            .iter()
            .filter(|item| item.kind == ItemKind::Functional && item.text == "Levels get harder");
        assert_eq!(needs.count(), expected, "{answer}");
    }
}

#[test]
fn little_money_is_told_to_whoever_is_offered_what_a_team_operates() {
    let shop = "We want a web shop. Customers must pay by card.";
    let offered = |vision: &str| first(vision).options.into_iter().next().expect("an option");
    let plain = offered(shop);
    assert!(plain.summary.contains("Kubernetes"), "{plain:?}");
    for limit in [
        "Hosting may cost at most 80 EUR a month.",
        "Budget: $900 a year.",
        "Do not use Kubernetes.",
    ] {
        let option = offered(&format!("{shop} {limit}"));
        assert!(!option.summary.contains("Kubernetes"), "{limit} {option:?}");
        assert!(
            option.trade_offs[0].contains("Kubernetes"),
            "{limit} {option:?}"
        );
    }
    let rich = offered(&format!("{shop} Budget: 4,000 EUR a month."));
    assert_eq!(rich.summary, plain.summary);
    let price = offered(&format!("{shop} Members pay a fee of 9 EUR a month."));
    assert_eq!(price.summary, plain.summary);
    let named = offered(&format!("{shop} Use Kubernetes. Budget: 80 EUR a month."));
    assert!(named.summary.contains("Kubernetes"), "{named:?}");
    assert!(named.trade_offs[0].contains("80 EUR a month"), "{named:?}");
}

#[test]
fn what_existing_code_stands_on_and_is_moved_from_is_left_behind() {
    use super::{Content, Text};
    use crate::survey::{Bound, Place, Runtime, Survey};
    let survey = Survey {
        runtimes: vec![Runtime {
            name: "Python".to_owned(),
            version: "3.7".to_owned(),
            bound: Bound::Exactly,
            place: Place {
                file: ".python-version".to_owned(),
                line: Some(1),
            },
        }],
        ..Survey::default()
    };
    let with = |vision: &str| {
        let mut texts = texts(vision);
        texts.push(Text {
            attachment: Some("code.zip".to_owned()),
            content: Content::Code(Box::new(survey.clone())),
        });
        propose_document(&texts, None)
    };
    let fact = |document: &Document| -> Requirement {
        let mut items = document.items.iter();
        let found = items.find(|item| item.text == "The existing code runs on Python 3.7");
        found.expect("the fact").clone()
    };
    let moved = with("Move the shop from Python 3.7 to Python 3.12. It must not be slow.");
    let found = fact(&moved);
    assert_eq!(found.about, Some(id_of(&moved, "from Python 3.7")));
    assert!(
        found
            .mvp
            .is_some_and(|mvp| !mvp.included && mvp.reason.ends_with("leaves it behind"))
    );
    let kept = fact(&with("The shop must print invoices."));
    assert_eq!(kept.about, None);
    assert!(kept.mvp.is_some_and(|mvp| mvp.included));
    let forbidden = with("No Python 3.7.");
    let pairs = forbidden.findings.iter();
    let pairs = pairs.filter(|finding| finding.kind == FindingKind::Contradiction);
    assert_eq!(pairs.count(), 0, "{:#?}", forbidden.findings);
}
