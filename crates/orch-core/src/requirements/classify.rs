//! Decides of which kinds a clause is. Order matters: doubt comes before everything, a heading before
//! cue words, and the rarer, clearer cues before the common ones.

use super::cues::{Cue, Vague};
use super::evidence::{Evidence, Opening};
use super::item::ItemKind;
use super::reading::Standing;
use super::sentences::is_terminated;
use super::telling::{is_context, is_demand, is_unclear};
use super::words::{Word, words};

/// What a clause is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Its kinds, without repetition; none for a heading that says nothing.
    pub kinds: Vec<ItemKind>,
    /// Whether anything in the clause or above it spoke for these kinds.
    pub basis: Basis,
    /// Vague words that want a number.
    pub vague: Vec<(Vague, String)>,
}

/// What a verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Cue words, numbers or a heading.
    Evidence,
    /// Nothing but the way the sentence stands in the vision.
    Default,
    /// Nothing but that, though it may be a demand in the present tense.
    Unclear,
}

/// Classifies `clause` (of `sentence`) under the kind that a label or heading gives it.
pub fn classify(
    clause: &str,
    sentence: &str,
    given: Option<ItemKind>,
    standing: Standing,
) -> Verdict {
    let words = words(clause);
    let evidence = Evidence::of_words(&words);
    if evidence.has(Cue::Hedge) || evidence.choice {
        return Verdict {
            kinds: vec![ItemKind::OpenQuestion],
            basis: Basis::Evidence,
            vague: Vec::new(),
        };
    }
    let (kinds, basis) = match given {
        // "We do not need an app" stands below "Limits" and limits nothing.
        Some(kind) if is_need(kind) && evidence.has(Cue::Exclusion) => {
            (vec![ItemKind::OutOfScope], Basis::Evidence)
        }
        Some(kind) => (vec![kind], Basis::Evidence),
        None if is_fact(&words, &evidence) => (vec![ItemKind::Goal], Basis::Evidence),
        None => match (by_evidence(&evidence), standing) {
            (kinds, Standing::Prose | Standing::Bullet)
                if kinds.is_empty() && is_demand(&words) =>
            {
                (vec![ItemKind::Functional], Basis::Evidence)
            }
            (kinds, Standing::Prose) if kinds.is_empty() && is_unclear(&words) => {
                (by_standing(sentence, standing), Basis::Unclear)
            }
            (kinds, _) if kinds.is_empty() => (by_standing(sentence, standing), Basis::Default),
            (kinds, _) => (kinds, Basis::Evidence),
        },
    };
    let settled = evidence.measures.number
        || kinds.contains(&ItemKind::OutOfScope)
        || kinds.contains(&ItemKind::Risk)
        || kinds.contains(&ItemKind::OpenQuestion);
    Verdict {
        kinds,
        basis,
        vague: if settled { Vec::new() } else { evidence.vague },
    }
}

fn by_evidence(evidence: &Evidence) -> Vec<ItemKind> {
    if evidence.has(Cue::Exclusion) {
        return vec![ItemKind::OutOfScope];
    }
    if evidence.has(Cue::Success) || is_measured_outcome(evidence) {
        return vec![ItemKind::SuccessCriterion];
    }
    if evidence.has(Cue::Danger) {
        return vec![ItemKind::Risk];
    }
    let mut kinds = Vec::new();
    let purpose = match evidence.opening {
        Opening::Build | Opening::Wish => true,
        Opening::Order | Opening::Other => evidence.has(Cue::Benefit),
    };
    let rule = evidence.has(Cue::Rule) || evidence.opening == Opening::Order;
    let measured = evidence.measures.money
        || evidence.measures.deadline
        || evidence.has(Cue::Money)
        || evidence.has(Cue::Deadline)
        || evidence.has(Cue::Technology);
    let capability = evidence.has(Cue::Capability);
    let part = capability || (evidence.has(Cue::Feature) && !evidence.has(Cue::Duty));
    if purpose {
        kinds.push(ItemKind::Goal);
    } else if part && !rule && !evidence.has(Cue::Money) {
        kinds.push(if capability {
            ItemKind::Functional
        } else {
            ItemKind::Scope
        });
    }
    let quality = is_quality(evidence);
    if quality {
        kinds.push(ItemKind::NonFunctional);
    }
    if measured || (rule && !quality) {
        kinds.push(ItemKind::Constraint);
    } else if evidence.has(Cue::Duty) && kinds.is_empty() {
        kinds.push(ItemKind::Functional);
    }
    of_one_kind(kinds, evidence)
}

/// At most one kind beside the goal: a clause is built once.
fn of_one_kind(kinds: Vec<ItemKind>, evidence: &Evidence) -> Vec<ItemKind> {
    let needs = kinds.iter().filter(|kind| **kind != ItemKind::Goal).count();
    if needs < 2 {
        return kinds;
    }
    let measures = evidence.measures;
    let limits = measures.money
        || measures.deadline
        || evidence.has(Cue::Money)
        || evidence.has(Cue::Deadline);
    let best = [
        ItemKind::Functional,
        ItemKind::Scope,
        ItemKind::NonFunctional,
        ItemKind::Constraint,
    ]
    .into_iter()
    .find(|kind| {
        kinds.contains(kind)
            && !(limits
                && *kind == ItemKind::NonFunctional
                && kinds.contains(&ItemKind::Constraint))
    });
    kinds
        .into_iter()
        .filter(|kind| *kind == ItemKind::Goal || Some(*kind) == best)
        .collect()
}

const fn is_need(kind: ItemKind) -> bool {
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

/// What those who ask have and do today, whatever technology or number it names.
fn is_fact(words: &[Word], evidence: &Evidence) -> bool {
    let asks = [
        Cue::Exclusion,
        Cue::Success,
        Cue::Danger,
        Cue::Duty,
        Cue::Money,
        Cue::Deadline,
    ];
    evidence.opening == Opening::Other
        && !asks.into_iter().any(|cue| evidence.has(cue))
        && is_context(words)
}

fn is_quality(evidence: &Evidence) -> bool {
    let load = evidence.measures.crowd && evidence.has(Cue::Capacity);
    evidence.measures.performance
        || load
        || evidence.has(Cue::Quality)
        || evidence.has(Cue::Performance)
        || evidence.vague.iter().any(|(vague, _)| vague.is_quality())
}

/// A number that people or the business move, as opposed to one that the machine has to keep.
fn is_measured_outcome(evidence: &Evidence) -> bool {
    let measures = evidence.measures;
    if !measures.number || measures.performance || evidence.has(Cue::Performance) {
        return false;
    }
    evidence.has(Cue::Change)
        || evidence.has(Cue::Outcome)
        || (evidence.has(Cue::Adoption)
            && (measures.crowd || measures.percent)
            && !evidence.has(Cue::Capacity))
}

fn by_standing(sentence: &str, standing: Standing) -> Vec<ItemKind> {
    match standing {
        // One word is the product's name.
        Standing::Title if !sentence.contains(char::is_whitespace) && sentence.is_ascii() => vec![],
        Standing::Title => vec![ItemKind::Goal],
        Standing::Heading => vec![],
        Standing::Bullet => vec![ItemKind::Scope],
        Standing::Prose if !is_terminated(sentence) && sentence.contains([',', '、', '，']) => {
            vec![ItemKind::Scope]
        }
        Standing::Prose => vec![ItemKind::Goal],
    }
}

#[cfg(test)]
mod tests {
    use super::classify;
    use crate::requirements::ItemKind::{
        self, Constraint, Functional, Goal, NonFunctional, OpenQuestion, OutOfScope, Risk, Scope,
        SuccessCriterion,
    };
    use crate::requirements::reading::Standing;

    fn check(clause: &str, expected: &[ItemKind]) {
        let verdict = classify(clause, clause, None, Standing::Prose);
        assert_eq!(verdict.kinds, expected, "{clause:?}");
    }

    #[test]
    fn what_and_why_are_goals() {
        check("Build a shop for used bikes", &[Goal]);
        check("We want a shop for used bikes", &[Goal]);
        check("The shop lets couriers repair bikes", &[Goal]);
        check("Couriers wait for days today.", &[Goal]);
    }

    #[test]
    fn parts_are_scope_and_capabilities_are_functional() {
        check("Customers can reserve a bike", &[Functional]);
        check("The page shows opening hours", &[Scope]);
        check("Customers should be able to search by size", &[Functional]);
        check("Customers must pay by card", &[Functional]);
        check("The shop should greet people", &[Functional]);
        check("Search, cart, checkout", &[Scope]);
    }

    #[test]
    fn dangers_are_risks() {
        check("There is a risk that couriers leave", &[Risk]);
        check("We are worried about theft", &[Risk]);
    }

    #[test]
    fn german_cues_are_understood() {
        check("Kunden können ein Rad reservieren", &[Functional]);
        check("Der Laden muss Rechnungen drucken", &[Functional]);
        check("Ohne Konto", &[Constraint]);
        check("Die Seite muss schnell sein", &[NonFunctional]);
        check("Vielleicht ein Forum", &[OpenQuestion]);
        check("Das Budget beträgt 500 Euro", &[Constraint]);
    }

    #[test]
    fn limits_are_constraints() {
        for clause in [
            "Use PostgreSQL",
            "Deploy to AWS",
            "It must run on a Raspberry Pi",
            "No tracking cookies",
            "Only the owner edits prices",
            "It works without an account",
            "Costs less than $50 a month",
            "We have a budget of 5,000 euros",
            "Opens by March",
            "It opens within 3 months",
            "The server is written in Rust",
        ] {
            check(clause, &[Constraint]);
        }
    }

    #[test]
    fn qualities_are_non_functional() {
        for clause in [
            "Must respond within 200 ms",
            "It handles 500 requests per second",
            "The shop must support 10,000 users",
            "99.9% uptime",
            "Passwords are encrypted",
            "It complies with GDPR",
            "Pages are accessible to screen readers",
            "It must be fast",
        ] {
            check(clause, &[NonFunctional]);
        }
    }

    #[test]
    fn measured_outcomes_are_success_criteria() {
        for clause in [
            "Success means that couriers come back",
            "We will know it works when the queue is gone",
            "Done when ten bikes are sold",
            "Increase sales by 20%",
            "At least 100 customers sign up in the first month",
            "Churn stays under 3%",
        ] {
            check(clause, &[SuccessCriterion]);
        }
    }

    #[test]
    fn left_out_things_are_out_of_scope() {
        for clause in [
            "Payments are not in scope",
            "We will not sell new bikes",
            "A forum comes later",
            "Out of scope are repairs",
        ] {
            check(clause, &[OutOfScope]);
        }
        check("It opens no later than June", &[Constraint]);
    }

    #[test]
    fn doubt_is_an_open_question_whatever_else_is_said() {
        for clause in [
            "Maybe we must use Rust",
            "We are not sure about GDPR",
            "The owner doesn't know which printer to buy",
            "Hosting is TBD",
            "Use Postgres or MySQL",
        ] {
            check(clause, &[OpenQuestion]);
        }
    }

    #[test]
    fn one_clause_may_be_of_several_kinds() {
        check("Build a fast shop", &[Goal, NonFunctional]);
        check("Reduce latency to 100 ms", &[Goal, NonFunctional]);
        check("Build a shop with React by June", &[Goal, Constraint]);
        check(
            "We want an API that answers in 50 ms for $5",
            &[Goal, Constraint],
        );
    }

    #[test]
    fn a_clause_is_one_need() {
        check(
            "The database must be migrated to Aurora MySQL with less than 30 minutes of downtime",
            &[NonFunctional],
        );
        check("Each meter sends a reading every 15 minutes", &[Scope]);
        check("Admins can give refunds up to 200 EUR", &[Functional]);
        check(
            "All logs must be kept in S3 and encrypted",
            &[NonFunctional],
        );
    }

    #[test]
    fn the_present_tense_demands_and_facts_do_not() {
        for clause in [
            "It takes one or more folders",
            "With --json it prints JSON",
            "Every user gets a mail",
        ] {
            check(clause, &[Functional]);
        }
        for clause in [
            "We run a billing platform (Java 8 on Tomcat, MySQL 5.7, about 900 GB of data)",
            "We use Kafka and Spark already",
            "The team knows Scala and Python",
            "Three people spend half their day on it",
        ] {
            check(clause, &[Goal]);
        }
    }

    #[test]
    fn versions_that_are_named_as_a_floor_are_wanted_now() {
        check("The tool must support Go 1.22 or later", &[Functional]);
        check("It needs Python 3.7 or later", &[Constraint]);
        check("All traffic must use TLS 1.2 or newer", &[NonFunctional]);
    }

    #[test]
    fn dates_and_prohibitions_are_limits() {
        for clause in [
            "We go live before 1 November 2027",
            "It must be finished by 1 May 2027",
            "No data may be lost",
            "Nobody may read the keys of others",
            "Do not use Kubernetes",
            "No cloud",
        ] {
            check(clause, &[Constraint]);
        }
        check("We do not need a mobile app", &[OutOfScope]);
    }

    #[test]
    fn heading_decides_unless_the_clause_is_in_doubt() {
        let under = |clause| classify(clause, clause, Some(Scope), Standing::Bullet).kinds;
        assert_eq!(under("Must run offline"), [Scope]);
        assert_eq!(under("Maybe a forum"), [OpenQuestion]);
    }
}
