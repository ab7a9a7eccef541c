//! What a program printed, as lines of the run's log and as sums.
//!
//! Pure. What is unknown is passed over, what is no event is a line: another version of a program
//! never makes a run fail by what it prints.

use std::collections::BTreeMap;

use orch_sandbox::exec::{Line, Stream};
use serde::Serialize;
use serde_json::Value;

use super::{claude, gemini, json::MOST, opencode, setup::Format};

/// A longer line is not taken for an event.
const LONGEST_EVENT: usize = 16 * 1024 * 1024;
/// A longer line that is none is cut.
const LONGEST_LINE: usize = 256 * 1024;

/// Lines of the log.
pub(super) type Said = Vec<(Stream, String)>;

/// Tokens and money, as far as the program tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Spent {
    pub(super) input_tokens: u64,
    pub(super) cached_input_tokens: u64,
    pub(super) output_tokens: u64,
    /// Usage is kept in whole numbers: millionths of a dollar.
    #[serde(
        rename = "cost_usd_micros",
        serialize_with = "micros",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) cost_usd: Option<f64>,
}

/// What is known after the lines up to now.
#[derive(Debug, Default)]
pub(super) struct Reading {
    format: Format,
    pending: String,
    pending_error: String,
    /// Counted once, at the end or step by step, as the format has it.
    pub(super) spent: Spent,
    /// The model, where the program names one.
    pub(super) model: Option<String>,
    /// The same by model, where the program tells it so.
    pub(super) by_model: BTreeMap<String, Spent>,
    pub(super) last_message: String,
    /// Why it failed, in the program's own words.
    pub(super) failure: Option<String>,
}

impl Reading {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            ..Self::default()
        }
    }

    /// Takes a line, or a piece of one.
    pub(super) fn line(&mut self, line: Line) -> Said {
        let (pending, most) = match (line.stream, self.format) {
            (Stream::Stderr, _) => (&mut self.pending_error, LONGEST_LINE),
            (Stream::Stdout, Format::Text) => (&mut self.pending, LONGEST_LINE),
            (Stream::Stdout, _) => (&mut self.pending, LONGEST_EVENT),
        };
        pending.push_str(&line.message);
        // Whole lines alone: a secret could stand over the seam of two pieces.
        if line.partial && pending.len() < most {
            return Vec::new();
        }
        let text = std::mem::take(pending);
        if line.stream == Stream::Stderr || self.format == Format::Text {
            return vec![(line.stream, text)];
        }
        match serde_json::from_str::<Value>(&text) {
            Ok(event @ Value::Object(_)) => self.event(&event),
            Ok(_) | Err(_) if text.trim().is_empty() => Vec::new(),
            Ok(_) | Err(_) => vec![(Stream::Stdout, text)],
        }
    }

    fn event(&mut self, event: &Value) -> Said {
        match self.format {
            Format::ClaudeStreamJson => claude::event(self, event),
            Format::OpencodeJson => opencode::event(self, event),
            Format::GeminiStreamJson => gemini::event(self, event),
            Format::Text => Vec::new(),
        }
    }

    /// What was used of which model, as sums.
    pub(super) fn used(&self, usual: Option<&str>) -> Vec<(String, Spent)> {
        if !self.by_model.is_empty() {
            let all = self.by_model.iter();
            return all.map(|(model, spent)| (model.clone(), *spent)).collect();
        }
        let model = self.model.as_deref().or(usual).unwrap_or_default();
        match self.spent == Spent::default() {
            true => Vec::new(),
            false => vec![(model.to_owned(), self.spent)],
        }
    }

    /// The program speaks.
    pub(super) fn message(&mut self, text: &str) -> Said {
        if text.trim().is_empty() {
            return Vec::new();
        }
        text.clone_into(&mut self.last_message);
        lines(Stream::Stdout, text)
    }

    pub(super) fn failed(&mut self, why: &str) -> Said {
        let why = match why.trim() {
            "" => "it gave no reason",
            why => why,
        };
        self.failure = Some(why.to_owned());
        lines(Stream::Stderr, why)
    }
}

impl Spent {
    /// What the program says that it cost, in millionths of a dollar.
    pub(super) fn own_microusd(&self) -> Option<u64> {
        self.cost_usd.map(in_micros)
    }
}

fn in_micros(dollars: f64) -> u64 {
    let micros = (dollars * 1_000_000.0).round();
    (micros.max(0.0) as u64).min(MOST)
}

fn micros<S: serde::Serializer>(dollars: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(in_micros(dollars.unwrap_or_default()))
}

/// A text as lines of the log.
pub(super) fn lines(stream: Stream, text: &str) -> Said {
    text.lines().map(|line| (stream, line.to_owned())).collect()
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
