//! Edits of a plan by a person. All of them hold, or none; each fault is named with the edit.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::added::release_waits;
use super::edit_fields::{
    Fault, criteria, ids, missing, names, role_of, room, sound, text, title_of,
};
use super::graph::Graph;
use super::merge::tidy;
use super::model::{
    Breakdown, Criterion, Epic, Estimate, MOST_DEPENDENCIES, MOST_EPICS, MOST_REQUIREMENTS,
    MOST_STORIES, MOST_TASKS, Origin, Story, Task,
};
use super::own::TaskField;
use super::rewire::{Rewiring, retain_unmarked};
use crate::work_item::Kind;

/// The most edits at once.
pub const MOST_EDITS: usize = 1_000;

/// One edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Edit {
    /// Adds an epic.
    AddEpic { title: String },
    /// Adds a story to an epic.
    AddStory {
        epic: String,
        title: String,
        #[serde(default)]
        requirements: Vec<String>,
    },
    /// Adds a task to a story.
    AddTask {
        story: String,
        title: String,
        #[serde(default = "developer")]
        role: String,
        #[serde(default)]
        description: String,
        #[serde(default)]
        kind: Kind,
        #[serde(default)]
        capabilities: Vec<String>,
        #[serde(default)]
        tools: Vec<String>,
        #[serde(default)]
        requirements: Vec<String>,
        #[serde(default)]
        acceptance: Vec<Criterion>,
        #[serde(default)]
        depends_on: Vec<String>,
        #[serde(default)]
        estimate: Option<Estimate>,
    },
    /// Changes what is given of a task.
    ChangeTask {
        id: String,
        #[serde(default)]
        story: Option<String>,
        #[serde(default)]
        title: Option<String>,
        #[serde(default)]
        description: Option<String>,
        #[serde(default)]
        kind: Option<Kind>,
        #[serde(default)]
        role: Option<String>,
        #[serde(default)]
        capabilities: Option<Vec<String>>,
        #[serde(default)]
        tools: Option<Vec<String>>,
        #[serde(default)]
        requirements: Option<Vec<String>>,
        #[serde(default)]
        acceptance: Option<Vec<Criterion>>,
    },
    /// Removes a task for good; what waited for it waits for what it waited for.
    RemoveTask { id: String },
    /// Makes a task wait for another.
    AddDependency { task: String, on: String },
    /// Makes it wait no more.
    RemoveDependency { task: String, on: String },
    /// Says how long a task takes.
    SetEstimate {
        id: String,
        low_minutes: u32,
        likely_minutes: u32,
        high_minutes: u32,
    },
    /// Names an epic.
    RenameEpic { id: String, title: String },
    /// Names a story.
    RenameStory { id: String, title: String },
}

fn developer() -> String {
    "developer".to_owned()
}

/// An edit that cannot be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditFault {
    /// Which edit, from 0.
    pub at: usize,
    /// Its field.
    pub field: &'static str,
    /// What is wrong, and what is expected.
    pub message: String,
}

/// The plan after `edits`.
///
/// # Errors
/// Every fault: something that is not there, a text or estimate out of bounds, and dependencies that
/// close a cycle (with its path).
pub fn edit(plan: &Breakdown, edits: &[Edit]) -> Result<Breakdown, Vec<EditFault>> {
    if edits.is_empty() || edits.len() > MOST_EDITS {
        return Err(vec![EditFault {
            at: 0,
            field: "op",
            message: format!(
                "there are {} edits; expected 1 to {MOST_EDITS}",
                edits.len()
            ),
        }]);
    }
    let mut desk = Desk::of(plan);
    let mut faults = Vec::new();
    for (at, edit) in edits.iter().enumerate() {
        if let Err((field, message)) = desk.apply(at, edit) {
            faults.push(EditFault { at, field, message });
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let (mut edited, arrows) = desk.done()?;
    let known: HashSet<&String> = plan.tasks.iter().map(|task| &task.id).collect();
    release_waits(&mut edited, |task| !known.contains(&task.id), |_, _| true);
    match Graph::of(&edited.tasks).order() {
        Ok(_) => Ok(edited),
        Err(cycle) => Err(vec![cycle_fault(&edited, &cycle, &arrows)]),
    }
}

/// The last edit that added an arrow of the cycle is the one that closed it.
fn cycle_fault(plan: &Breakdown, cycle: &[usize], arrows: &Arrows) -> EditFault {
    let ids: Vec<&str> = cycle.iter().map(|at| plan.tasks[*at].id.as_str()).collect();
    let nexts = ids.iter().cycle().skip(1);
    let added = ids
        .iter()
        .zip(nexts)
        .filter_map(|(task, on)| arrows.get(&((*task).to_owned(), (*on).to_owned())))
        .max();
    EditFault {
        at: added.copied().unwrap_or(0),
        field: "on",
        message: format!(
            "tasks would wait for each other: {} → {}",
            ids.join(" → "),
            ids.first().copied().unwrap_or_default()
        ),
    }
}

/// Which edit added a dependency.
type Arrows = HashMap<(String, String), usize>;

/// The plan while it is edited: tasks are found by their ids, and removed ones go at the end.
struct Desk {
    plan: Breakdown,
    places: HashMap<String, usize>,
    /// Removed tasks, by place: the edit that did it.
    gone: HashMap<usize, usize>,
    arrows: Arrows,
}

impl Desk {
    fn of(plan: &Breakdown) -> Self {
        let places = super::graph::places(&plan.tasks);
        Self {
            places: places
                .into_iter()
                .map(|(id, at)| (id.to_owned(), at))
                .collect(),
            plan: plan.clone(),
            gone: HashMap::new(),
            arrows: Arrows::new(),
        }
    }

    fn apply(&mut self, at: usize, edit: &Edit) -> Result<(), Fault> {
        match edit {
            Edit::AddEpic { title } => self.add_epic(title),
            Edit::AddStory {
                epic,
                title,
                requirements,
            } => self.add_story(epic, title, requirements),
            Edit::AddTask { .. } => self.add_task(at, edit),
            Edit::ChangeTask { .. } => self.change_task(edit),
            Edit::RemoveTask { id } => {
                let place = self.place("id", id)?;
                self.gone.insert(place, at);
                Ok(())
            }
            Edit::AddDependency { task, on } => self.add_dependency(at, task, on),
            Edit::RemoveDependency { task, on } => self.remove_dependency(task, on),
            Edit::SetEstimate {
                id,
                low_minutes,
                likely_minutes,
                high_minutes,
            } => {
                let place = self.place("id", id)?;
                self.plan.tasks[place].estimate = sound(Estimate {
                    low_minutes: *low_minutes,
                    likely_minutes: *likely_minutes,
                    high_minutes: *high_minutes,
                })?;
                self.plan.take_over(place, &[TaskField::Estimate]);
                Ok(())
            }
            Edit::RenameEpic { id, title } => {
                let title = title_of(title)?;
                let epic = self.plan.epics.iter_mut().find(|epic| &epic.id == id);
                let epic = epic.ok_or_else(|| missing("id", "epic", id))?;
                (epic.title, epic.edited) = (title, true);
                Ok(())
            }
            Edit::RenameStory { id, title } => {
                let title = title_of(title)?;
                let story = self.plan.stories.iter_mut().find(|story| &story.id == id);
                let story = story.ok_or_else(|| missing("id", "story", id))?;
                (story.title, story.edited) = (title, true);
                Ok(())
            }
        }
    }

    fn place(&self, field: &'static str, id: &str) -> Result<usize, Fault> {
        match self.places.get(id) {
            Some(place) if self.gone.contains_key(place) => {
                Err((field, format!("{id} is removed by an edit before this one")))
            }
            Some(place) => Ok(*place),
            None => Err(missing(field, "task", id)),
        }
    }

    fn add_epic(&mut self, title: &str) -> Result<(), Fault> {
        room("epics", self.plan.epics.len(), MOST_EPICS)?;
        let id = format!("E-{}", self.plan.next_epic);
        let title = title_of(title)?;
        self.plan.next_epic += 1;
        self.plan.epics.push(Epic {
            key: format!("person/{id}"),
            id,
            title,
            requirements: Vec::new(),
            edited: true,
        });
        Ok(())
    }

    fn add_story(&mut self, epic: &str, title: &str, requirements: &[String]) -> Result<(), Fault> {
        room("stories", self.plan.stories.len(), MOST_STORIES)?;
        if !self.plan.epics.iter().any(|known| known.id == epic) {
            return Err(missing("epic", "epic", epic));
        }
        let id = format!("S-{}", self.plan.next_story);
        let story = Story {
            epic: epic.to_owned(),
            title: title_of(title)?,
            requirements: ids("requirements", requirements, MOST_REQUIREMENTS)?,
            acceptance: Vec::new(),
            key: format!("person/{id}"),
            id,
            edited: true,
        };
        self.plan.next_story += 1;
        self.plan.stories.push(story);
        Ok(())
    }

    fn add_task(&mut self, at: usize, edit: &Edit) -> Result<(), Fault> {
        let Edit::AddTask {
            story,
            title,
            role,
            description,
            kind,
            capabilities,
            tools,
            requirements,
            acceptance,
            depends_on,
            estimate,
        } = edit
        else {
            return Ok(());
        };
        room("tasks", self.plan.tasks.len() - self.gone.len(), MOST_TASKS)?;
        let mut waits = depends_on.clone();
        waits.sort_unstable();
        waits.dedup();
        for on in &waits {
            self.place("depends_on", on)?;
        }
        room("depends_on", waits.len(), MOST_DEPENDENCIES + 1)?;
        let id = format!("T-{}", self.plan.next_task);
        let task = Task {
            key: format!("person/{id}"),
            id: id.clone(),
            story: self.story(story)?,
            title: title_of(title)?,
            description: text("description", description)?,
            kind: *kind,
            role: role_of(role)?,
            capabilities: names("capabilities", capabilities)?,
            tools: names("tools", tools)?,
            requirements: ids("requirements", requirements, MOST_REQUIREMENTS)?,
            acceptance: criteria(acceptance)?,
            depends_on: waits,
            estimate: sound(estimate.unwrap_or_default())?,
            origin: Origin::Person,
            edited: true,
        };
        for on in &task.depends_on {
            self.arrows.insert((id.clone(), on.clone()), at);
        }
        self.plan.next_task += 1;
        self.places.insert(id, self.plan.tasks.len());
        self.plan.tasks.push(task);
        Ok(())
    }

    fn change_task(&mut self, edit: &Edit) -> Result<(), Fault> {
        let Edit::ChangeTask {
            id,
            story,
            title,
            description,
            kind,
            role,
            capabilities,
            tools,
            requirements,
            acceptance,
        } = edit
        else {
            return Ok(());
        };
        let place = self.place("id", id)?;
        let before = &self.plan.tasks[place];
        let mut task = before.clone();
        if let Some(story) = story {
            task.story = self.story(story)?;
        }
        if let Some(title) = title {
            task.title = title_of(title)?;
        }
        if let Some(description) = description {
            task.description = text("description", description)?;
        }
        task.kind = kind.unwrap_or(task.kind);
        if let Some(role) = role {
            task.role = role_of(role)?;
        }
        if let Some(capabilities) = capabilities {
            task.capabilities = names("capabilities", capabilities)?;
        }
        if let Some(tools) = tools {
            task.tools = names("tools", tools)?;
        }
        if let Some(requirements) = requirements {
            task.requirements = ids("requirements", requirements, MOST_REQUIREMENTS)?;
        }
        if let Some(acceptance) = acceptance {
            task.acceptance = criteria(acceptance)?;
        }
        if task == *before {
            return Err(("op", format!("changes nothing of {id}")));
        }
        let fields = TaskField::ALL.into_iter();
        let set: Vec<TaskField> = fields
            .filter(|field| field.differs(before, &task))
            .collect();
        self.plan.tasks[place] = task;
        self.plan.take_over(place, &set);
        Ok(())
    }

    fn add_dependency(&mut self, at: usize, task: &str, on: &str) -> Result<(), Fault> {
        let place = self.place("task", task)?;
        self.place("on", on)?;
        let found = &mut self.plan.tasks[place];
        if task == on {
            return Err(("on", format!("{task} cannot wait for itself")));
        }
        if found.depends_on.iter().any(|known| known == on) {
            return Err(("on", format!("{task} waits for {on} already")));
        }
        room("on", found.depends_on.len(), MOST_DEPENDENCIES)?;
        found.depends_on.push(on.to_owned());
        self.plan.take_over(place, &[TaskField::DependsOn]);
        self.arrows.insert((task.to_owned(), on.to_owned()), at);
        Ok(())
    }

    fn remove_dependency(&mut self, task: &str, on: &str) -> Result<(), Fault> {
        let place = self.place("task", task)?;
        let found = &mut self.plan.tasks[place];
        let Some(known) = found.depends_on.iter().position(|known| known == on) else {
            return Err(("on", format!("{task} does not wait for {on}")));
        };
        found.depends_on.remove(known);
        self.plan.take_over(place, &[TaskField::DependsOn]);
        Ok(())
    }

    fn story(&self, id: &str) -> Result<String, Fault> {
        match self.plan.stories.iter().any(|story| story.id == id) {
            true => Ok(id.to_owned()),
            false => Err(missing("story", "story", id)),
        }
    }

    /// The plan without what was removed.
    fn done(self) -> Result<(Breakdown, Arrows), Vec<EditFault>> {
        let Self {
            mut plan,
            gone,
            arrows,
            ..
        } = self;
        if gone.is_empty() {
            return Ok((plan, arrows));
        }
        let last = gone.values().copied().max().unwrap_or(0);
        let is_gone: Vec<bool> = (0..plan.tasks.len())
            .map(|at| gone.contains_key(&at))
            .collect();
        let rewired = Rewiring::of(&plan.tasks, &is_gone).waits();
        for (at, waits) in rewired {
            if waits.len() > MOST_DEPENDENCIES {
                return Err(vec![EditFault {
                    at: last,
                    field: "id",
                    message: format!(
                        "{} would wait for {} tasks in place of what is removed; at most {MOST_DEPENDENCIES} \
                         fit, so remove dependencies first",
                        plan.tasks[at].id,
                        waits.len()
                    ),
                }]);
            }
            plan.tasks[at].depends_on = waits;
        }
        for (at, is_gone) in is_gone.iter().enumerate() {
            if *is_gone && !plan.removed.contains(&plan.tasks[at].key) {
                plan.removed.push(plan.tasks[at].key.clone());
            }
        }
        retain_unmarked(&mut plan, &is_gone);
        tidy(&mut plan);
        plan.forget_gone();
        Ok((plan, arrows))
    }
}
