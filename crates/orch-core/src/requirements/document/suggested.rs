//! What a model answers when it is asked for a document. It is untrusted text: nothing of it is an
//! instruction, an id or a decision, and all of it is cleaned and bounded before it becomes an item.

use serde::{Deserialize, Serialize};

use super::super::item::ItemKind;
use super::edit::LONGEST_TEXT;
use super::model::Priority;
use crate::seen::seen;

/// Items that are taken; more are left out, and their sentences are then not covered.
pub const MOST_ITEMS: usize = 1_000;
/// Questions about contradictions and about vague words that are taken, each.
pub const MOST_QUESTIONS: usize = 200;
/// Architectures that are taken.
pub const MOST_OPTIONS: usize = 3;
/// Points for or against an architecture, and words that it rests on.
pub const MOST_POINTS: usize = 8;
/// Characters of a point, a name or a reason.
pub const LONGEST_POINT: usize = 500;

/// A document as a model proposes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Suggested {
    pub items: Vec<SuggestedItem>,
    pub options: Vec<SuggestedOption>,
    pub contradictions: Vec<SuggestedContradiction>,
    pub vague: Vec<SuggestedVagueness>,
}

/// An item: a need, a limit, a risk, a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuggestedItem {
    pub kind: ItemKind,
    pub text: String,
    #[serde(default)]
    pub priority: Priority,
    /// Whether the first version has it.
    #[serde(default)]
    pub mvp: Option<SuggestedMvp>,
    #[serde(default)]
    pub cites: SuggestedCite,
}

/// A cut of the first version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuggestedMvp {
    pub included: bool,
    #[serde(default)]
    pub reason: String,
}

/// The sentence that something is said to rest on; both are empty where it rests on none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SuggestedCite {
    pub sentence: String,
    /// The file that it stands in; empty for the vision itself.
    pub attachment: String,
}

/// A way to build it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SuggestedOption {
    pub name: String,
    pub summary: String,
    pub strengths: Vec<String>,
    pub trade_offs: Vec<String>,
    pub rests_on: Vec<SuggestedCite>,
}

/// Sentences that do not go together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SuggestedContradiction {
    pub question: String,
    pub between: Vec<SuggestedCite>,
}

/// A word that can only be checked with a number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SuggestedVagueness {
    pub word: String,
    pub question: String,
    pub cites: SuggestedCite,
}

/// One line of plain text of at most `most` characters.
pub fn cleaned(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    for word in words.filter(|word| !word.is_empty()) {
        if length > 0 && length < most {
            out.push(' ');
            length += 1;
        }
        for c in seen(word) {
            if length >= most {
                out.pop();
                out.push('…');
                return out;
            }
            out.push(c);
            length += 1;
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// The text of an item.
pub fn text_of(text: &str) -> String {
    cleaned(text, LONGEST_TEXT)
}

/// A point, a name or a reason.
pub fn point(text: &str) -> String {
    cleaned(text, LONGEST_POINT)
}

/// A name for machines: small letters, digits and hyphens.
pub fn slug(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars().take(LONGEST_POINT) {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9') if out.len() < 48 => out.push(c),
            _ if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            _ => {}
        }
    }
    out.truncate(out.trim_end_matches('-').len());
    match out.is_empty() {
        true => "option".to_owned(),
        false => out,
    }
}

#[cfg(test)]
mod tests {
    use super::{cleaned, slug};

    #[test]
    fn text_is_one_bounded_line_without_hidden_marks() {
        assert_eq!(cleaned(" a\n\tb\u{202e}c \u{7}", 10), "a bc");
        assert_eq!(cleaned("abcdef", 6), "abcdef");
        assert_eq!(cleaned("abcdefg", 6), "abcde…");
        assert_eq!(cleaned("\u{202e}", 6), "");
    }

    #[test]
    fn a_name_is_fit_for_a_command_line() {
        assert_eq!(slug("Modular monolith (Rust)"), "modular-monolith-rust");
        assert_eq!(slug("--- ; rm"), "rm");
        assert_eq!(slug("店"), "option");
    }
}
