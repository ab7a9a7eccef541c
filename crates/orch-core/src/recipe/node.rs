//! A parsed document before it has a meaning: scalars, lists and maps that know where they stood.
//!
//! Scalars keep the text they were written with, so that `version: 1.10` stays `1.10`. YAML and JSON
//! both become nodes, and one reader serves both. A node never decides what a key is for.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::error::RecipeError;

/// Where a node began in the YAML text; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub line: u32,
    pub column: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub at: Option<Position>,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    /// The word as it was written, such as `True`, beside what it means.
    Bool(bool, String),
    /// The number as it was written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub key: String,
    pub at: Option<Position>,
    pub value: Node,
}

impl Node {
    pub(crate) fn error(&self, path: &str, message: impl Into<String>) -> RecipeError {
        error_at(self.at, path, message)
    }

    /// What this is, for "expected …, got …".
    pub(crate) fn describe(&self) -> String {
        use super::rules::excerpt;
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(_, text) => format!("the boolean {text}"),
            Value::Number(text) => format!("the number {}", excerpt(text)),
            Value::Text(text) => format!("the text \"{}\"", excerpt(text)),
            Value::List(items) => format!("a list of {}", items.len()),
            Value::Map(entries) => format!("a mapping of {}", entries.len()),
        }
    }

    /// The kind alone, where the value may be a secret.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(..) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

pub(crate) fn error_at(
    at: Option<Position>,
    path: &str,
    message: impl Into<String>,
) -> RecipeError {
    RecipeError {
        message: message.into(),
        line: at.map(|at| at.line),
        column: at.map(|at| at.column),
        path: path.to_owned(),
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

fn unplaced(value: Value) -> Node {
    Node { at: None, value }
}

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number, a boolean, a list or a mapping")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(unplaced(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(unplaced(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Node, D::Error> {
        Node::deserialize(from)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(unplaced(Value::Bool(value, value.to_string())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(unplaced(Value::Number(value.to_string())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(unplaced(Value::Number(value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        // Debug rather than Display: 1.0 keeps its fraction, 1e300 stays short.
        Ok(unplaced(Value::Number(format!("{value:?}"))))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(unplaced(Value::Text(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(unplaced(Value::List(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(de::Error::custom(format_args!(
                    "key `{}` stands twice in one mapping",
                    super::rules::excerpt(&key)
                )));
            }
            let value = map.next_value()?;
            entries.push(Entry {
                key,
                at: None,
                value,
            });
        }
        Ok(unplaced(Value::Map(entries)))
    }
}
