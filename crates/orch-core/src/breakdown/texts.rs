//! Which text of a requirement a task serves: a plan remembers it, so that work that is done for one text
//! is not taken for work on another.

use std::collections::{BTreeMap, HashMap};

use super::model::{Breakdown, Finished, Task};
use super::propose::one_line;
use crate::digest::Digest;
use crate::requirements::Requirement;

const DOMAIN: &str = "orch/requirement-text/v1";
/// So many hex digits are kept: enough to tell the versions of one sentence apart.
const KEPT_DIGITS: usize = 16;

/// The texts of requirements as they read now.
#[derive(Debug)]
pub(super) struct Texts<'i> {
    digests: HashMap<&'i str, String>,
}

impl<'i> Texts<'i> {
    pub fn of(items: &'i [Requirement]) -> Self {
        let digests = items.iter();
        Self {
            digests: digests
                .map(|item| (item.id.as_str(), digest_of(&item.text)))
                .collect(),
        }
    }

    pub fn get(&self, requirement: &str) -> Option<&String> {
        self.digests.get(requirement)
    }
}

/// Spaces and breaks are no other text.
fn digest_of(text: &str) -> String {
    let text = one_line(text, usize::MAX);
    let mut hex = Digest::of(DOMAIN, &[Some(text.as_bytes())]).to_hex();
    hex.truncate(KEPT_DIGITS);
    hex
}

impl Breakdown {
    /// Fills in what is not remembered yet: `items` are the requirements that this version was made for.
    pub fn remember(&mut self, items: &[Requirement]) {
        let texts = Texts::of(items);
        for task in &self.tasks {
            let told = self.served.entry(task.id.clone()).or_default();
            for id in &task.requirements {
                if let Some(text) = texts.get(id)
                    && !told.contains_key(id)
                {
                    told.insert(id.clone(), text.clone());
                }
            }
        }
        self.served.retain(|_, told| !told.is_empty());
    }

    /// What is done was done as `approved` said, whatever was planned for it meanwhile.
    pub fn remember_done(&mut self, approved: &Breakdown, done: &Finished) {
        for id in &done.tasks {
            if let Some(told) = approved.served.get(id) {
                self.served.insert(id.clone(), told.clone());
            }
        }
    }

    /// By task: the requirements of which this version has it serve another text than `approved`, under which
    /// it is worked on. What was done before this version was made is in none of them.
    pub fn told_otherwise(&self, approved: &Self) -> BTreeMap<String, Vec<String>> {
        let tasks = self.served.iter().filter_map(|(task, now)| {
            let before = approved.served.get(task)?;
            let others = now
                .iter()
                .filter(|(id, text)| before.get(*id) != Some(*text));
            let others: Vec<String> = others.map(|(id, _)| id.clone()).collect();
            (!others.is_empty()).then(|| (task.clone(), others))
        });
        tasks.collect()
    }

    /// What is open serves the texts as they are now; what is done serves what it served.
    pub(super) fn serve(&mut self, texts: &Texts<'_>, kept: &Finished) {
        let mut before = std::mem::take(&mut self.served);
        for task in &self.tasks {
            let told = match kept.contains(&task.id) {
                true => before.remove(&task.id).unwrap_or_default(),
                false => now(task, texts),
            };
            if !told.is_empty() {
                self.served.insert(task.id.clone(), told);
            }
        }
    }

    /// Whether the task was made for another text of this requirement.
    pub(super) fn is_outdated(&self, task: &str, requirement: &str, texts: &Texts<'_>) -> bool {
        let told = self.served.get(task).and_then(|told| told.get(requirement));
        match (told, texts.get(requirement)) {
            (Some(told), Some(now)) => told != now,
            (_, _) => false,
        }
    }
}

fn now(task: &Task, texts: &Texts<'_>) -> BTreeMap<String, String> {
    let cited = task.requirements.iter();
    let told = cited.filter_map(|id| Some((id.clone(), texts.get(id)?.clone())));
    told.collect()
}
