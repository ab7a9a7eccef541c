//! What changed from one version of a plan to another. Nothing is left out: the older version and the
//! difference give the entries of the newer one.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::model::{Breakdown, Epic, Story, Task};

/// The difference between two versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Difference {
    pub epics: Entries<Epic>,
    pub stories: Entries<Story>,
    pub tasks: Entries<Task>,
    /// Of tasks of both versions: what only the newer one waits for. They are among the changed fields too.
    pub dependencies_added: Vec<Dependency>,
    /// Of tasks of both versions: what only the older one waits for.
    pub dependencies_removed: Vec<Dependency>,
}

/// The entries of one kind that are not the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entries<T> {
    /// Those that only the newer version has.
    pub added: Vec<T>,
    /// Those that only the older version has.
    pub removed: Vec<T>,
    /// Those of both that are not the same.
    pub changed: Vec<Changed>,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self {
            added: Vec::new(),
            removed: Vec::new(),
            changed: Vec::new(),
        }
    }
}

/// An entry that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    pub id: String,
    pub fields: Vec<FieldChange>,
}

/// A field before and after, as JSON has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    pub field: String,
    pub before: Value,
    pub after: Value,
}

/// One task waits for another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dependency {
    pub task: String,
    /// What it waits for.
    pub on: String,
}

impl Difference {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What changed from `older` to `newer`. Ids that are given twice count for their first entry.
pub fn difference(older: &Breakdown, newer: &Breakdown) -> Difference {
    Difference {
        epics: entries(&older.epics, &newer.epics),
        stories: entries(&older.stories, &newer.stories),
        tasks: entries(&older.tasks, &newer.tasks),
        dependencies_added: dependencies(newer, older),
        dependencies_removed: dependencies(older, newer),
    }
}

/// What has an id within its kind.
trait Entry: Clone + PartialEq + Serialize {
    fn id(&self) -> &str;
}

impl Entry for Epic {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Entry for Story {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Entry for Task {
    fn id(&self) -> &str {
        &self.id
    }
}

fn entries<T: Entry>(older: &[T], newer: &[T]) -> Entries<T> {
    let (before, after) = (by_id(older), by_id(newer));
    let mut found = Entries::default();
    for entry in newer {
        match before.get(entry.id()) {
            None => found.added.push(entry.clone()),
            Some(old) if *old == entry => {}
            Some(old) => found.changed.push(Changed {
                id: entry.id().to_owned(),
                fields: fields(*old, entry),
            }),
        }
    }
    let gone = older.iter().filter(|entry| !after.contains_key(entry.id()));
    found.removed = gone.cloned().collect();
    found
}

fn by_id<T: Entry>(entries: &[T]) -> HashMap<&str, &T> {
    let mut found = HashMap::with_capacity(entries.len());
    for entry in entries {
        found.entry(entry.id()).or_insert(entry);
    }
    found
}

fn fields<T: Serialize>(before: &T, after: &T) -> Vec<FieldChange> {
    let (mut before, after) = (object(before), object(after));
    after
        .into_iter()
        .filter_map(|(field, after)| {
            let before = before.remove(&field).unwrap_or_default();
            (before != after).then_some(FieldChange {
                field,
                before,
                after,
            })
        })
        .collect()
}

fn object<T: Serialize>(entry: &T) -> Map<String, Value> {
    match serde_json::to_value(entry).expect("invariant: entries are plain data with named fields")
    {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

/// What tasks of both wait for in `of` and not in `beside`.
fn dependencies(of: &Breakdown, beside: &Breakdown) -> Vec<Dependency> {
    let other = by_id(&beside.tasks);
    let mut found = Vec::new();
    for task in &of.tasks {
        let Some(other) = other.get(task.id.as_str()) else {
            continue;
        };
        let known: HashSet<&String> = other.depends_on.iter().collect();
        let only = task.depends_on.iter().filter(|on| !known.contains(on));
        found.extend(only.map(|on| Dependency {
            task: task.id.clone(),
            on: on.clone(),
        }));
    }
    found
}
