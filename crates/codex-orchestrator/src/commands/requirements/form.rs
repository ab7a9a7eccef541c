//! Requirements as a text that people edit, and the edits that lead there.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use orch_api::types::requirements::{
    RequirementEdit, RequirementEditOp as Op, RequirementItem, Requirements,
};

use crate::output::one_line;

const HELP: &str = "\
# One item on each line: its id, kind, priority, and after the colon its text.
#   Change kind, priority or text. Remove a line to remove its item.
#   Add an item as `+ KIND PRIORITY: TEXT`, for example `+ functional must: Customers can pay by card`.
#   Answer a question on the line below it, behind `>`; `> -` skips it.
# Kinds: goal, functional, scope, out_of_scope, constraint, non_functional, success_criterion, risk, open_question.
# Priorities: must, should, could, wont. Lines that begin with `#` are left out.
";

/// A line that cannot be understood.
#[derive(Debug, PartialEq, Eq)]
pub struct FormFault {
    /// From 1.
    pub line: usize,
    pub message: String,
}

/// The items as text.
pub fn write(version: &Requirements) -> String {
    let mut out = format!(
        "# Requirements {} of project {}.\n{HELP}\n",
        version.id, version.project_id
    );
    for item in &version.items {
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{} {} {}: {}",
            item.id,
            item.kind,
            item.priority,
            one_line(&item.text)
        );
        if item.kind == "open_question" {
            let _ = writeln!(out, "> {}", said(item));
        }
    }
    out
}

/// What the line below a question says: nothing while it is open.
fn said(item: &RequirementItem) -> String {
    match &item.answer {
        None => String::new(),
        Some(answer) => match &answer.text {
            Some(text) => one_line(text),
            None => "-".to_owned(),
        },
    }
}

/// The edits that lead from the version to the text.
pub fn edits(version: &Requirements, text: &str) -> Result<Vec<RequirementEdit>, FormFault> {
    let items: HashMap<&str, &RequirementItem> = version
        .items
        .iter()
        .map(|item| (item.id.as_str(), item))
        .collect();
    let mut edits = Vec::new();
    let mut seen: HashSet<&str> = HashSet::new();
    let mut question: Option<&RequirementItem> = None;
    for (at, line) in text.lines().enumerate() {
        let fault = |message: String| FormFault {
            line: at + 1,
            message,
        };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(answer) = line.strip_prefix('>') {
            let item = question
                .take()
                .ok_or_else(|| fault("answers no question: it must stand below one".to_owned()))?;
            edits.extend(answered(item, answer.trim()));
            continue;
        }
        let (head, body) = line
            .split_once(':')
            .ok_or_else(|| fault("has no colon; expected `R-3 KIND PRIORITY: TEXT`".to_owned()))?;
        let words: Vec<&str> = head.split_whitespace().collect();
        let (id, kind, priority) = match words.as_slice() {
            [id, kind, priority] => (*id, *kind, Some(*priority)),
            ["+", kind] => ("+", *kind, None),
            _ => {
                let message = "does not begin with `R-3 KIND PRIORITY:` or `+ KIND PRIORITY:`";
                return Err(fault(message.to_owned()));
            }
        };
        let body = body.trim();
        if id == "+" {
            question = None;
            edits.push(RequirementEdit {
                kind: Some(kind.to_owned()),
                text: Some(body.to_owned()),
                priority: priority.map(str::to_owned),
                ..RequirementEdit::new(Op::Add)
            });
            continue;
        }
        let item = *items.get(id).ok_or_else(|| {
            fault(format!(
                "names {id}, which is no item of this version; add items with `+`"
            ))
        })?;
        if !seen.insert(&item.id) {
            return Err(fault(format!("names {id} for the second time")));
        }
        question = Some(item).filter(|item| item.kind == "open_question");
        edits.extend(changed(item, kind, priority.unwrap_or_default(), body));
    }
    let gone = version
        .items
        .iter()
        .filter(|item| !seen.contains(item.id.as_str()));
    edits.extend(gone.map(|item| RequirementEdit {
        id: Some(item.id.clone()),
        ..RequirementEdit::new(Op::Remove)
    }));
    Ok(edits)
}

fn answered(item: &RequirementItem, answer: &str) -> Option<RequirementEdit> {
    if answer == said(item) || answer.is_empty() {
        return None;
    }
    let mut edit = RequirementEdit::new(if answer == "-" { Op::Skip } else { Op::Answer });
    edit.id = Some(item.id.clone());
    edit.answer = (answer != "-").then(|| answer.to_owned());
    Some(edit)
}

fn changed(
    item: &RequirementItem,
    kind: &str,
    priority: &str,
    text: &str,
) -> Option<RequirementEdit> {
    let differs = |before: &str, after: &str| (before != after).then(|| after.to_owned());
    let edit = RequirementEdit {
        id: Some(item.id.clone()),
        kind: differs(&item.kind, kind),
        priority: differs(&item.priority, priority),
        text: differs(&one_line(&item.text), text),
        ..RequirementEdit::new(Op::Change)
    };
    (edit.kind.is_some() || edit.priority.is_some() || edit.text.is_some()).then_some(edit)
}
