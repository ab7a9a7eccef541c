//! What happened: the facts that a transition produces. Each becomes one audit entry, in the
//! transaction of the change that it records.

use serde::Serialize;
use serde_json::Value;

use crate::ids::ProjectId;

/// One fact, in the past tense: `run.started`, `approval.denied`.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Dotted noun and verb.
    pub kind: &'static str,
    /// The project that it belongs to, when it belongs to one.
    pub project_id: Option<ProjectId>,
    pub data: Data,
}

impl Event {
    #[must_use]
    pub fn new(kind: &'static str, project_id: ProjectId, data: impl Into<Data>) -> Self {
        Self {
            kind,
            project_id: Some(project_id),
            data: data.into(),
        }
    }
}

/// Ids and values, never a secret: a JSON object, as it will be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data(String);

impl Data {
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Value> for Data {
    fn from(value: Value) -> Self {
        Self(value.to_string())
    }
}

/// Writes an object field by field: a tree of values would cost more than all else of a transition.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new() -> Self {
        let mut text = Vec::with_capacity(256);
        text.push(b'{');
        Self(text)
    }

    /// `name` needs no escaping: it is a literal of ours.
    pub(crate) fn field<T: Serialize + ?Sized>(mut self, name: &'static str, value: &T) -> Self {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
        serde_json::to_writer(&mut self.0, value)
            .expect("invariant: numbers and text serialise into memory");
        self
    }

    pub(crate) fn end(mut self) -> Data {
        self.0.push(b'}');
        Data(String::from_utf8(self.0).expect("invariant: JSON is UTF-8"))
    }
}

/// The data of an event: `facts!({"run_id": id, "attempt": 2})`.
macro_rules! facts {
    ({ $($name:literal: $value:expr),+ $(,)? }) => {
        $crate::event::Writer::new()$(.field($name, &$value))+.end()
    };
}

pub(crate) use facts;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn facts_are_the_object_that_a_tree_of_values_would_be() {
        let title = "a \"quoted\" line\nand a tab\t";
        let facts = facts!({"id": ProjectId(7), "title": title, "exit_code": None::<i32>, "on": vec![1, 2]});
        let read: Value = serde_json::from_str(facts.as_str()).expect("it is JSON");
        assert_eq!(
            read,
            json!({"id": 7, "title": title, "exit_code": null, "on": [1, 2]})
        );
    }
}
