//! Claims about plain sentences: each that demands something is demanded or asked about, in whatever words; what
//! only tells of the world, frames a mail or speaks of later times asks for nothing and puts nothing off.

use super::ItemKind::{
    self, Constraint, Functional, Goal, NonFunctional, OpenQuestion, OutOfScope, Risk, Scope,
    SuccessCriterion,
};
use super::document::{Document, FindingKind, Priority};
use super::visions::proposed;

/// What the rules read in `text`, questions about vague words left out.
fn said(text: &str) -> Vec<(ItemKind, String)> {
    let document = proposed(text);
    let items = document.items.into_iter();
    items
        .filter(|item| item.vague_word.is_none() && !item.source.sentence.is_empty())
        .filter(|item| item.origin != super::Origin::Rules)
        .map(|item| (item.kind, item.text))
        .collect()
}

fn check(kind: ItemKind, texts: &[&str]) {
    for text in texts {
        let found = said(text);
        let kinds: Vec<ItemKind> = found.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [kind], "{text:?}: {found:#?}");
    }
}

fn vague(document: &Document) -> Vec<&str> {
    let findings = document.findings.iter();
    findings
        .filter(|finding| finding.kind == FindingKind::Vagueness)
        .filter_map(|finding| finding.message.split('”').next())
        .map(|word| word.trim_start_matches('“'))
        .collect()
}

#[test]
fn wishes_and_what_happens_are_demanded() {
    check(
        Functional,
        &[
            "We want customers to rate the drivers.",
            "I'd like a map of all shops.",
            "I want the site to send me a report every Monday.",
            "As an admin, I want to block users.",
            "Given a full cart, when the customer pays, then a receipt is sent.",
            "If payment fails, the order is cancelled.",
            "Orders older than a year are deleted.",
            "When an order is late, we call the customer.",
            "The deposit is held by the payment provider.",
            "Let customers pay by card.",
            "We need to send invoices every month.",
            "Please add a search.",
            "The cook prints the list.",
            "The app lets members swap their shifts.",
            "The council wants a yearly report with the number of loans.",
            // Not tuned to.
            "We would love to see which teas run out.",
            "As a coach I need to move a lesson.",
            "Whenever a seat is free, the next guest gets a message.",
            "Reports older than a week are archived.",
            "Each order must be kept so that the shop can look at it.",
            "Wir möchten, dass Gäste ihren Tisch tauschen.",
        ],
    );
    check(
        Scope,
        &[
            "Erinnerung per E-Mail einen Tag vorher.",
            "Login by e-mail.",
        ],
    );
    check(
        Goal,
        &[
            "We want to grow.",
            "We want a web shop for used bikes.",
            "I need a booking system for my studio.",
            "An app that tells me when to water my plants.",
            "So that everybody finds a bike.",
        ],
    );
}

#[test]
fn a_behaviour_on_three_lines_is_one_demand() {
    check(
        Functional,
        &["Given a full cart\nWhen the customer pays\nThen a receipt is sent"],
    );
}

#[test]
fn limits_in_german_and_with_what_to_build_are_constraints() {
    check(
        Constraint,
        &[
            "Kosten maximal 100 € im Monat.",
            "When: before easter!! realy. (or latest may)",
            "We know Python, so please build on Django.",
            "We have two volunteers who know Python and Django, so please build on Django with PostgreSQL.",
            "Launch is planned for 1 March 2027.",
            "I think max 15k€ all in.",
            "Build on Django with PostgreSQL.",
            "We use TypeScript and Node.",
            "We do not want to handle card numbers ourselves.",
            "Do not let drivers see prices.",
            // Not tuned to.
            "Our team likes Ruby, so please write it in Ruby.",
            "Höchstens 50 € pro Jahr.",
        ],
    );
}

#[test]
fn later_times_put_nothing_off() {
    for text in [
        "Users must be able to change their e-mail later.",
        "Each order must be kept, so that the shop can look at it at any later time.",
        "The order can be cancelled at a later time.",
        "Each loan must be recorded so that it can be shown at any later time.",
        // Not tuned to.
        "Members must be able to add photos later.",
        "Customers who have not yet paid must be reminded.",
    ] {
        let document = proposed(text);
        let item = &document.items[0];
        assert_ne!(item.kind, OutOfScope, "{item:?}");
        assert_eq!(item.priority, Priority::Must, "{item:?}");
        assert!(
            item.mvp.as_ref().is_some_and(|mvp| mvp.included),
            "{item:?}"
        );
    }
    check(
        OutOfScope,
        &[
            "Later: a loyalty programme.",
            "A mobile app comes later.",
            "Invoices arrive in a later version.",
            "Gift cards are not in the first version.",
        ],
    );
}

#[test]
fn what_a_sentence_is_for_decides_its_kind() {
    check(
        SuccessCriterion,
        &[
            "We will have succeeded if 200 members have lent one thing.",
            "It is a success when ten schools use it.",
        ],
    );
    check(
        Risk,
        &[
            "What worries me is that somebody steals a cargo bike.",
            "My fear is that nobody comes.",
        ],
    );
    check(
        OpenQuestion,
        &[
            "TODO: decide on hosting.",
            "Insurance: open, ask Mrs Okafor.",
            "Versicherung: noch offen.",
        ],
    );
    check(
        Functional,
        &[
            "Only people whose postal code is 04229 may join.",
            "Only members who paid can vote.",
        ],
    );
    check(
        Goal,
        &[
            "Sage is our accounting.",
            "Notes from the talk with the council, 3 May",
        ],
    );
}

#[test]
fn vague_words_are_asked_about() {
    for (text, expected) in [
        (
            "It should be very reliable and friendly.",
            &["reliable", "friendly"][..],
        ),
        (
            "It must be robust and affordable.",
            &["robust", "affordable"],
        ),
        (
            "It should be quick and not expensive.",
            &["quick", "not expensive"],
        ),
        ("The site must be secure.", &["secure"]),
        ("Customers can pay by card, invoice, etc.", &["etc"]),
        ("The shop sells tea, coffee, cups etc.", &["etc"]),
    ] {
        let document = proposed(text);
        assert_eq!(vague(&document), expected, "{text:?}");
    }
}

#[test]
fn a_pasted_mail_is_read_as_its_reader_would() {
    let mail = "From: Jo Merrit <jo@bakeries.example>\nTo: dev team\nSubject: Re: Fwd: ordering thing!!\n\
        Date: Thu, 14 Jan 2027 22:13:05 +0100\n\nhi all,\n\n\
        - after 18h NO changes anymore!!! except the manager\n\n\
        it should be quick. i think max 15k€ all in. Sage is our accounting, it needs to get the delivery notes \
        every night\n\nWhen: before easter!! realy. (or latest may)\n\n\
        PS: could you also do an online shop at some point? not now\n\ncheers\nJo\n\n\
        > On 12 Jan 2027, at 10:02, Mike <mike@l.example> wrote:\n\
        > I also think we should have a dashboard with yesterday's sales.\n> --\n\
        > Mike Landers | confidential: if you are not the intended recipient you must delete this mail\n\
        Sent from my iPhone";
    let found = said(mail);
    let expected = [
        (Goal, "Ordering thing"),
        (
            Constraint,
            "After 18h NO changes anymore!!! except the manager",
        ),
        (NonFunctional, "It should be quick"),
        (Constraint, "I think max 15k€ all in"),
        (Goal, "Sage is our accounting"),
        (Functional, "It needs to get the delivery notes every night"),
        (Constraint, "When: before easter!! realy. (or latest may)"),
        (
            OutOfScope,
            "PS: could you also do an online shop at some point? not now",
        ),
        (
            Functional,
            "I also think we should have a dashboard with yesterday's sales",
        ),
    ];
    let expected: Vec<(ItemKind, String)> = expected
        .into_iter()
        .map(|(kind, text)| (kind, text.to_owned()))
        .collect();
    assert_eq!(found, expected);
}
