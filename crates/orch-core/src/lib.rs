//! The pure domain of Codex Orchestrator: nouns, states, transitions, scheduling and digests.
//!
//! Everything here is a function of its arguments. It must never await, read a clock, draw
//! randomness or touch a file; those are handed in by the edges.

pub mod approval;
pub mod audit;
pub mod breakdown;
pub mod digest;
pub mod engine;
pub mod entropy;
pub mod event;
pub mod gate;
pub mod ids;
pub mod info_request;
pub mod plan;
pub mod plural;
pub mod project;
pub mod queue;
pub mod recipe;
pub mod report;
pub mod requirements;
pub mod retry;
pub mod risk;
pub mod rules;
pub mod run;
pub mod secret;
pub mod seen;
pub mod source;
pub mod sse;
pub mod survey;
pub mod time;
pub mod tool_policy;
pub mod variable;
pub mod version;
pub mod why;
pub mod work_item;
