//! What roles wrote, by their names and in the order in which they were asked.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// An object whose keys keep their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results(Vec<(String, Value)>);

impl Results {
    /// Adds what a role wrote, after what others did.
    pub fn push(&mut self, name: String, value: Value) {
        self.0.push((name, value));
    }

    /// What a role wrote.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }
}

impl Serialize for Results {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Results {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Results;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Results, A::Error> {
                let mut results = Results::default();
                while let Some((name, value)) = map.next_entry()? {
                    results.push(name, value);
                }
                Ok(results)
            }
        }

        from.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_in_the_order_asked() {
        let text = r#"{"spec":"s","code":"c","reviewer":null}"#;
        let results: Results = serde_json::from_str(text).unwrap();
        assert_eq!(results.get("code"), Some(&Value::from("c")));
        assert_eq!(serde_json::to_string(&results).unwrap(), text);
    }
}
