//! Kills the server, its agent and its database under load, and checks afterwards that whatever
//! was acknowledged is there. Knows the program from outside alone: its binary and its HTTP API.

mod check;
mod installation;
mod load;
mod postgres;
mod random;
mod record;
mod rounds;

pub use record::Report;
pub use rounds::{Database, Options, run};
