//! The plan while it is drafted. Ids only hold within the draft; `merge` gives those that stay.

use std::collections::HashMap;

use super::super::checks::Checks;
use super::super::merge::next_id;
use super::super::model::{
    Breakdown, Criterion, Epic, Estimate, MOST_REQUIREMENTS, Origin, Story, Task,
};
use super::estimating;
use super::toolchain::Toolchain;
use super::wording::{description, statement};
use crate::requirements::Requirement;
use crate::work_item::Kind;

/// The most tasks that one waits for in a draft; more are first tried together.
const MOST_WAITS: usize = 50;

/// What is drafted so far.
#[derive(Debug)]
pub struct Desk<'c> {
    pub plan: Breakdown,
    pub toolchain: Option<&'static Toolchain>,
    checks: &'c Checks,
    epics: HashMap<String, String>,
}

/// What a drafted task says.
#[derive(Debug)]
pub struct Words {
    pub key: String,
    pub title: String,
    pub what: String,
    pub acceptance: Vec<Criterion>,
}

/// Who does a task, and how long it takes.
#[derive(Debug)]
pub struct Work {
    pub kind: Kind,
    pub role: &'static str,
    pub estimate: Estimate,
    pub waits: Vec<String>,
}

/// Tasks that others wait for, and what they serve.
#[derive(Debug, Clone, Default)]
pub struct Ends<'d> {
    pub tasks: Vec<String>,
    pub items: Vec<&'d Requirement>,
}

impl<'c> Desk<'c> {
    pub fn new(toolchain: Option<&'static Toolchain>, checks: &'c Checks) -> Self {
        Self {
            plan: Breakdown::default(),
            toolchain,
            checks,
            epics: HashMap::new(),
        }
    }

    /// What the code that is there is, where some is.
    pub fn code_that_is_there(&self) -> Option<&'c str> {
        self.checks.there()
    }

    /// That tests pass: those of the code that is there, else those of the toolchain that is named.
    pub fn tests_pass(&self) -> Vec<Criterion> {
        match self.checks.is_empty() {
            true => self
                .toolchain
                .map(Toolchain::tests_pass)
                .into_iter()
                .collect(),
            false => self.checks.tests(),
        }
    }

    /// The same, and that the code is built and checked, where that is known.
    pub fn is_well(&self) -> Vec<Criterion> {
        match self.checks.is_empty() {
            true => self.tests_pass(),
            false => self.checks.all(),
        }
    }

    /// The epic of this key, which is added where it is not there yet.
    pub fn epic(&mut self, key: &str, title: &str) -> String {
        if let Some(id) = self.epics.get(key) {
            return id.clone();
        }
        let id = next_id('E', &mut self.plan.next_epic);
        self.plan.epics.push(Epic {
            id: id.clone(),
            title: title.to_owned(),
            key: key.to_owned(),
            ..Epic::default()
        });
        self.epics.insert(key.to_owned(), id.clone());
        id
    }

    /// Adds a story that cites as many of `items` as fit.
    pub fn story(
        &mut self,
        epic: &str,
        key: String,
        title: String,
        items: &[&Requirement],
        acceptance: Vec<Criterion>,
    ) -> String {
        let id = next_id('S', &mut self.plan.next_story);
        let cited = &items[..items.len().min(MOST_REQUIREMENTS)];
        self.plan.stories.push(Story {
            id: id.clone(),
            epic: epic.to_owned(),
            title,
            requirements: ids(cited),
            acceptance,
            key,
            edited: false,
        });
        id
    }

    /// Adds a task that serves as many of `items` as fit.
    pub fn task(
        &mut self,
        story: &str,
        words: Words,
        work: Work,
        items: &[&Requirement],
    ) -> String {
        let id = next_id('T', &mut self.plan.next_task);
        let cited = &items[..items.len().min(MOST_REQUIREMENTS)];
        let is_code = matches!(work.role, "developer" | "qa");
        let toolchain = self.toolchain.filter(|_| is_code);
        self.plan.tasks.push(Task {
            id: id.clone(),
            story: story.to_owned(),
            title: words.title,
            description: description(&words.what, cited),
            kind: work.kind,
            role: work.role.to_owned(),
            capabilities: toolchain
                .map(|toolchain| toolchain.capability.to_owned())
                .into_iter()
                .collect(),
            tools: toolchain.map_or_else(Vec::new, Toolchain::tools),
            requirements: ids(cited),
            acceptance: words.acceptance,
            depends_on: work.waits,
            estimate: work.estimate,
            origin: Origin::Rules,
            key: words.key,
            edited: false,
        });
        id
    }

    /// At most [`MOST_WAITS`] tasks that stand for all of `ends`: where there are more, checks of fifty
    /// each are put before.
    pub fn gathered<'d>(
        &mut self,
        epic: &str,
        key: &str,
        title: &str,
        mut ends: Vec<Ends<'d>>,
    ) -> Ends<'d> {
        let mut layer = 0;
        while ends.len() > MOST_WAITS {
            layer += 1;
            let parts: Vec<Vec<Ends<'d>>> =
                ends.chunks(MOST_WAITS).map(<[Ends<'d>]>::to_vec).collect();
            ends = parts
                .into_iter()
                .enumerate()
                .map(|(at, part)| {
                    let name = format!("{key}/{layer}/{}", at + 1);
                    let title = format!("{title}, part {}", at + 1);
                    self.check(epic, &name, title, one(part))
                })
                .collect();
        }
        one(ends)
    }

    /// A check of several things together, which ends in one task.
    pub fn check<'d>(&mut self, epic: &str, key: &str, title: String, ends: Ends<'d>) -> Ends<'d> {
        let count = ends.tasks.len();
        let mut acceptance = vec![statement(format!(
            "What the {count} tasks before this one made holds together, not only each by itself"
        ))];
        acceptance.extend(self.tests_pass());
        let cited = &ends.items[..ends.items.len().min(MOST_REQUIREMENTS)];
        let story = self.story(
            epic,
            format!("story/{key}"),
            title.clone(),
            cited,
            acceptance.clone(),
        );
        let task = self.task(
            &story,
            Words {
                key: key.to_owned(),
                title,
                what:
                    "Try together what was built and tested one by one, as its users will use it."
                        .to_owned(),
                acceptance,
            },
            Work {
                kind: Kind::Test,
                role: "qa",
                estimate: estimating::together(count),
                waits: ends.tasks,
            },
            &ends.items,
        );
        Ends {
            tasks: vec![task],
            items: ends.items,
        }
    }
}

/// All of `ends` as one.
pub fn one(ends: Vec<Ends<'_>>) -> Ends<'_> {
    let mut all = Ends::default();
    for part in ends {
        all.tasks.extend(part.tasks);
        all.items.extend(part.items);
    }
    all
}

fn ids(items: &[&Requirement]) -> Vec<String> {
    items.iter().map(|item| item.id.clone()).collect()
}
