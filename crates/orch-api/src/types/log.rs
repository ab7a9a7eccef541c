//! Run logs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of a run's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogPage {
    /// Lines that match, on all pages.
    pub total: u64,
    pub returned: usize,
    /// The text of the lines.
    pub lines: Vec<String>,
    pub entries: Vec<LogEntry>,
    /// Where to go on: `from` of the next page; with `tail`, `before`. Absent where nothing is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// Lines with lower numbers were removed by retention, but for line 0; one line stands in their place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_before: Option<u64>,
    /// The search ran out of its time, or had its lines: `total` knows nothing of the lines from this
    /// one on; with `tail`, of those before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_to: Option<u64>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogEntry {
    /// Its number in the run, from 0.
    pub seq: u64,
    pub ts: String,
    /// system, stdout, stderr or event.
    pub stream: String,
    /// The number of the step that wrote it.
    pub step: Option<u32>,
    pub message: String,
    /// The line goes on in the next entry.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// Lines to add: `line`, or `lines`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppendLog {
    #[serde(
        default,
        deserialize_with = "lossy",
        skip_serializing_if = "Option::is_none"
    )]
    pub line: Option<String>,
    #[serde(
        default,
        deserialize_with = "lossy_list",
        skip_serializing_if = "Option::is_none"
    )]
    pub lines: Option<Vec<String>>,
    /// stdout when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
}

/// Text as programs write it: what is no Unicode becomes U+FFFD, and nothing is refused for it.
struct Lossy(String);

impl<'de> Deserialize<'de> for Lossy {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;

        impl serde::de::Visitor<'_> for Text {
            type Value = Lossy;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<Lossy, E> {
                Ok(Lossy(text.to_owned()))
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Lossy, E> {
                Ok(Lossy(String::from_utf8_lossy(bytes).into_owned()))
            }
        }

        from.deserialize_bytes(Text)
    }
}

fn lossy<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Lossy>::deserialize(from)?.map(|text| text.0))
}

fn lossy_list<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let list = Option::<Vec<Lossy>>::deserialize(from)?;
    Ok(list.map(|list| list.into_iter().map(|text| text.0).collect()))
}

/// What was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogAppended {
    pub appended: usize,
    /// The number of the first line that was added.
    pub first_seq: u64,
}

/// A line found in some run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundLine {
    pub run_id: i64,
    pub work_item_id: i64,
    #[serde(flatten)]
    pub entry: LogEntry,
}
