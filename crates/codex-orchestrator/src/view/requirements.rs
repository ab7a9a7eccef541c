//! Requirements: a version, and its items.

use orch_api::types::requirements::{
    RequirementComment, RequirementItem, Requirements, RequirementsFinding, RequirementsOption,
    RequirementsStatus,
};

use super::of_status;
use crate::output::{Cell, Details, Row, Tone};

impl Details for Requirements {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        let mut fields = vec![
            ("requirements", Cell::new(self.id)),
            ("project", Cell::new(self.project_id)),
            ("from vision", Cell::new(self.vision_id)),
            ("status", status(self.status)),
            ("created", Cell::time(&self.created_at)),
            ("digest", Cell::new(&self.digest)),
        ];
        let only = self.items.iter().filter(|item| item.only_by_model);
        let only: Vec<&str> = only.map(|item| item.id.as_str()).collect();
        if !only.is_empty() {
            let said = format!("{} of {}: {}", only.len(), self.items.len(), only.join(" "));
            fields.push(("only a model says", Cell::new(said).tone(Tone::Bad)));
        }
        if let Some(author) = &self.author {
            fields.push(("by", Cell::new(author)));
        }
        if let Some(parent) = self.parent_id {
            fields.push(("made from", Cell::new(parent)));
        }
        if let Some(reason) = &self.reason {
            fields.push(("because", Cell::new(reason)));
        }
        if let Some(option) = &self.chosen_option {
            fields.push(("architecture", Cell::new(option)));
        }
        if let (Some(at), Some(by)) = (&self.approved_at, &self.approved_by) {
            fields.push((
                "approved",
                Cell::new(format!("{} by {by}", Cell::time(at).text)),
            ));
        }
        fields
    }
}

impl Row for Requirements {
    const HEAD: &'static [&'static str] = &["id", "vision", "status", "items", "by", "created"];
    const NAME: &'static str = "requirements";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.id),
            Cell::new(self.vision_id),
            status(self.status),
            Cell::new(self.items.len()),
            Cell::optional(self.author.as_deref()),
            Cell::time(&self.created_at),
        ]
    }
}

impl Row for RequirementItem {
    const HEAD: &'static [&'static str] =
        &["id", "kind", "priority", "first", "said by", "requirement"];
    const NAME: &'static str = "items";

    fn cells(&self) -> Vec<Cell> {
        let first = self.mvp.as_ref().map(|mvp| match mvp.included {
            true => "yes",
            false => "later",
        });
        let text = match &self.answer {
            Some(answer) => match &answer.text {
                Some(said) => format!("{} — answered: {said}", self.text),
                None => format!("{} — skipped", self.text),
            },
            None => self.text.clone(),
        };
        let open = self.kind == "open_question" && self.answer.is_none();
        vec![
            Cell::new(&self.id),
            Cell::new(self.kind.replace('_', " ")),
            Cell::new(&self.priority),
            Cell::optional(first),
            said_by(self),
            Cell::new(text).tone(if open { Tone::Waiting } else { Tone::Plain }),
        ]
    }
}

/// Whose word an item is. What only a model says stands out.
fn said_by(item: &RequirementItem) -> Cell {
    if item.only_by_model {
        return Cell::new("model only").tone(Tone::Bad);
    }
    match (item.origin.as_str(), &item.source.attachment) {
        (_, Some(file)) if !item.source.sentence.is_empty() => Cell::new(file),
        ("edit" | "answer", _) => Cell::new("a person"),
        ("rules", _) => Cell::new("rules"),
        ("model", _) if item.source.sentence.is_empty() => Cell::new("a person"),
        (_, _) => Cell::new("vision"),
    }
}

impl Row for RequirementsOption {
    const HEAD: &'static [&'static str] = &["name", "what it is", "for", "against", "rests on"];
    const NAME: &'static str = "options";

    fn cells(&self) -> Vec<Cell> {
        let words: Vec<String> = self
            .rests_on
            .iter()
            .map(|support| format!("“{}” ({})", support.word, support.item))
            .collect();
        vec![
            Cell::new(&self.name),
            Cell::new(&self.summary),
            Cell::new(self.strengths.join("; ")),
            Cell::new(self.trade_offs.join("; ")),
            Cell::new(words.join(", ")),
        ]
    }
}

impl Row for RequirementsFinding {
    const HEAD: &'static [&'static str] = &["kind", "question", "what"];
    const NAME: &'static str = "findings";

    fn cells(&self) -> Vec<Cell> {
        let question = Cell::optional(self.question.as_deref());
        let tone = if self.resolved {
            Tone::Faint
        } else {
            Tone::Waiting
        };
        vec![
            Cell::new(&self.kind),
            question,
            Cell::new(&self.message).tone(tone),
        ]
    }
}

impl Row for RequirementComment {
    const HEAD: &'static [&'static str] = &["id", "version", "item", "by", "at", "comment"];
    const NAME: &'static str = "comments";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.id),
            Cell::new(self.requirements_id),
            Cell::optional(self.item.as_deref()),
            Cell::new(&self.author),
            Cell::time(&self.created_at),
            Cell::new(&self.content),
        ]
    }
}

fn status(status: RequirementsStatus) -> Cell {
    of_status(match status {
        RequirementsStatus::Proposed => "proposed",
        RequirementsStatus::Approved => "approved",
        RequirementsStatus::Superseded => "superseded",
    })
}
