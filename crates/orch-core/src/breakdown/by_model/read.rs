//! From a model's answer to a plan. What cites nothing that is asked for is left out, unknown roles become
//! developer, dependencies that close a cycle are refused, and each of these is noted.

use std::collections::{HashMap, HashSet};

use thiserror::Error;

use crate::seen::shows_nothing;

use super::super::checks::Checks;
use super::super::edit_fields::is_plain;
use super::super::graph::Graph;
use super::super::merge::{merge, next_id, sort_ids};
use super::super::model::{
    Breakdown, Criterion, Epic, Estimate, Finished, LONGEST_ESTIMATE_MINUTES, MOST_CRITERIA,
    MOST_DEPENDENCIES, MOST_NAMES, MOST_REQUIREMENTS, Origin, ROLES, Story, Task,
};
use super::super::propose::{cite, draft};
use super::super::standing::{Standing, standing};
use super::gaps::{Wholes, fill, staying};
use super::keys::Keys;
use super::suggested::{
    SuggestedCriterion, SuggestedEpic, SuggestedEstimate, SuggestedPlan, SuggestedStory,
    SuggestedTask,
};
use crate::requirements::{Document, ItemKind, Requirement, cleaned};
use crate::work_item::Kind;

/// The most epics, stories and tasks that are taken of an answer; the schema of the role says the same.
const MOST_EPICS: usize = 100;
const MOST_STORIES: usize = 500;
const MOST_TASKS: usize = 1_000;
/// The most that is noted.
const MOST_NOTES: usize = 100;
/// Characters of a title.
const LONGEST_TITLE: usize = 200;
/// Characters of a description, and of a criterion or its command.
const LONGEST_DESCRIPTION: usize = 8_000;
const LONGEST_CRITERION: usize = 1_000;
/// Characters of a name: a tool, a capability, what a note quotes.
const LONGEST_NAME: usize = 100;
/// After so many cycles that are broken one by one, all that could be one are broken at once.
const MOST_CYCLES: usize = 64;
/// Where a task or a story goes whose story or epic the answer does not have.
const OTHER: &str = "other";

/// No task of the answer can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no task of the answer has a title and serves a requirement that asks for work")]
pub struct NothingUsable;

/// The plan that a model's answer becomes, as the version after `previous`. What is demanded and not
/// served by the answer gets the tasks of the rules.
///
/// # Errors
/// When the answer has no task that can be used.
pub fn plan_of_model(
    suggested: &SuggestedPlan,
    document: &Document,
    checks: &Checks,
    previous: Option<&Breakdown>,
    kept: &Finished,
) -> Result<Breakdown, NothingUsable> {
    let mut reading = Reading::of(document, previous, checks);
    reading.epics(&suggested.epics);
    reading.stories(&suggested.stories);
    reading.tasks(&suggested.tasks);
    if reading.plan.tasks.is_empty() {
        return Err(NothingUsable);
    }
    reading.dependencies();
    reading.break_cycles();
    let Reading {
        mut plan,
        mut notes,
        ..
    } = reading;
    // The ids of the draft only hold within it: none of its tasks is done.
    let none = Finished::default();
    let staying = staying(previous, kept);
    let filled = fill(
        &mut plan,
        document,
        &staying,
        &none,
        Wholes::OfTheAnswer,
        || draft(document, checks),
    );
    if !filled.is_empty() {
        let shown = cleaned(&filled.join(", "), 500);
        notes.insert(0, format!("the answer serves {shown} by no task: rules do"));
    }
    cite_tasks(&mut plan);
    let mut plan = merge(plan, previous, kept, &document.items);
    plan.by_model = true;
    let more = notes.len().saturating_sub(MOST_NOTES);
    notes.truncate(MOST_NOTES);
    if more > 0 {
        notes.push(format!("and {more} more of this sort"));
    }
    notes.append(&mut plan.notes);
    plan.notes = notes;
    Ok(plan)
}

/// The answer while it is read.
struct Reading<'d> {
    plan: Breakdown,
    checks: &'d Checks,
    notes: Vec<String>,
    items: HashMap<&'d str, &'d Requirement>,
    keys_of_epics: Keys<'d>,
    keys_of_stories: Keys<'d>,
    keys_of_tasks: Keys<'d>,
    /// By what the answer calls them: the ids of the draft.
    epics: HashMap<String, String>,
    stories: HashMap<String, String>,
    tasks: HashMap<String, String>,
    /// What each task of the draft waits for, by what the answer calls it.
    waits: Vec<Vec<String>>,
}

impl<'d> Reading<'d> {
    fn of(document: &'d Document, previous: Option<&'d Breakdown>, checks: &'d Checks) -> Self {
        let epics = previous.map_or(&[][..], |plan| &plan.epics).iter();
        let stories = previous.map_or(&[][..], |plan| &plan.stories).iter();
        let tasks = previous.map_or(&[][..], |plan| &plan.tasks).iter();
        let items = document.items.iter();
        Self {
            plan: Breakdown::default(),
            checks,
            notes: Vec::new(),
            items: items.map(|item| (item.id.as_str(), item)).collect(),
            keys_of_epics: Keys::of(epics.map(|one| (&*one.id, &*one.title, &*one.key))),
            keys_of_stories: Keys::of(stories.map(|one| (&*one.id, &*one.title, &*one.key))),
            keys_of_tasks: Keys::of(tasks.map(|one| (&*one.id, &*one.title, &*one.key))),
            epics: HashMap::new(),
            stories: HashMap::new(),
            tasks: HashMap::new(),
            waits: Vec::new(),
        }
    }

    fn note(&mut self, what: String) {
        self.notes.push(cleaned(&what, 700));
    }

    fn epics(&mut self, epics: &[SuggestedEpic]) {
        for epic in epics.iter().take(MOST_EPICS) {
            let title = cleaned(&epic.title, LONGEST_TITLE);
            if !title.is_empty() && !self.epics.contains_key(&epic.key) {
                self.epic(&epic.key, title);
            }
        }
    }

    fn epic(&mut self, name: &str, title: String) -> String {
        let id = next_id('E', &mut self.plan.next_epic);
        self.plan.epics.push(Epic {
            id: id.clone(),
            key: self.keys_of_epics.give(name, &title),
            title,
            ..Epic::default()
        });
        self.epics.insert(name.to_owned(), id.clone());
        id
    }

    fn stories(&mut self, stories: &[SuggestedStory]) {
        for story in stories.iter().take(MOST_STORIES) {
            let title = cleaned(&story.title, LONGEST_TITLE);
            if !title.is_empty() && !self.stories.contains_key(&story.key) {
                if !self.epics.contains_key(&story.epic) {
                    let (story, epic) = (quoted(&title), quoted(&story.epic));
                    self.note(format!(
                        "the story {story} names the epic {epic}, which is not in the answer: it goes to “Other work”"
                    ));
                }
                self.story(&story.key, &story.epic, title);
            }
        }
    }

    fn story(&mut self, name: &str, epic: &str, title: String) -> String {
        let epic = match self.epics.get(epic).or_else(|| self.epics.get(OTHER)) {
            Some(id) => id.clone(),
            None => self.epic(OTHER, "Other work".to_owned()),
        };
        let id = next_id('S', &mut self.plan.next_story);
        self.plan.stories.push(Story {
            id: id.clone(),
            epic,
            key: self.keys_of_stories.give(name, &title),
            title,
            ..Story::default()
        });
        self.stories.insert(name.to_owned(), id.clone());
        id
    }

    fn tasks(&mut self, tasks: &[SuggestedTask]) {
        for task in tasks.iter().take(MOST_TASKS) {
            self.task(task);
        }
        if let Some(more) = tasks.len().checked_sub(MOST_TASKS).filter(|more| *more > 0) {
            self.note(format!("{more} tasks are left out: {MOST_TASKS} fit"));
        }
    }

    fn task(&mut self, task: &SuggestedTask) {
        let title = cleaned(&task.title, LONGEST_TITLE);
        if shows_nothing(&title) {
            let called = quoted(&task.key);
            self.note(format!("{called} is left out: it has no title"));
            return;
        }
        let called = quoted(&title);
        let Some(requirements) = self.cited(&called, &task.requirements) else {
            return;
        };
        let role = match ROLES.contains(&task.role.as_str()) {
            true => task.role.clone(),
            false => {
                let role = quoted(&task.role);
                self.note(format!(
                    "{called} has the unknown role {role}: it is a developer's"
                ));
                "developer".to_owned()
            }
        };
        let story = match self.stories.get(&task.story) {
            Some(id) => id.clone(),
            None => {
                let story = quoted(&task.story);
                self.note(format!(
                    "{called} names the story {story}, which is not in the answer: it goes to “Other work”"
                ));
                match self.stories.get(OTHER) {
                    Some(id) => id.clone(),
                    None => self.story(OTHER, OTHER, "Other work".to_owned()),
                }
            }
        };
        let kind = Kind::parse(&task.kind).unwrap_or(Kind::Task);
        let mut acceptance = self.criteria(&called, &task.acceptance);
        if acceptance
            .iter()
            .all(|criterion| criterion.command.is_none())
        {
            let given = self.checks.of_task(kind, &role);
            acceptance.extend(given);
            acceptance.truncate(MOST_CRITERIA);
        }
        let estimate = self.estimate(&called, task.estimate);
        let id = next_id('T', &mut self.plan.next_task);
        let key = self.keys_of_tasks.give(&task.key, &title);
        self.tasks.entry(task.key.clone()).or_insert(id.clone());
        let waits = task.depends_on.iter().take(MOST_DEPENDENCIES);
        self.waits.push(waits.cloned().collect());
        self.plan.tasks.push(Task {
            id,
            story,
            description: text(&task.description),
            kind,
            role,
            capabilities: names(&task.capabilities),
            tools: names(&task.tools),
            requirements,
            acceptance,
            depends_on: Vec::new(),
            estimate,
            origin: Origin::Model,
            key,
            title,
            edited: false,
        });
    }

    /// The requirements that the task serves; none where it serves nothing that asks for work now.
    fn cited(&mut self, called: &str, cited: &[String]) -> Option<Vec<String>> {
        let mut seen = HashSet::new();
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for id in cited.iter().filter(|id| seen.insert(id.as_str())) {
            match self.items.get(id.as_str()) {
                Some(item) if known.len() < MOST_REQUIREMENTS => known.push(*item),
                Some(_) => {}
                None => unknown.push(quoted(id)),
            }
        }
        let asks = |item: &&Requirement| {
            let is_later = matches!(standing(item), Standing::Later { .. });
            !is_later && item.kind != ItemKind::OutOfScope
        };
        let serves = known.iter().any(asks);
        let known: Vec<String> = known.into_iter().map(|item| item.id.clone()).collect();
        if !unknown.is_empty() {
            let unknown = cleaned(&unknown.join(", "), 300);
            self.note(format!("{called} cites {unknown}, which is no requirement"));
        }
        if serves {
            return Some(known);
        }
        self.note(format!(
            "{called} is left out: it serves no requirement that asks for work now"
        ));
        None
    }

    fn estimate(&mut self, called: &str, said: SuggestedEstimate) -> Estimate {
        let estimate = sound(said);
        let SuggestedEstimate {
            low_minutes,
            likely_minutes,
            high_minutes,
        } = said;
        let read = [
            estimate.low_minutes,
            estimate.likely_minutes,
            estimate.high_minutes,
        ];
        if [low_minutes, likely_minutes, high_minutes] != read.map(u64::from) {
            let [low, likely, high] = read;
            self.note(format!(
                "{called} is estimated at {low_minutes}, {likely_minutes} and {high_minutes} minutes: read as {low}, \
                 {likely} and {high}"
            ));
        }
        estimate
    }

    /// What a command hides, or what is cut off it, makes another of it: such a command is dropped.
    fn criteria(&mut self, called: &str, criteria: &[SuggestedCriterion]) -> Vec<Criterion> {
        let mut found = Vec::new();
        for criterion in criteria.iter().take(MOST_CRITERIA) {
            let text = cleaned(&criterion.text, LONGEST_CRITERION);
            let command = criterion.command.as_deref().unwrap_or_default().trim();
            let is_whole = command.chars().nth(LONGEST_CRITERION).is_none();
            let is_plain = is_whole && is_plain(command);
            if !is_plain {
                let why = match is_whole {
                    true => "has characters that are not seen",
                    false => "is too long",
                };
                let command = quoted(command);
                self.note(format!("{called} loses the command {command}, which {why}"));
            }
            if !text.is_empty() {
                let command = Some(command).filter(|command| is_plain && !command.is_empty());
                let command = command.map(str::to_owned);
                found.push(Criterion { text, command });
            }
        }
        found
    }

    fn dependencies(&mut self) {
        for at in 0..self.plan.tasks.len() {
            let mut waits = Vec::new();
            for name in std::mem::take(&mut self.waits[at]) {
                let called = quoted(&self.plan.tasks[at].title);
                match self.tasks.get(&name) {
                    Some(id) if *id != self.plan.tasks[at].id => waits.push(id.clone()),
                    Some(_) => self.note(format!("{called} would wait for itself: refused")),
                    None => {
                        let name = quoted(&name);
                        self.note(format!("{called} would wait for {name}, which is no task of the answer: refused"));
                    }
                }
            }
            sort_ids(&mut waits);
            self.plan.tasks[at].depends_on = waits;
        }
    }

    /// Of each cycle the dependency is refused by which a task waits for a later one of the answer.
    fn break_cycles(&mut self) {
        for _ in 0..MOST_CYCLES {
            let Err(cycle) = Graph::of(&self.plan.tasks).order() else {
                return;
            };
            let next = |step: usize| cycle[(step + 1) % cycle.len()];
            let back = (0..cycle.len()).find(|step| next(*step) > cycle[*step]);
            let step = back.unwrap_or(0);
            self.refuse(cycle[step], next(step));
        }
        if Graph::of(&self.plan.tasks).order().is_ok() {
            return;
        }
        let places: HashMap<String, usize> = super::super::graph::places(&self.plan.tasks)
            .into_iter()
            .map(|(id, at)| (id.to_owned(), at))
            .collect();
        for (at, task) in self.plan.tasks.iter_mut().enumerate() {
            task.depends_on
                .retain(|id| places.get(id).is_none_or(|on| *on < at));
        }
        let what =
            "there are too many cycles: no task waits for one that comes later in the answer";
        self.note(what.to_owned());
    }

    fn refuse(&mut self, at: usize, on: usize) {
        let (id, on) = (self.plan.tasks[on].id.clone(), &self.plan.tasks[on].title);
        let what = format!(
            "{} would wait for {}, which closes a cycle: refused",
            quoted(&self.plan.tasks[at].title),
            quoted(on)
        );
        self.plan.tasks[at].depends_on.retain(|wait| *wait != id);
        self.note(what);
    }
}

fn quoted(text: &str) -> String {
    format!("“{}”", cleaned(text, LONGEST_NAME))
}

/// Lines without what cannot be seen, cut to a bound.
fn text(text: &str) -> String {
    let mut out = String::new();
    let mut left = LONGEST_DESCRIPTION;
    for line in text.trim().lines() {
        let line = cleaned(line, left);
        left = left.saturating_sub(line.chars().count() + 1);
        out.push_str(&line);
        if left == 0 {
            break;
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out
}

/// Short words, each once; others are no names.
fn names(names: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    names
        .iter()
        .filter(|name| {
            let is_one = **name == cleaned(name, LONGEST_NAME) && !name.contains(' ');
            !name.is_empty() && is_one && seen.insert(name.as_str())
        })
        .take(MOST_NAMES)
        .cloned()
        .collect()
}

/// In order, and within bounds.
fn sound(said: SuggestedEstimate) -> Estimate {
    let minutes = |minutes: u64| {
        let minutes = u32::try_from(minutes).unwrap_or(u32::MAX);
        minutes.clamp(1, LONGEST_ESTIMATE_MINUTES)
    };
    let mut all = [said.low_minutes, said.likely_minutes, said.high_minutes].map(minutes);
    all.sort_unstable();
    let [low_minutes, likely_minutes, high_minutes] = all;
    Estimate {
        low_minutes,
        likely_minutes,
        high_minutes,
    }
}

/// A story cites what its tasks cite, an epic what its stories cite.
fn cite_tasks(plan: &mut Breakdown) {
    let mut cited: HashMap<&str, Vec<&String>> = HashMap::new();
    for task in &plan.tasks {
        let requirements = cited.entry(&task.story).or_default();
        requirements.extend(&task.requirements);
    }
    for story in &mut plan.stories {
        let mut seen: HashSet<String> = story.requirements.iter().cloned().collect();
        for id in cited.get(story.id.as_str()).into_iter().flatten() {
            if story.requirements.len() < MOST_REQUIREMENTS && seen.insert((*id).clone()) {
                story.requirements.push((*id).clone());
            }
        }
    }
    cite(plan);
}
