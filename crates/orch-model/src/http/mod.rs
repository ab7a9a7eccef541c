//! Models behind HTTP: asking them, reading what they answer, and judging why they do not.
//!
//! Never follows a redirect with a key, never logs one, and bounds each answer in size and time.

mod judge;
mod limits;
mod model;
mod models;
mod read;
mod stream;

#[cfg(test)]
mod tests;

pub use model::HttpModel;
pub use models::{HttpModels, Now};
