//! Writes a draft as Markdown. Text of the vision is data here: it can never become a heading, a list,
//! a link or HTML of the draft.

use std::fmt::Write;

use super::item::{Draft, ItemKind};

/// Longer texts and citations are cut in the Markdown (never in the items), so that a hostile vision of
/// one endless sentence cannot multiply itself.
const MAX_SHOWN_CHARS: usize = 1_000;

impl Draft {
    /// Renders the draft: a title, a section for each kind the vision names, and under every item the
    /// sentence it cites. Carries no positions, so that an edit changes the lines of its own items alone.
    pub fn markdown(&self) -> String {
        let mut out = format!("# {}\n", escaped(&self.title));
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
                write_line(
                    &mut out,
                    format_args!("- `{}` {}", item.id, escaped(&item.text)),
                );
                write_line(
                    &mut out,
                    format_args!("  > “{}”", escaped(&item.source.sentence)),
                );
            }
        }
        out
    }
}

fn write_line(out: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(out, "{line}").expect("invariant: writing to a String cannot fail");
}

/// One line of Markdown that reads as exactly this text.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(4 * MAX_SHOWN_CHARS));
    let mut gap = false;
    for (shown, c) in text.chars().enumerate() {
        if shown == MAX_SHOWN_CHARS {
            out.push('…');
            break;
        }
        if c.is_whitespace() || c.is_control() {
            gap = true;
            continue;
        }
        if is_invisible_direction(c) {
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

/// Direction overrides make text read differently from what it says.
pub fn is_invisible_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::{MAX_SHOWN_CHARS, escaped};
    use crate::requirements::{Draft, propose};

    #[test]
    fn draft_groups_items_by_kind_and_cites_each_sentence() {
        let draft = propose("Must run offline. Build a *tiny* atlas.");
        let [rule, goal] = &draft.items[..] else {
            panic!("two items expected: {draft:#?}");
        };
        assert_eq!(
            draft.markdown(),
            format!(
                "# Proposed Requirements\n\n## Goals\n\n- `{}` Build a \\*tiny\\* atlas\n  > “Build a \\*tiny\\* atlas.”\n\
                 \n## Constraints\n\n- `{}` Must run offline\n  > “Must run offline.”\n",
                goal.id, rule.id
            )
        );
    }

    #[test]
    fn empty_draft_says_so() {
        let draft = Draft {
            title: "Proposed Requirements".into(),
            items: vec![],
        };
        assert_eq!(
            draft.markdown(),
            "# Proposed Requirements\n\nThe vision names no requirements.\n"
        );
    }

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
