//! What a model is shown of a vision: the texts, and the version before, each between marks that no text
//! can forge, because the marks hang on all that stands between them.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::seen::seen;
use crate::survey::statements;

use super::super::item::ItemKind;
use super::build::{Content, Text};
use super::existing::renewal;
use super::model::Document;
use super::suggested::cleaned;

/// More is not shown to a model: hardly one reads as much.
pub const LARGEST_MATERIAL_BYTES: usize = 400 * 1024;
/// Of the version before, so much is shown.
const LARGEST_BEFORE_BYTES: usize = 64 * 1024;
/// Characters of an item that are shown.
const LONGEST_SHOWN: usize = 400;
/// Operations of an API that are named.
const MOST_OPERATIONS: usize = 200;

/// The texts as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// All of it, fenced.
    pub text: String,
    /// What each fence has in its marks.
    pub mark: String,
}

/// The texts are larger than what is shown to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the vision and its files have {bytes} bytes of text, and a model is shown at most {LARGEST_MATERIAL_BYTES}"
)]
pub struct MaterialTooLarge {
    pub bytes: usize,
}

/// Fences the texts and what persons said to the version before.
///
/// # Errors
/// When the texts are too large.
pub fn material(texts: &[Text], previous: Option<&Document>) -> Result<Material, MaterialTooLarge> {
    let mut parts: Vec<(String, String)> = Vec::new();
    let renew = renewal(texts);
    for text in texts {
        let name = match &text.attachment {
            Some(name) => format!("FILE {}", cleaned(name, 200)),
            None => "VISION".to_owned(),
        };
        let content = match &text.content {
            Content::Prose(prose) => seen(prose).collect(),
            Content::Operations(operations) => {
                let shown = operations.iter().take(MOST_OPERATIONS);
                let lines: Vec<String> = shown
                    .map(|one| {
                        let said = format!("{}: {}", one.name, one.summary);
                        format!("(taken already) {}", cleaned(&said, LONGEST_SHOWN))
                    })
                    .collect();
                lines.join("\n")
            }
            Content::Code(survey) => {
                let shown = statements(survey, renew).into_iter();
                let lines: Vec<String> = shown
                    .map(|one| format!("(taken already) {}", cleaned(&one.text, LONGEST_SHOWN)))
                    .collect();
                lines.join("\n")
            }
        };
        parts.push((name, content));
    }
    let bytes = parts.iter().map(|(_, content)| content.len()).sum();
    if bytes > LARGEST_MATERIAL_BYTES {
        return Err(MaterialTooLarge { bytes });
    }
    if let Some(before) = previous.map(before).filter(|text| !text.is_empty()) {
        parts.push(("BEFORE".to_owned(), before));
    }
    Ok(fenced(parts))
}

/// Parts of a material, each with its name, between marks that hang on all of them.
pub fn fenced(parts: Vec<(String, String)>) -> Material {
    let mut hash = Sha256::new();
    for (name, content) in &parts {
        for part in [name, content] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
    }
    let mark = hex::encode(&hash.finalize()[..8]);
    let mut text = String::new();
    for (name, content) in parts {
        let end = if content.ends_with('\n') { "" } else { "\n" };
        write!(text, "<<<{mark} {name}\n{content}{end}{mark}>>>\n")
            .expect("invariant: writing to a String cannot fail");
    }
    Material { text, mark }
}

/// The items and answers of the version before, one a line.
fn before(document: &Document) -> String {
    let mut out = String::new();
    for item in &document.items {
        let text = cleaned(&item.text, LONGEST_SHOWN);
        let said = match &item.answer {
            Some(answer) => match &answer.text {
                Some(text) => format!(" -> answered: {}", cleaned(text, LONGEST_SHOWN)),
                None => " -> skipped".to_owned(),
            },
            None if item.kind == ItemKind::OpenQuestion => " -> open".to_owned(),
            None => String::new(),
        };
        let line = format!("{}: {text}{said}\n", item.kind.name());
        if out.len() + line.len() > LARGEST_BEFORE_BYTES {
            break;
        }
        out.push_str(&line);
    }
    out
}
