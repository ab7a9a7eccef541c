//! Recipes and steps as JSON: the same keys as in YAML, empty ones left out.
//!
//! Reading goes through the same rules as YAML does; a value that breaks them never becomes a recipe.

use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::model::{Checksum, Network, Permissions, Recipe, Source, Step, Tool};
use super::node::{Node, Value};
use super::read;

/// Seconds: an integer where they are whole, else a fraction to the millisecond.
struct Seconds(Duration);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0.subsec_nanos() == 0 {
            to.serialize_u64(self.0.as_secs())
        } else {
            to.serialize_f64(self.0.as_secs_f64())
        }
    }
}

impl Serialize for Checksum {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Denied => to.serialize_bool(false),
            Self::Open => to.serialize_bool(true),
            Self::Hosts(hosts) => hosts.serialize(to),
        }
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        entry(&mut map, "name", self.name.as_ref())?;
        map.serialize_entry("run", &self.run)?;
        entry(&mut map, "env", (!self.env.is_empty()).then_some(&self.env))?;
        entry(&mut map, "timeout", self.timeout.map(Seconds).as_ref())?;
        entry(&mut map, "cwd", self.cwd.as_ref())?;
        entry(&mut map, "idempotent", self.idempotent.as_ref())?;
        let secrets = (!self.secrets.is_empty()).then_some(&self.secrets);
        entry(&mut map, "secrets", secrets)?;
        let artifacts = (!self.artifacts.is_empty()).then_some(&self.artifacts);
        entry(&mut map, "artifacts", artifacts)?;
        map.end()
    }
}

impl Serialize for Tool {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        entry(&mut map, "version", self.version.as_ref())?;
        entry(&mut map, "checksum", self.checksum.as_ref())?;
        entry(&mut map, "env", (!self.env.is_empty()).then_some(&self.env))?;
        map.serialize_entry("network", &self.network)?;
        map.end()
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("url", &self.url)?;
        entry(&mut map, "checksum", self.checksum.as_ref())?;
        map.end()
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(3))?;
        map.serialize_entry("network", &self.network)?;
        map.serialize_entry("filesystem", &self.filesystem)?;
        map.serialize_entry("capabilities", &self.capabilities)?;
        map.end()
    }
}

impl Serialize for Recipe {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        entry(&mut map, "name", self.name.as_ref())?;
        entry(&mut map, "version", self.version.as_ref())?;
        entry(&mut map, "source", self.source.as_ref())?;
        entry(&mut map, "permissions", self.permissions.as_ref())?;
        map.serialize_entry("tools", &self.tools)?;
        map.serialize_entry("steps", &self.steps)?;
        self.offer.write(&mut map)?;
        let artifacts = (!self.artifacts.is_empty()).then_some(&self.artifacts);
        entry(&mut map, "artifacts", artifacts)?;
        map.end()
    }
}

fn entry<M: SerializeMap, T: Serialize + ?Sized>(
    map: &mut M,
    key: &'static str,
    value: Option<&T>,
) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(key, value),
        None => Ok(()),
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let node = Node::deserialize(from)?;
        read::read_step(&node, "step").map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Recipe {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let node = Node::deserialize(from)?;
        read::read_recipe(&node, need(&node)).map_err(D::Error::custom)
    }
}

/// What came as JSON was judged when it came as YAML: a catalog entry is one without work.
fn need(node: &Node) -> read::Need {
    let has = |key: &str| match &node.value {
        Value::Map(entries) => entries.iter().any(|entry| {
            entry.key == key
                && !matches!(&entry.value.value, Value::List(items) if items.is_empty())
        }),
        Value::Null | Value::Bool(..) | Value::Number(_) | Value::Text(_) | Value::List(_) => false,
    };
    let has_work = has("tools") || has("steps");
    let has_origin = has("source") || has("sources") || has("package");
    match !has_work && has_origin {
        true => read::Need::Origin,
        false => read::Need::Work,
    }
}
