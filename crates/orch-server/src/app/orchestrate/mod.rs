//! Requests to several roles in turn: taken, worked on, watched, cancelled and remembered.
//!
//! The work goes on in a task of its own and ends with its deadline, its cancellation or the server. What a role
//! wrote is durable before the next one is asked.

mod begin;
mod history;
mod request;
mod stop;
mod team;
mod watch;
mod work;

pub use begin::{Begun, begin};
pub use history::{calls, list, session, sessions, show};
pub use request::{Request, work_of};
pub use stop::cancel;
pub(crate) use stop::end_left;
pub use team::{Team, TeamError, TeamSettings};
pub use watch::Event;
