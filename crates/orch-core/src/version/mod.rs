//! Versions and ranges of them, compared as package registries do.
//!
//! Pure. Reads what npm, PyPI, crates.io and people write; never decides where versions come from.

mod number;
mod range;
#[cfg(test)]
mod tests;

pub use number::Version;
pub use range::Range;
