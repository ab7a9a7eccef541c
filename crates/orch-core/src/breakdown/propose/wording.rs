//! Texts of requirements on one line, as titles and descriptions quote them.

use super::super::model::Criterion;
use crate::requirements::Requirement;
use crate::seen::seen;

/// The most of a requirement's text that a title shows.
pub const MOST_OF_TITLE: usize = 160;
/// The most of it that a description or a criterion shows.
const MOST_OF_TEXT: usize = 1_000;
/// With more requirements than this, a description names their ids alone.
const MOST_QUOTED: usize = 20;

/// Text on one line without what cannot be seen, cut after `most` characters.
pub fn one_line(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut count = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let mut gap = !out.is_empty();
        for c in seen(word) {
            if std::mem::take(&mut gap) {
                out.push(' ');
                count += 1;
            }
            if count >= most {
                out.push('…');
                return out;
            }
            out.push(c);
            count += 1;
        }
    }
    out
}

/// The title of a requirement's text, with what is done about it.
pub fn title(verb: &str, text: &str) -> String {
    format!("{verb}: {}", one_line(text, MOST_OF_TITLE))
}

/// What is to be done, and the requirements that ask for it, quoted.
pub fn description(what: &str, items: &[&Requirement]) -> String {
    let mut out = String::from(what);
    out.push_str("\n\nThe requirements that this serves:\n");
    if items.len() > MOST_QUOTED {
        let ids: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
        out.push_str(&ids.join(", "));
        out.push('\n');
        return out;
    }
    for item in items {
        out.push_str(&format!(
            "- {}: “{}”\n",
            item.id,
            one_line(&item.text, MOST_OF_TEXT)
        ));
    }
    out
}

/// A claim that nothing but a person, or a model, can judge.
pub fn statement(text: impl Into<String>) -> Criterion {
    Criterion {
        text: text.into(),
        command: None,
    }
}

/// For each requirement that it holds.
pub fn holds(items: &[&Requirement]) -> Vec<Criterion> {
    let quoted = items.iter().take(MOST_QUOTED);
    quoted
        .map(|item| {
            statement(format!(
                "{} holds: {}",
                item.id,
                one_line(&item.text, MOST_OF_TEXT)
            ))
        })
        .collect()
}

/// What is done for other texts is brought in line with those of now; `done` says what is, such as `T-3 is done`.
pub fn changed_description(done: &str, items: &[&Requirement]) -> String {
    let what = format!(
        "{done}, for what these requirements said before. Build on it, so that they hold as they read now."
    );
    description(&what, items)
}

/// What is done for others is done for these as well.
pub fn anew_description(done: &str, items: &[&Requirement]) -> String {
    let what = format!(
        "{done} is done, before these requirements were asked for. Do for them what was done there for the others, and \
         see that what is there still holds."
    );
    description(&what, items)
}
