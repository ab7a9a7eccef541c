//! Models and lines of them as they are meant, whatever file they came from.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::{OnLimit, Price, Protocol, Sampling, Speech};

/// All that the file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Roster {
    pub models: Vec<Listed>,
    /// For roles that have no line of their own.
    pub usual: Option<Line>,
    /// By the role's name.
    pub roles: BTreeMap<String, Line>,
}

/// A model that can be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// As lines, answers, recordings and prices name it.
    pub name: String,
    /// As its provider names it.
    pub model: String,
    pub by: By,
    /// From a request to the end of its answer.
    pub timeout: Duration,
    /// Until the answer begins, and between two pieces of it.
    pub idle: Duration,
    /// How often it is asked where that helps.
    pub attempts: u32,
    pub price: Option<Price>,
}

/// How a model is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    Http {
        protocol: Protocol,
        base_url: String,
        /// The variable that holds the key.
        key_env: Option<String>,
    },
    Program {
        /// The program and its arguments.
        command: Vec<String>,
        speech: Speech,
        folder: Option<PathBuf>,
        /// Variables that are passed on.
        environment: Vec<String>,
    },
}

/// Which models are asked, one where the other cannot answer, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Names of models: the first, and those that take its place. Never empty.
    pub chain: Vec<String>,
    pub on_limit: OnLimit,
    pub sampling: Option<Sampling>,
    pub max_output_tokens: Option<u32>,
}

impl Line {
    /// One model, asked as usual.
    #[must_use]
    pub fn of(name: impl Into<String>) -> Self {
        Self {
            chain: vec![name.into()],
            on_limit: OnLimit::Park,
            sampling: None,
            max_output_tokens: None,
        }
    }
}
