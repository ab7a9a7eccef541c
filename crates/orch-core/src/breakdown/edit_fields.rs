//! What the fields of an edit may hold. Each answers the value as it is kept, or the field and what is
//! wrong with it.

use std::collections::HashSet;

use super::model::{
    Criterion, Estimate, LONGEST_ESTIMATE_MINUTES, LONGEST_TEXT, LONGEST_TITLE, MOST_CRITERIA,
    MOST_NAMES, ROLES,
};
use crate::seen::{is_unseen, seen, shows_nothing};
use crate::work_item::check_title;

/// A field, and what is wrong with it.
pub type Fault = (&'static str, String);

pub fn missing(field: &'static str, what: &str, id: &str) -> Fault {
    (field, format!("there is no {what} {id:?} in this version"))
}

pub fn room(field: &'static str, count: usize, most: usize) -> Result<(), Fault> {
    match count < most {
        true => Ok(()),
        false => Err((field, format!("there are {count}, and no more fit"))),
    }
}

pub fn title_of(title: &str) -> Result<String, Fault> {
    let title: String = seen(title).collect();
    let seen = match shows_nothing(&title) && !title.contains(char::is_control) {
        true => "",
        false => title.as_str(),
    };
    check_title(seen).map_err(|message| {
        (
            "title",
            format!("{message} (expected one line of at most {LONGEST_TITLE} characters)"),
        )
    })
}

pub fn text(field: &'static str, text: &str) -> Result<String, Fault> {
    let length = text.chars().count();
    match length <= LONGEST_TEXT {
        true => Ok(seen(text.trim()).collect()),
        false => Err((
            field,
            format!("has {length} characters; at most {LONGEST_TEXT} fit"),
        )),
    }
}

pub fn role_of(role: &str) -> Result<String, Fault> {
    match ROLES.contains(&role) {
        true => Ok(role.to_owned()),
        false => Err((
            "role",
            format!(
                "there is no role {role:?}; expected one of {}",
                ROLES.join(", ")
            ),
        )),
    }
}

pub fn sound(estimate: Estimate) -> Result<Estimate, Fault> {
    match estimate.is_sound() {
        true => Ok(estimate),
        false => Err((
            "estimate",
            format!(
                "got {}, {} and {} minutes; expected 1 <= low <= likely <= high <= {LONGEST_ESTIMATE_MINUTES}",
                estimate.low_minutes, estimate.likely_minutes, estimate.high_minutes
            ),
        )),
    }
}

/// Names of tools and capabilities: short words.
pub fn names(field: &'static str, names: &[String]) -> Result<Vec<String>, Fault> {
    ids(field, names, MOST_NAMES)
}

/// Words of at most a hundred characters, each once, in their order.
pub fn ids(field: &'static str, words: &[String], most: usize) -> Result<Vec<String>, Fault> {
    if words.len() > most {
        return Err((
            field,
            format!("has {} entries; at most {most} fit", words.len()),
        ));
    }
    let mut seen = HashSet::new();
    let mut found = Vec::with_capacity(words.len());
    for word in words {
        let bad = |c: char| c.is_whitespace() || c.is_control();
        if word.is_empty() || word.chars().count() > 100 || word.contains(bad) {
            return Err((
                field,
                format!("{word:?} is no name; expected 1 to 100 characters without spaces"),
            ));
        }
        if seen.insert(word) {
            found.push(word.clone());
        }
    }
    Ok(found)
}

/// A command is run as it is read: one line, in which nothing is hidden.
fn command(command: &str) -> Result<String, Fault> {
    if !is_plain(command) {
        return Err((
            "acceptance",
            format!(
                "the command {command:?} has characters that are not seen; expected one line whose blanks are spaces, \
                 without control, direction and zero-width characters"
            ),
        ));
    }
    text("acceptance", command)
}

/// Whether a shell reads a command as a person does: nothing is hidden, and each blank is a space.
pub fn is_plain(command: &str) -> bool {
    let misleads = |c: char| is_unseen(c) || (c.is_whitespace() && c != ' ');
    !command.trim().contains(misleads)
}

pub fn criteria(criteria: &[Criterion]) -> Result<Vec<Criterion>, Fault> {
    if criteria.len() > MOST_CRITERIA {
        return Err((
            "acceptance",
            format!(
                "has {} criteria; at most {MOST_CRITERIA} fit",
                criteria.len()
            ),
        ));
    }
    let mut found = Vec::with_capacity(criteria.len());
    for criterion in criteria {
        let criterion = Criterion {
            text: text("acceptance", &criterion.text)?,
            command: criterion.command.as_deref().map(command).transpose()?,
        };
        if criterion.text.is_empty() || criterion.command.as_deref() == Some("") {
            return Err((
                "acceptance",
                "a criterion says nothing; expected a text, and a command that is not empty or none"
                    .to_owned(),
            ));
        }
        found.push(criterion);
    }
    Ok(found)
}
