//! Attempts to get out. Each is a script that says `ESCAPED` when it has. It is run without a
//! sandbox, and in one without the layers that stop it, and must succeed both times: a missing
//! program never passes for safety. Then it is run with everything in force.

mod attempt;
mod files;
mod groups;
mod kernel;
mod network;
mod processes;
mod resources;
mod run;
mod trust;
