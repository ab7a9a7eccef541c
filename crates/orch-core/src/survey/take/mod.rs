//! How each statement of a survey is found: one file for each kind of manifest or question.

mod all;
mod cargo;
mod ci;
mod cmake;
mod compose;
mod docker;
mod docs;
mod folders;
mod found;
mod go;
mod imports;
mod jvm;
mod languages;
mod licence;
mod modules;
mod names;
mod node;
mod other;
mod purpose;
mod python;
mod runtimes;
mod scripts;
mod smells;
mod stores;
mod tested;

pub use all::survey;
pub(super) use folders::left_out;
pub(super) use languages::language_of;
pub(super) use names::is_named;
