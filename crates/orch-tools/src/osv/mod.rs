//! Known vulnerabilities, from a database in the OSV format that lies on this machine.
//!
//! Owns which records speak of a package's version. Asks nobody over the network; what is not in the
//! database is not known here.

mod cvss;
mod database;
mod record;
#[cfg(test)]
mod tests;

pub use database::{Database, Finding, Verdict};
pub use record::Severity;
