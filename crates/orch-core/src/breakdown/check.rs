//! The faults of a plan: what is not there, what nothing serves, cycles with their path, and what is
//! beyond its bounds. Some forbid an approval, others only want to be seen.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::model::{
    Breakdown, Criterion, Estimate, Finished, LONGEST_ESTIMATE_MINUTES, LONGEST_TEXT,
    LONGEST_TITLE, MOST_CRITERIA, MOST_DEPENDENCIES, MOST_EPICS, MOST_NAMES, MOST_REQUIREMENTS,
    MOST_STORIES, MOST_TASKS, ROLES,
};
use super::serving::asks;
use super::standing::{Standing, standing};
use super::texts::Texts;
use crate::requirements::{Priority, Requirement};

/// Something that is wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// Tasks of which each waits for the next, and the last for the first.
    Cycle { path: Vec<String> },
    /// A task waits for one that is not there.
    UnknownTask { task: String, wanted: String },
    /// A task names a story, or a story an epic, that is not there.
    UnknownParent { id: String, wanted: String },
    /// A task cites a requirement that is not there.
    UnknownRequirement { task: String, requirement: String },
    /// A task has a role that nobody knows.
    UnknownRole { task: String, role: String },
    /// A demanded requirement that no task serves.
    Unserved {
        requirement: String,
        priority: Priority,
    },
    /// A task that serves no requirement.
    ServesNothing { task: String },
    /// An estimate that is out of order or out of bounds.
    Estimate { task: String, estimate: Estimate },
    /// An id that is given twice.
    Duplicate { id: String },
    /// A text that is empty or too long.
    Text { id: String, field: String },
    /// A list that is too long.
    TooMany {
        /// The id of what has it; empty for the plan itself.
        id: String,
        what: String,
        count: usize,
        most: usize,
    },
}

impl Fault {
    /// Its kind on the wire, for example `unknown_task`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Cycle { .. } => "cycle",
            Self::UnknownTask { .. } => "unknown_task",
            Self::UnknownParent { .. } => "unknown_parent",
            Self::UnknownRequirement { .. } => "unknown_requirement",
            Self::UnknownRole { .. } => "unknown_role",
            Self::Unserved { .. } => "unserved",
            Self::ServesNothing { .. } => "serves_nothing",
            Self::Estimate { .. } => "estimate",
            Self::Duplicate { .. } => "duplicate",
            Self::Text { .. } => "text",
            Self::TooMany { .. } => "too_many",
        }
    }

    /// Whether it forbids an approval. A requirement that is only wanted (priority should) may be left
    /// unserved, and a person may plan work that serves nothing; both are said.
    pub const fn is_blocking(&self) -> bool {
        match self {
            Self::Unserved { priority, .. } => matches!(priority, Priority::Must),
            Self::ServesNothing { .. } => false,
            Self::Cycle { .. }
            | Self::UnknownTask { .. }
            | Self::UnknownParent { .. }
            | Self::UnknownRequirement { .. }
            | Self::UnknownRole { .. }
            | Self::Estimate { .. }
            | Self::Duplicate { .. }
            | Self::Text { .. }
            | Self::TooMany { .. } => true,
        }
    }

    /// What is wrong, and what is expected.
    pub fn message(&self) -> String {
        match self {
            Self::Cycle { path } => {
                let first = path.first().map_or("", String::as_str);
                format!(
                    "tasks wait for each other: {} → {first}; remove one of these dependencies",
                    path.join(" → ")
                )
            }
            Self::UnknownTask { task, wanted } => {
                format!("{task} waits for {wanted}, which is not in the plan")
            }
            Self::UnknownParent { id, wanted } => {
                format!("{id} belongs to {wanted:?}, which is not in the plan")
            }
            Self::UnknownRequirement { task, requirement } => {
                format!("{task} serves {requirement}, which is not among the requirements")
            }
            Self::UnknownRole { task, role } => format!(
                "{task} has the role {role:?}; expected one of {}",
                ROLES.join(", ")
            ),
            Self::Unserved {
                requirement,
                priority,
            } => format!(
                "no task serves {requirement} (priority {})",
                priority.name()
            ),
            Self::ServesNothing { task } => format!("{task} serves no requirement"),
            Self::Estimate { task, estimate } => format!(
                "{task} is estimated at {}, {} and {} minutes; expected 1 <= low <= likely <= high <= \
                 {LONGEST_ESTIMATE_MINUTES}",
                estimate.low_minutes, estimate.likely_minutes, estimate.high_minutes
            ),
            Self::Duplicate { id } => format!("the id {id} is given twice"),
            Self::Text { id, field } => format!(
                "{field} of {id} is empty or too long; at most {LONGEST_TITLE} characters fit in a title and \
                 {LONGEST_TEXT} in a text"
            ),
            Self::TooMany {
                id,
                what,
                count,
                most,
            } => {
                let of = if id.is_empty() { "the plan" } else { id };
                format!("{of} has {count} {what}; at most {most} fit")
            }
        }
    }
}

impl Breakdown {
    /// Every fault of the plan for the requirements `items`.
    pub fn check(&self, items: &[Requirement]) -> Vec<Fault> {
        self.check_with(items, &Finished::default())
    }

    /// The same where some work is done: a task that is finished may have served a requirement that is
    /// gone by now.
    pub fn check_with(&self, items: &[Requirement], done: &Finished) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.check_sizes(&mut faults);
        self.check_ids(&mut faults);
        self.check_parents(&mut faults);
        self.check_tasks(&mut faults);
        self.check_requirements(items, done, &mut faults);
        faults.extend(self.ordered().err());
        faults
    }

    fn check_sizes(&self, faults: &mut Vec<Fault>) {
        let mut most = |id: &str, what: &str, count: usize, most: usize| {
            if count > most {
                faults.push(Fault::TooMany {
                    id: id.to_owned(),
                    what: what.to_owned(),
                    count,
                    most,
                });
            }
        };
        most("", "epics", self.epics.len(), MOST_EPICS);
        most("", "stories", self.stories.len(), MOST_STORIES);
        most("", "tasks", self.tasks.len(), MOST_TASKS);
        for epic in &self.epics {
            let cited = epic.requirements.len();
            most(&epic.id, "requirements", cited, MOST_ITEMS_OF_EPIC);
        }
        for story in &self.stories {
            let cited = story.requirements.len();
            most(&story.id, "requirements", cited, MOST_REQUIREMENTS);
            most(&story.id, "criteria", story.acceptance.len(), MOST_CRITERIA);
        }
        for task in &self.tasks {
            for (what, count, at_most) in [
                ("requirements", task.requirements.len(), MOST_REQUIREMENTS),
                ("criteria", task.acceptance.len(), MOST_CRITERIA),
                ("dependencies", task.depends_on.len(), MOST_DEPENDENCIES),
                ("tools", task.tools.len(), MOST_NAMES),
                ("capabilities", task.capabilities.len(), MOST_NAMES),
            ] {
                most(&task.id, what, count, at_most);
            }
        }
    }

    fn check_ids(&self, faults: &mut Vec<Fault>) {
        let mut seen = HashSet::new();
        let epics = self.epics.iter().map(|epic| &epic.id);
        let stories = self.stories.iter().map(|story| &story.id);
        let tasks = self.tasks.iter().map(|task| &task.id);
        for id in epics.chain(stories).chain(tasks) {
            if !seen.insert(id) {
                faults.push(Fault::Duplicate { id: id.clone() });
            }
        }
    }

    fn check_parents(&self, faults: &mut Vec<Fault>) {
        let epics: HashSet<&str> = self.epics.iter().map(|epic| epic.id.as_str()).collect();
        let stories: HashSet<&str> = self.stories.iter().map(|story| story.id.as_str()).collect();
        for story in &self.stories {
            if !epics.contains(story.epic.as_str()) {
                faults.push(Fault::UnknownParent {
                    id: story.id.clone(),
                    wanted: story.epic.clone(),
                });
            }
        }
        for task in &self.tasks {
            if !stories.contains(task.story.as_str()) {
                faults.push(Fault::UnknownParent {
                    id: task.id.clone(),
                    wanted: task.story.clone(),
                });
            }
        }
    }

    fn check_tasks(&self, faults: &mut Vec<Fault>) {
        let known: HashSet<&str> = self.tasks.iter().map(|task| task.id.as_str()).collect();
        let titles = self.epics.iter().map(|epic| (&epic.id, &epic.title));
        let titles = titles.chain(self.stories.iter().map(|story| (&story.id, &story.title)));
        for (id, title) in titles.chain(self.tasks.iter().map(|task| (&task.id, &task.title))) {
            if title.trim().is_empty() || is_longer(title, LONGEST_TITLE) {
                faults.push(text(id, "title"));
            }
        }
        for task in &self.tasks {
            if is_longer(&task.description, LONGEST_TEXT) {
                faults.push(text(&task.id, "description"));
            }
            let bad = |criterion: &Criterion| {
                let command = criterion.command.as_deref().unwrap_or("-");
                [criterion.text.as_str(), command]
                    .iter()
                    .any(|text| text.trim().is_empty() || is_longer(text, LONGEST_TEXT))
            };
            if task.acceptance.iter().any(bad) {
                faults.push(text(&task.id, "acceptance"));
            }
            if !ROLES.contains(&task.role.as_str()) {
                faults.push(Fault::UnknownRole {
                    task: task.id.clone(),
                    role: task.role.clone(),
                });
            }
            if !task.estimate.is_sound() {
                faults.push(Fault::Estimate {
                    task: task.id.clone(),
                    estimate: task.estimate,
                });
            }
            for wanted in &task.depends_on {
                if !known.contains(wanted.as_str()) {
                    faults.push(Fault::UnknownTask {
                        task: task.id.clone(),
                        wanted: wanted.clone(),
                    });
                }
            }
        }
    }

    fn check_requirements(&self, items: &[Requirement], done: &Finished, faults: &mut Vec<Fault>) {
        let texts = Texts::of(items);
        let asks = asks(items);
        let mut served: HashSet<&str> = HashSet::new();
        for task in &self.tasks {
            let is_done = done.contains(&task.id);
            if task.requirements.is_empty() && !is_done {
                faults.push(Fault::ServesNothing {
                    task: task.id.clone(),
                });
            }
            for requirement in &task.requirements {
                let asked = asks.get(requirement.as_str());
                // What was done for another text does not serve this one.
                let is_now = !is_done || !self.is_outdated(&task.id, requirement, &texts);
                if is_now && asked.is_some_and(|asked| self.serves(task, *asked)) {
                    served.insert(requirement);
                }
                if asked.is_none() && !is_done {
                    faults.push(Fault::UnknownRequirement {
                        task: task.id.clone(),
                        requirement: requirement.clone(),
                    });
                }
            }
        }
        for item in items {
            match standing(item) {
                Standing::Demanded if !served.contains(item.id.as_str()) => {
                    faults.push(Fault::Unserved {
                        requirement: item.id.clone(),
                        priority: item.priority,
                    });
                }
                Standing::Demanded | Standing::Later { .. } | Standing::NoWork => {}
            }
        }
    }
}

/// An epic may hold all that is asked for.
const MOST_ITEMS_OF_EPIC: usize = 20_000;

fn text(id: &str, field: &str) -> Fault {
    Fault::Text {
        id: id.to_owned(),
        field: field.to_owned(),
    }
}

/// Counts no further than it has to.
fn is_longer(text: &str, most: usize) -> bool {
    text.len() > most && text.chars().nth(most).is_some()
}
