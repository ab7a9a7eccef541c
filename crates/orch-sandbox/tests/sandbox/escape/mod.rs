//! Attempts to get out. Each is a script that says `ESCAPED` when it has; it is run without a
//! sandbox first, where it must succeed, so that a missing program never passes for safety.

mod attempts;
mod run;
