//! What is kept of a run's conversation with Codex between two holds: its thread, what was asked,
//! what it has cost.
//!
//! Lies in the run's folder, where nothing that Codex runs can reach it. Blocks on the file system.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Sum, Usage, approval::Asked};

const FILE: &str = "codex.json";
const VERSION: u32 = 1;

/// What is known of the conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    version: u32,
    /// The conversation to go on with.
    pub(super) thread: Option<Thread>,
    /// Tokens of the whole run.
    pub(super) usage: Usage,
    /// The hold that began it; 0 where that was not noted.
    #[serde(default)]
    began: u64,
    /// The same tokens by the model that was asked for them, since that hold.
    #[serde(default)]
    by_model: BTreeMap<String, Usage>,
    /// What a person is to decide.
    #[serde(default)]
    pub(super) asked: Option<Asked>,
    /// What was approved and has not happened yet.
    #[serde(default)]
    pub(super) granted: Option<String>,
    /// What was declined.
    #[serde(default)]
    pub(super) declined: BTreeSet<String>,
    /// How many questions there were.
    #[serde(default)]
    pub(super) questions: u32,
    /// Sums of the threads that the conversation began by itself, in this process.
    #[serde(skip)]
    others: HashMap<String, Usage>,
}

/// A thread of Codex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Thread {
    pub(super) id: String,
    /// Its sum up to now, as Codex counts it.
    pub(super) usage: Usage,
}

impl Memory {
    /// What was kept in a run's folder; nothing where there is none that can be read.
    pub(super) fn load(run_folder: &Path) -> Self {
        let read = || -> Option<Self> {
            let bytes = fs::read(run_folder.join(FILE)).ok()?;
            let memory: Self = serde_json::from_slice(&bytes).ok()?;
            (memory.version == VERSION).then_some(memory)
        };
        read().unwrap_or_default()
    }

    /// Keeps it.
    pub(super) async fn save(&self, run_folder: &Path) -> io::Result<()> {
        let kept = Self {
            version: VERSION,
            ..self.clone()
        };
        let path = run_folder.join(FILE);
        let written = tokio::task::spawn_blocking(move || write(&path, &kept)).await;
        written.map_err(io::Error::other)?
    }

    /// Notes which hold began it, unless that is known.
    pub(super) fn begin(&mut self, epoch: u64) {
        if self.began == 0 {
            self.began = epoch;
        }
    }

    /// What the run has used of a model up to now.
    pub(super) fn sum(&self, model: Option<&str>) -> Sum {
        let used = self.by_model.get(model.unwrap_or_default());
        Sum {
            model: model.map(str::to_owned),
            since_epoch: self.began,
            usage: used.copied().unwrap_or_default(),
        }
    }

    /// Notes what a thread has used up to now, of a model, and tells what came on top.
    pub(super) fn used(&mut self, thread: &str, model: Option<&str>, total: Usage) -> Usage {
        let before = match &mut self.thread {
            Some(ours) if ours.id == thread => std::mem::replace(&mut ours.usage, total),
            Some(_) | None => self
                .others
                .insert(thread.to_owned(), total)
                .unwrap_or_default(),
        };
        let more = total.since(before);
        self.usage = self.usage + more;
        let model = model.unwrap_or_default().to_owned();
        let of_model = self.by_model.entry(model).or_default();
        *of_model = *of_model + more;
        more
    }
}

/// Whether a run's folder holds a conversation to go on with.
pub(crate) fn has_conversation(run_folder: &Path) -> bool {
    Memory::load(run_folder).thread.is_some()
}

fn write(path: &PathBuf, memory: &Memory) -> io::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, serde_json::to_vec(memory)?)?;
    fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(n: u64) -> Usage {
        Usage {
            input_tokens: 10 * n,
            cached_input_tokens: 0,
            output_tokens: n,
            reasoning_output_tokens: 0,
        }
    }

    #[tokio::test]
    async fn what_is_kept_is_found_again_and_other_text_is_nothing() {
        let top = tempfile::tempdir().unwrap();
        assert!(!has_conversation(top.path()));
        let mut memory = Memory {
            thread: Some(Thread {
                id: "t".to_owned(),
                usage: sum(1),
            }),
            granted: Some("d".to_owned()),
            ..Memory::default()
        };
        memory.begin(4);
        assert_eq!(memory.used("t", Some("m"), sum(3)), sum(2));
        memory.begin(5);
        memory.save(top.path()).await.unwrap();
        let found = Memory::load(top.path());
        assert_eq!((found.usage, &found.granted), (sum(2), &memory.granted));
        let of_model = Sum {
            model: Some("m".to_owned()),
            since_epoch: 4,
            usage: sum(2),
        };
        assert_eq!(found.sum(Some("m")), of_model);
        assert_eq!(found.sum(None).usage, Usage::default());
        assert!(has_conversation(top.path()));
        for text in ["", "{}", "{\"version\":2,\"thread\":null,\"usage\":{}}"] {
            fs::write(top.path().join(FILE), text).unwrap();
            assert_eq!(Memory::load(top.path()), Memory::default());
        }
    }

    #[test]
    fn a_memory_of_version_one_still_parses() {
        let text = r#"{"version":1,"thread":{"id":"t","usage":{"input_tokens":1,"cached_input_tokens":0,"output_tokens":2,"reasoning_output_tokens":0}},"usage":{"input_tokens":1,"cached_input_tokens":0,"output_tokens":2,"reasoning_output_tokens":0},"asked":{"key":"k","digest":"d","what":"w","reason":""},"granted":null,"declined":["x"],"questions":1}"#;
        let memory: Memory = serde_json::from_str(text).unwrap();
        assert_eq!(memory.questions, 1);
    }
}
