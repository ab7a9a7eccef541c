//! What a recipe may say, what it may not, and that no text at all makes the reader panic.

mod accepted;
mod entries;
mod hostile;
mod refused;
mod transport;
