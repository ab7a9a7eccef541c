//! Registries are tried in `tests/`.
