//! What headings and labels mean: "Constraints:", "## Non-goals", "Budget: $50", "The system must:".
//! A heading is only understood where every word of it is known, so that titles stay content.

use std::sync::LazyLock;

use super::item::ItemKind;
use super::words::{Lexicon, Word, words};

/// The meaning of a heading or label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// Names a kind of item and says nothing else.
    Kind(ItemKind),
    /// Names a subject that belongs to a kind, such as a budget.
    Subject(ItemKind),
    /// The start of a sentence that the list below completes, such as "The system must".
    LeadIn(ItemKind),
    /// Structure of the document without a meaning for its items.
    Neutral,
}

impl Sense {
    /// The kind of the items below it.
    pub fn kind(self) -> Option<ItemKind> {
        match self {
            Self::Kind(kind) | Self::Subject(kind) | Self::LeadIn(kind) => Some(kind),
            Self::Neutral => None,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Known(Sense),
    Filler,
}

const fn kind(kind: ItemKind) -> Part {
    Part::Known(Sense::Kind(kind))
}

const fn subject(kind: ItemKind) -> Part {
    Part::Known(Sense::Subject(kind))
}

static VOCABULARY: LazyLock<Lexicon<Part>> = LazyLock::new(|| {
    Lexicon::new(&[
        (
            kind(ItemKind::Goal),
            "aim, aims, ziel, ziele, goal, goals, mission, motivation, objective, objectives, problem, problem \
             statement, purpose, vision, what we want, why",
        ),
        (
            kind(ItemKind::Scope),
            "deliverables, in scope, in-scope, mvp, scope, umfang",
        ),
        (
            kind(ItemKind::Functional),
            "capabilities, feature, features, functional, functional requirements, functionality, \
             use cases, user stories, what it does, funktionen",
        ),
        (
            kind(ItemKind::Risk),
            "danger, dangers, risk, risks, worries, risiken",
        ),
        (
            kind(ItemKind::OutOfScope),
            "excluded, exclusions, future, future work, later, non goals, non-goal, non-goals, \
             nongoals, not doing, not in scope, not now, out of scope, out-of-scope, we will not, \
             what we will not do, won't do, won't have, not included",
        ),
        (
            kind(ItemKind::Constraint),
            "boundaries, randbedingungen, constraint, constraints, limitations, limits, restrictions, rules, \
             technical requirements, must, musts",
        ),
        (
            subject(ItemKind::Constraint),
            "budget, cost, costs, deadline, deadlines, licence, license, platform, platforms, \
             schedule, stack, tech, tech stack, technologies, technology, technology stack, \
             timeline, hosting, when, wann",
        ),
        (
            kind(ItemKind::NonFunctional),
            "nfr, nfrs, non functional, non-functional, nonfunctional, non functional \
             requirements, non-functional requirements, non-functional needs, nonfunctional \
             requirements, qualities, quality, quality attributes, quality goals, quality \
             requirements",
        ),
        (
            subject(ItemKind::NonFunctional),
            "accessibility, audit, availability, logging, monitoring, compliance, latency, \
             observability, performance, privacy, reliability, scalability, security, throughput, \
             uptime, usability",
        ),
        (
            kind(ItemKind::SuccessCriterion),
            "how we know, how we know that it worked, how we know that it works, how we know it worked, \
             how we know it works, how will we know, how do we know, how we will know that it worked, \
             how we will know it worked, acceptance, acceptance criteria, definition of done, done when, how we measure \
             success, how we will know, kpi, kpis, measures of success, metrics, outcomes, \
             success, success criteria, success criterion, success looks like, success measures, \
             success metrics, we will know",
        ),
        (
            kind(ItemKind::OpenQuestion),
            "open, offene fragen, open issues, open points, open question, open questions, question, questions, \
             tbc, tbd, to be decided, to decide, undecided, unknowns",
        ),
        (
            // Of "requirements" each sentence says itself of which kind it is.
            Part::Known(Sense::Neutral),
            "anforderungen, must have, must haves, must-have, must-haves, requirement, requirements, about, audience, background, context, description, intro, introduction, note, notes, \
             overview, product, project, stakeholders, summary, users",
        ),
        (
            Part::Filler,
            "a, and, business, criteria, draft, following, for, high-level, key, list, main, my, \
             needs, of, our, primary, some, statement, technical, the, these, this, are",
        ),
    ])
});

/// Endings that make a short line the start of what the list below says. The longest comes first.
const LEAD_INS: &[(&str, ItemKind)] = &[
    ("must not", ItemKind::Constraint),
    ("should not", ItemKind::Constraint),
    ("shall not", ItemKind::Constraint),
    ("do not want", ItemKind::Constraint),
    ("don't want", ItemKind::Constraint),
    ("will not", ItemKind::OutOfScope),
    ("won't", ItemKind::OutOfScope),
    ("should be able to", ItemKind::Scope),
    ("must be able to", ItemKind::Scope),
    ("can", ItemKind::Scope),
    ("must", ItemKind::Constraint),
    ("should", ItemKind::Constraint),
    ("shall", ItemKind::Constraint),
    ("has to", ItemKind::Constraint),
    ("have to", ItemKind::Constraint),
    ("needs to", ItemKind::Constraint),
    ("want to", ItemKind::Goal),
];

const MAX_HEADING_BYTES: usize = 80;
const MAX_HEADING_WORDS: usize = 8;

/// What `text` means as a heading; nothing where any of its words is unknown.
pub fn sense_of(text: &str) -> Option<Sense> {
    if text.len() > MAX_HEADING_BYTES {
        return None;
    }
    let found = words(text);
    if found.len() > MAX_HEADING_WORDS {
        return None;
    }
    let mut sense = None;
    let mut at = 0;
    while at < found.len() {
        if is_numbering(&found[at]) {
            at += 1;
            continue;
        }
        let (part, length) = VOCABULARY.longest_at(&found, at)?;
        match (part, sense) {
            (Part::Known(known), None | Some(Sense::Neutral)) => sense = Some(known),
            (Part::Known(_), Some(_)) | (Part::Filler, _) => {}
        }
        at += length;
    }
    sense
}

/// What a line that ends in a colon means for the list below it.
pub fn sense_of_colon_line(text: &str) -> Option<Sense> {
    let bare = text
        .trim_end_matches(['*', '_', ' '])
        .strip_suffix([':', '：'])?;
    sense_of(bare).or_else(|| {
        let found = words(bare);
        if bare.len() > MAX_HEADING_BYTES || !(2..=MAX_HEADING_WORDS).contains(&found.len()) {
            return None;
        }
        let spoken: Vec<&str> = found.iter().map(|word| word.lower.as_str()).collect();
        let spoken = spoken.join(" ");
        LEAD_INS
            .iter()
            .find(|(ending, _)| {
                spoken
                    .strip_suffix(ending)
                    .is_some_and(|start| start.ends_with(' '))
            })
            .map(|(_, kind)| Sense::LeadIn(*kind))
    })
}

/// A label at the start of a sentence ("Budget: $50"): its meaning and the byte where the rest begins.
pub fn label_of(sentence: &str) -> Option<(Sense, usize)> {
    let (at, colon) = sentence
        .char_indices()
        .take(MAX_HEADING_BYTES)
        .find(|(_, c)| matches!(c, ':' | '：'))?;
    let rest = sentence[at + colon.len_utf8()..].trim_start_matches(['*', '_']);
    let full_width = colon == '：';
    if !(full_width || rest.starts_with(char::is_whitespace)) || rest.trim().is_empty() {
        return None;
    }
    let sense = sense_of(&sentence[..at])?;
    Some((sense, sentence.len() - rest.trim_start().len()))
}

/// "2.", "5.1", "#3", "v1".
fn is_numbering(word: &Word) -> bool {
    let digits = word.lower.strip_prefix('v').unwrap_or(&word.lower);
    digits
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '.' | ')' | '#'))
}

#[cfg(test)]
mod tests {
    use super::{Sense, label_of, sense_of, sense_of_colon_line};
    use crate::requirements::ItemKind;

    #[test]
    fn headings_in_many_spellings_name_their_kind() {
        for (text, expected) in [
            ("Goals", Sense::Kind(ItemKind::Goal)),
            ("1) Product vision & goals", Sense::Kind(ItemKind::Goal)),
            ("🎯 Our main objectives", Sense::Kind(ItemKind::Goal)),
            (
                "5.1 Functional requirements",
                Sense::Kind(ItemKind::Functional),
            ),
            ("**Non-goals (for v1)**", Sense::Kind(ItemKind::OutOfScope)),
            (
                "Non-functional requirements",
                Sense::Kind(ItemKind::NonFunctional),
            ),
            (
                "Security and compliance",
                Sense::Subject(ItemKind::NonFunctional),
            ),
            ("Budget", Sense::Subject(ItemKind::Constraint)),
            (
                "Definition of Done",
                Sense::Kind(ItemKind::SuccessCriterion),
            ),
            ("Open questions", Sense::Kind(ItemKind::OpenQuestion)),
            ("Overview", Sense::Neutral),
        ] {
            assert_eq!(sense_of(text), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn titles_are_not_mistaken_for_headings() {
        for text in ["Goals tracker for teams", "Bike shop", "", "1.", "The"] {
            assert_eq!(sense_of(text), None, "{text:?}");
        }
    }

    #[test]
    fn colon_lines_lead_into_their_lists() {
        for (text, expected) in [
            ("Goals:", Some(Sense::Kind(ItemKind::Goal))),
            ("**Constraints:**", Some(Sense::Kind(ItemKind::Constraint))),
            (
                "The system must not:",
                Some(Sense::LeadIn(ItemKind::Constraint)),
            ),
            ("Users can:", Some(Sense::LeadIn(ItemKind::Scope))),
            ("We will not:", Some(Sense::Kind(ItemKind::OutOfScope))),
            (
                "For now we won't:",
                Some(Sense::LeadIn(ItemKind::OutOfScope)),
            ),
            ("We sell three kinds of bikes:", None),
            ("A pelican:", None),
            ("Goals", None),
        ] {
            assert_eq!(sense_of_colon_line(text), expected, "{text:?}");
        }
    }

    #[test]
    fn labels_are_told_from_other_colons() {
        assert_eq!(
            label_of("Goal: fly"),
            Some((Sense::Kind(ItemKind::Goal), 6))
        );
        assert_eq!(
            label_of("**Budget:** $5"),
            Some((Sense::Subject(ItemKind::Constraint), 12))
        );
        for text in [
            "Goals:",
            "Goal:fly",
            "Note that: x",
            "http://a.b c",
            "Bikes: red",
        ] {
            assert_eq!(label_of(text), None, "{text:?}");
        }
    }
}
