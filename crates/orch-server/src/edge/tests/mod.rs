//! The edge as its clients meet it: requests through the whole stack, most without a socket, and
//! those that depend on the connection over real TCP.

mod bodies;
mod checks;
mod connection;
mod identity;
mod limits;
mod world;
