//! From a catalog to an installed tool, with registries of our own on loopback.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod fetching;
mod installing;
mod locks;
mod registries;
mod site;
