//! Writes a document as Markdown. Text of the vision is data here: it can never become a heading, a
//! list, a link or HTML of the document.

use std::fmt::Write;

use super::super::item::ItemKind;
use super::model::{ArchitectureOption, Document, Requirement};
use crate::seen::seen;

/// Longer texts and citations are cut in the Markdown (never in the items), so that a hostile vision of
/// one endless sentence cannot multiply itself.
const MAX_SHOWN_CHARS: usize = 1_000;

/// The title of every document.
const TITLE: &str = "Proposed Requirements";

impl Document {
    /// Renders the document: a title, a section for each kind of item, under every item the sentence it
    /// cites, then the architectures, the cut of the first version, and what is contradictory or vague.
    /// Carries no positions, so that an edit changes the lines of its own items alone.
    pub fn markdown(&self) -> String {
        let mut out = format!("# {TITLE}\n");
        if self.items.is_empty() {
            out.push_str("\nThe vision names no requirements.\n");
            return out;
        }
        for kind in ItemKind::ALL {
            let mut items = self
                .items
                .iter()
                .filter(|item| item.kind == kind)
                .peekable();
            if items.peek().is_none() {
                continue;
            }
            write_line(&mut out, format_args!("\n## {}\n", kind.section()));
            for item in items {
                write_item(&mut out, item);
            }
        }
        self.write_options(&mut out);
        self.write_mvp(&mut out);
        self.write_findings(&mut out);
        out
    }

    fn write_options(&self, out: &mut String) {
        if self.options.is_empty() {
            return;
        }
        out.push_str("\n## Architecture options\n");
        for option in &self.options {
            let chosen = match &self.chosen_option {
                Some(name) if name == &option.name => " (chosen)",
                Some(_) | None => "",
            };
            write_line(
                out,
                format_args!("\n### {}{chosen}\n", escaped(&option.title)),
            );
            write_option(out, option);
        }
    }

    fn write_mvp(&self, out: &mut String) {
        let in_first = |included: bool| {
            self.items
                .iter()
                .filter_map(move |item| Some((item, item.mvp.as_ref()?)))
                .filter(move |(_, mvp)| mvp.included == included)
        };
        if in_first(true).next().is_none() && in_first(false).next().is_none() {
            return;
        }
        out.push_str("\n## First version\n\n");
        for (lead, included) in [("In", true), ("Later", false)] {
            for (item, mvp) in in_first(included) {
                write_line(
                    out,
                    format_args!("- {lead}: `{}`, because {}", item.id, escaped(&mvp.reason)),
                );
            }
        }
    }

    fn write_findings(&self, out: &mut String) {
        if self.findings.is_empty() {
            return;
        }
        out.push_str("\n## Contradictions and vague words\n\n");
        for finding in &self.findings {
            let state = match (finding.resolved, &finding.question) {
                (true, _) => " (settled)".to_owned(),
                (false, Some(question)) => format!(" (see `{question}`)"),
                (false, None) => String::new(),
            };
            write_line(
                out,
                format_args!(
                    "- {}: {}{state}",
                    finding.kind.name(),
                    escaped(&finding.message)
                ),
            );
        }
    }
}

fn write_item(out: &mut String, item: &Requirement) {
    write_line(out, format_args!("- `{}` {}", item.id, escaped(&item.text)));
    if item.is_only_of_model() {
        write_line(
            out,
            format_args!("  - said by a model; no sentence says it"),
        );
    }
    if !item.source.sentence.is_empty() {
        let place = match &item.source.attachment {
            Some(name) => format!(" ({})", escaped(name)),
            None => String::new(),
        };
        write_line(
            out,
            format_args!("  > “{}”{place}", escaped(&item.source.sentence)),
        );
    }
    if let Some(answer) = &item.answer {
        let said = match &answer.text {
            Some(text) => format!("answered by {}: {}", escaped(&answer.by), escaped(text)),
            None => format!("skipped by {}", escaped(&answer.by)),
        };
        write_line(out, format_args!("  - {said}"));
    }
}

fn write_option(out: &mut String, option: &ArchitectureOption) {
    write_line(out, format_args!("{}\n", escaped(&option.summary)));
    for strength in &option.strengths {
        write_line(out, format_args!("- for it: {}", escaped(strength)));
    }
    for trade_off in &option.trade_offs {
        write_line(out, format_args!("- against it: {}", escaped(trade_off)));
    }
    if option.by_model {
        write_line(out, format_args!("- proposed by a model"));
    }
    if option.rests_on.is_empty() {
        return;
    }
    let words: Vec<String> = option
        .rests_on
        .iter()
        .map(|support| format!("“{}” (`{}`)", escaped(&support.word), support.item))
        .collect();
    write_line(out, format_args!("- it rests on {}", words.join(", ")));
}

fn write_line(out: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(out, "{line}").expect("invariant: writing to a String cannot fail");
}

/// One line of Markdown that reads as exactly this text.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(4 * MAX_SHOWN_CHARS));
    let mut gap = false;
    for (shown, c) in seen(text).enumerate() {
        if shown == MAX_SHOWN_CHARS {
            out.push('…');
            break;
        }
        if c.is_whitespace() || c.is_control() {
            gap = true;
            continue;
        }
        if gap && !out.is_empty() {
            out.push(' ');
        }
        gap = false;
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '|' => {
                out.push('\\');
                out.push(c);
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{MAX_SHOWN_CHARS, escaped};

    #[test]
    fn markup_reads_as_text() {
        assert_eq!(
            escaped("<b>\n# x\r\n[a](b) `c` &amp; \u{202e}d\u{0007}"),
            "&lt;b&gt; # x \\[a\\](b) \\`c\\` &amp;amp; d"
        );
    }

    #[test]
    fn endless_text_is_cut_with_an_ellipsis() {
        let shown = escaped(&"x".repeat(5_000));
        assert_eq!(shown.chars().count(), MAX_SHOWN_CHARS + 1);
        assert!(shown.ends_with('…'));
    }
}
