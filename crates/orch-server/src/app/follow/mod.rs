//! Following the logs of runs, for any number of readers at any speed.
//!
//! What readers of a run have in common is done once: looking whether there is more, reading a
//! chunk, writing its lines down. A reader keeps a place and one piece of at most some kilobytes;
//! whoever falls behind is read for again, from the files, when it takes the next.

mod feed;
mod follower;
mod piece;

pub use feed::Feeds;
pub use follower::{Follower, Seen, Until};
pub use piece::{Piece, Render};
