//! Readers of the formats that manifests are written in: line by line, without recursion, anchors or
//! entities, so that no file can make them work long. What they do not understand they pass over.

mod json;
mod toml;
mod words;
mod xml;
mod yaml;

pub use json::{line_of, object, string_at};
pub use toml::{TomlEntry, inline_value, toml_entries};
pub use words::{after_word, quoted, strings_in, unquoted};
pub use xml::{XmlText, xml_texts};
pub use yaml::{flow_items, yaml_entries};
