//! Reads a vision into sentences, each with the heading that stands over it. Lines that are headings
//! give no sentences, and sentences never serve as headings.

use super::afterthoughts::joined;
use super::blocks::{Form, blocks};
use super::headings::{Sense, label_of, sense_of, sense_of_colon_line};
use super::item::ItemKind;
use super::lines::lines;
use super::mail::without_furniture;
use super::sentences::{is_terminated, sentences};
use super::words::{lower_at, words};

/// How a sentence stands in the vision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The vision's title.
    Title,
    /// A heading further down that says more than a section's name.
    Heading,
    /// In a list.
    Bullet,
    /// In running text.
    Prose,
}

/// One sentence and what its surroundings say about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sentence<'v> {
    /// The sentence as written.
    pub text: &'v str,
    /// Its first byte in the vision.
    pub start: usize,
    /// Its number in the vision, from 1.
    pub index: usize,
    /// How it stands in the vision.
    pub standing: Standing,
    /// The kind that the nearest heading gives it.
    pub heading: Option<ItemKind>,
    /// The start of a sentence that this one completes ("The system must").
    pub lead_in: Option<&'v str>,
}

/// Every sentence of `vision`, in order.
pub fn read(vision: &str) -> Vec<Sentence<'_>> {
    let mut found = Vec::new();
    let mut headings = Headings::default();
    for block in blocks(vision, &without_furniture(vision, lines(vision))) {
        let text = &vision[block.start..block.end];
        let standing = match block.form {
            Form::Heading(level) => match headings.enter(level, text) {
                Some(standing) => standing,
                None => continue,
            },
            Form::Bullet => Standing::Bullet,
            Form::Prose => {
                if let Some(sense) = sense_of(text).filter(|_| !is_terminated(text)) {
                    headings.minor = Some(Minor { sense, text });
                    continue;
                }
                match is_title_of_notes(text) {
                    true => Standing::Title,
                    false => Standing::Prose,
                }
            }
        };
        for range in joined(text, sentences(text)) {
            let sentence = &text[range.clone()];
            if let Some(sense) = sense_of_colon_line(sentence) {
                headings.minor = Some(Minor {
                    sense,
                    text: sentence,
                });
                continue;
            }
            let (heading, lead_in) = headings.over(sentence, standing);
            found.push(Sentence {
                text: sentence,
                start: block.start + range.start,
                index: found.len() + 1,
                standing,
                heading,
                lead_in,
            });
        }
    }
    found
}

/// "Notes from the talk with the council, 3 May": says what follows, and asks for nothing.
fn is_title_of_notes(text: &str) -> bool {
    const NOTES: &[&str] = &[
        "notes",
        "minutes",
        "agenda",
        "transcript",
        "protocol",
        "protokoll",
        "notizen",
        "mitschrift",
    ];
    let words = words(text);
    let opens = NOTES.contains(&lower_at(&words, 0)) && words.len() > 1;
    let of_something = matches!(
        lower_at(&words, 1),
        "from"
            | "of"
            | "on"
            | "about"
            | "after"
            | "for"
            | "vom"
            | "von"
            | "zum"
            | "zur"
            | "über"
            | "aus"
    );
    opens && of_something && !is_terminated(text)
}

/// The headings over the place that is being read.
#[derive(Debug, Default)]
struct Headings<'v> {
    /// What `#` to `######` stand for here; a level without a meaning of its own has its parent's.
    major: [Option<ItemKind>; 6],
    minor: Option<Minor<'v>>,
}

/// A heading without markup: "Goals", "Goals:", "The system must:".
#[derive(Debug, Clone, Copy)]
struct Minor<'v> {
    sense: Sense,
    text: &'v str,
}

impl<'v> Headings<'v> {
    /// Steps under a heading; tells how its own text is to be read, if it is content.
    fn enter(&mut self, level: usize, text: &str) -> Option<Standing> {
        self.minor = None;
        let sense = sense_of(text).or_else(|| sense_of_colon_line(text));
        let label = label_of(text).map(|(sense, _)| sense);
        let parent = level.checked_sub(2).and_then(|above| self.major[above]);
        let kind = sense.or(label).and_then(Sense::kind).or(parent);
        self.major[level - 1..].fill(kind);
        match (sense, level) {
            (Some(_), _) => None,
            (None, 1) => Some(Standing::Title),
            (None, _) => Some(Standing::Heading),
        }
    }

    /// What the headings say about `sentence`. A heading without markup rules its list, and lines that
    /// are list items in all but the bullet; running text stays with the marked headings.
    fn over(&self, sentence: &str, standing: Standing) -> (Option<ItemKind>, Option<&'v str>) {
        let major = self.major[5];
        let listed = match standing {
            Standing::Title | Standing::Heading => return (None, None),
            Standing::Bullet => true,
            Standing::Prose => !is_terminated(sentence),
        };
        let Some(minor) = self.minor.filter(|_| listed) else {
            return (major, None);
        };
        let lead_in = match minor.sense {
            Sense::LeadIn(_) => Some(minor.text),
            Sense::Kind(_) | Sense::Subject(_) | Sense::Neutral => None,
        };
        (minor.sense.kind().or(major), lead_in)
    }
}

#[cfg(test)]
mod tests {
    use super::{Standing, read};
    use crate::requirements::ItemKind::{Constraint, Goal, OutOfScope};

    #[test]
    fn marked_headings_rule_all_text_and_colon_lines_their_lists() {
        let text = "## Goals\nFly.\n\nConstraints:\n- no fuel\nno noise\nIt is nice.\n### Why not\n- x1\n## Misc\n- y1";
        let found: Vec<_> = read(text)
            .into_iter()
            .map(|s| (s.text, s.standing, s.heading))
            .collect();
        assert_eq!(
            found,
            [
                ("Fly.", Standing::Prose, Some(Goal)),
                ("no fuel\nno noise", Standing::Bullet, Some(Constraint)),
                ("It is nice.", Standing::Prose, Some(Goal)),
                ("Why not", Standing::Heading, None),
                ("x1", Standing::Bullet, Some(Goal)),
                ("Misc", Standing::Heading, None),
                ("y1", Standing::Bullet, None),
            ]
        );
    }

    #[test]
    fn nested_labels_and_lead_ins_reach_their_items() {
        let text = "- Non-goals:\n  - Ads\n\nThe site must not:\n* track people";
        let found: Vec<_> = read(text)
            .into_iter()
            .map(|s| (s.text, s.heading, s.lead_in, s.index, s.start))
            .collect();
        assert_eq!(
            found,
            [
                ("Ads", Some(OutOfScope), None, 1, 17),
                (
                    "track people",
                    Some(Constraint),
                    Some("The site must not:"),
                    2,
                    43
                ),
            ]
        );
    }
}
