//! Risks that follow from words of the items. Each names its words; what the vision does not mention
//! gives none.

use super::super::document::Requirement;
use super::super::item::ItemKind;
use super::super::words::{Lexicon, Word, phrase};
use super::rule_item::RuleItem;
use std::sync::LazyLock;

/// A rule: its name, the phrases that speak for it, and what may go wrong.
struct Rule {
    name: &'static str,
    phrases: &'static str,
    risk: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        name: "personal-data",
        phrases: "gdpr, dsgvo, personal data, ccpa, hipaa, health data, patients, patient, \
                  personenbezogene daten, datenschutz",
        risk: "personal data are handled, and a breach of the rules may stop operation; name who checks them",
    },
    Rule {
        name: "money",
        phrases: "payment, payments, pay by card, credit card, credit cards, checkout, paypal, stripe, pci, \
                  pci-dss, invoices, subscriptions",
        risk: "money is moved, so a fault costs somebody else's; name how amounts are checked",
    },
    Rule {
        name: "migration",
        phrases: "migrate, migration, legacy, existing data, existing database, replace the old, import the old",
        risk: "what exists is taken over, and it may be in a worse state than thought; try it on a copy early",
    },
    Rule {
        name: "others",
        phrases: "third party, third-party, external api, external service, partner api, integrates with, \
                  integrate with",
        risk: "it depends on something that others run; name what happens while it is away",
    },
    Rule {
        name: "devices",
        phrases: "sensor, sensors, firmware, raspberry pi, esp32, iot, bluetooth, zigbee, lorawan",
        risk: "devices in the field are slow to update; name how a bad version is taken back",
    },
    Rule {
        name: "availability",
        phrases: "99.99%, 99.999%, zero downtime, no downtime, always available, 24/7",
        risk: "hardly any downtime is allowed; name who is called at night, and what an outage costs",
    },
];

static PHRASES: LazyLock<Lexicon<usize>> = LazyLock::new(|| {
    let groups: Vec<(usize, &'static str)> = RULES
        .iter()
        .enumerate()
        .map(|(at, rule)| (at, rule.phrases))
        .collect();
    Lexicon::new(&groups)
});

/// One risk for each rule that words of the items speak for.
pub fn risks(items: &[Requirement], spoken: &[Vec<Word>]) -> Vec<RuleItem> {
    let mut found: Vec<Option<RuleItem>> = RULES.iter().map(|_| None).collect();
    for (item, spoken) in items.iter().zip(spoken) {
        match item.kind {
            ItemKind::OutOfScope | ItemKind::OpenQuestion | ItemKind::Risk => continue,
            ItemKind::Goal
            | ItemKind::Functional
            | ItemKind::Scope
            | ItemKind::Constraint
            | ItemKind::NonFunctional
            | ItemKind::SuccessCriterion => {}
        }
        let mut at = 0;
        while at < spoken.len() {
            let Some((rule, length)) = PHRASES.longest_at(spoken, at) else {
                at += 1;
                continue;
            };
            if found[rule].is_none() {
                let phrase = phrase(&spoken[at..at + length]);
                let Rule { name, risk, .. } = &RULES[rule];
                let text = format!("“{phrase}” in {}: {risk}", item.id);
                found[rule] =
                    Some(RuleItem::new(name, ItemKind::Risk, &[&phrase], text).about(item));
            }
            at += length;
        }
    }
    found.into_iter().flatten().collect()
}
