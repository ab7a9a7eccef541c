//! What a source tree is: its languages, how it is built and tested, where it begins, what it depends on,
//! how its parts hang together, and what a modernization would change.
//!
//! Owns functions over names, sizes and the contents of a few files; nothing here reads a file or runs
//! anything. The tree is whatever somebody sent: every list is bounded, and every statement cites the file
//! and, where there is one, the line that makes it. What no file says is not stated.

mod acceptance;
mod bounds;
mod markdown;
mod model;
mod read;
mod statements;
mod take;
mod tree;

#[cfg(test)]
mod begins;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod renewed;
#[cfg(test)]
pub(crate) mod samples;

pub use acceptance::Acceptance;
pub use bounds::{LONGEST_FILE_BYTES, MOST_FILES, MOST_READ_BYTES};
pub use model::{
    Basis, Bound, CiSystem, Command, Dependency, Documentation, EntryKind, EntryPoint, Language,
    LanguageKind, LeftOut, LeftOutReason, Licence, Link, Manifest, Module, Place, Purpose, Runtime,
    Scope, Service, Smell, SmellKind, StoreKind, StoreUse, Survey, Tests,
};
pub use statements::{Renew, Statement, modernizing, statements};
pub use take::survey;
pub use tree::{FileKind, Tree, TreeFile, wanted};
