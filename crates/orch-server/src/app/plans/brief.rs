//! What a work item is told of the task that it does: title, description, and hashes by which a later
//! version of the plan sees whether it says something else.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use orch_core::breakdown::{Breakdown, Criterion, Task};
use orch_core::digest::Digest;
use orch_core::engine::NewWorkItem;
use orch_core::ids::ProjectId;
use orch_core::requirements::Requirement;
use orch_core::work_item::{LONGEST_DESCRIPTION, LONGEST_TITLE, Policy};

/// What the items of a plan are told.
pub(super) struct Briefing<'a> {
    stories: BTreeMap<&'a str, &'a orch_core::breakdown::Story>,
    epics: BTreeMap<&'a str, &'a str>,
    requirements: BTreeMap<&'a str, &'a str>,
}

/// What one item is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Brief {
    pub title: String,
    pub description: String,
    /// A hash of all of it.
    pub wording: String,
    /// A hash of it without what changes nothing of the work.
    pub work: String,
}

impl<'a> Briefing<'a> {
    pub fn of(breakdown: &'a Breakdown, requirements: &'a [Requirement]) -> Self {
        Self {
            stories: breakdown
                .stories
                .iter()
                .map(|story| (story.id.as_str(), story))
                .collect(),
            epics: breakdown
                .epics
                .iter()
                .map(|epic| (epic.id.as_str(), epic.title.as_str()))
                .collect(),
            requirements: requirements
                .iter()
                .map(|item| (item.id.as_str(), item.text.as_str()))
                .collect(),
        }
    }

    pub fn brief(&self, task: &Task) -> Brief {
        let title = title(task);
        let mut description = self.description(task);
        let kind = task.kind.as_str();
        let work = hash(&[&title, kind, &description]);
        let estimate = &task.estimate;
        let _ = writeln!(
            description,
            "Estimate: {} to {} minutes, most likely {}",
            estimate.low_minutes, estimate.high_minutes, estimate.likely_minutes
        );
        shorten(&mut description, LONGEST_DESCRIPTION);
        let wording = hash(&[&title, kind, &description]);
        Brief {
            title,
            description,
            wording,
            work,
        }
    }

    fn description(&self, task: &Task) -> String {
        let mut text = String::new();
        let mut add = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        if !task.description.trim().is_empty() {
            add(format!("{}\n", task.description.trim()));
        }
        let story = self.stories.get(task.story.as_str());
        if let Some(story) = story {
            add(format!("Story {}: {}", story.id, line(&story.title)));
            if let Some(epic) = self.epics.get(story.epic.as_str()) {
                add(format!("Part of {}: {}", story.epic, line(epic)));
            }
        }
        if !task.requirements.is_empty() {
            add("\nRequirements:".to_owned());
            for id in &task.requirements {
                match self.requirements.get(id.as_str()) {
                    Some(said) => add(format!("- {id}: {}", line(said))),
                    None => add(format!("- {id}")),
                }
            }
        }
        let of_story = story.map(|story| story.acceptance.as_slice());
        for (head, criteria) in [
            ("\nDone when:", task.acceptance.as_slice()),
            ("\nThe story is done when:", of_story.unwrap_or_default()),
        ] {
            if !criteria.is_empty() {
                add(head.to_owned());
                for criterion in criteria {
                    add(criterion_lines(criterion));
                }
            }
        }
        add(String::new());
        add(format!("Task of the plan: {}", task.id));
        for (name, values) in [
            ("Role", std::slice::from_ref(&task.role)),
            ("Capabilities", task.capabilities.as_slice()),
            ("Tools", task.tools.as_slice()),
        ] {
            let said: Vec<String> = values.iter().map(|value| line(value)).collect();
            let said = said.join(", ");
            if !said.is_empty() {
                add(format!("{name}: {said}"));
            }
        }
        text
    }
}

/// The item that a task becomes.
pub(super) fn new_item(project_id: ProjectId, task: &Task, brief: &Brief) -> NewWorkItem {
    NewWorkItem {
        project_id,
        title: brief.title.clone(),
        description: brief.description.clone(),
        kind: task.kind,
        environment: None,
        policy: Policy::default(),
        concurrency_key: None,
        reference: None,
    }
}

fn criterion_lines(criterion: &Criterion) -> String {
    let text = line(&criterion.text);
    match &criterion.command {
        Some(command) => format!("- {text}\n    $ {}", commands(command)),
        None => format!("- {text}"),
    }
}

/// A command as it runs, each line of it indented: who approves the item reads what will run.
fn commands(command: &str) -> String {
    let kept = |c: &char| !c.is_control() || *c == '\t';
    let lines = command.trim_end().lines();
    let lines: Vec<String> = lines
        .map(|line| line.chars().filter(kept).collect())
        .collect();
    lines.join("\n      ")
}

/// One line that an item may have as its title; its id where nothing is left.
fn title(task: &Task) -> String {
    let said = line(&task.title);
    if said.is_empty() {
        return task.id.clone();
    }
    match said.char_indices().nth(LONGEST_TITLE - 1) {
        Some((end, last)) if end + last.len_utf8() < said.len() => {
            format!("{}…", said[..end].trim_end())
        }
        Some(_) | None => said,
    }
}

/// A text on one line, without control characters.
fn line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

/// Cuts a text to so many bytes.
fn shorten(text: &mut String, most: usize) {
    if text.len() > most {
        let mut end = most - '…'.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
}

fn hash(parts: &[&str]) -> String {
    let fields: Vec<Option<&[u8]>> = parts.iter().map(|part| Some(part.as_bytes())).collect();
    Digest::of("orch/plan-item/v1", &fields).to_hex()
}
