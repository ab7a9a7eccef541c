//! What a run reaches only while it may, whatever its recipe lists: the server that it works for.
//!
//! A server that asks nobody for a token takes whoever reaches it for its user, who may approve.

use std::{
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
};

use tokio::net::lookup_host;

/// Whether what is guarded may be reached for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Open,
    Closed,
}

/// Hosts with their ports, and why they are closed.
#[derive(Debug, Default)]
pub struct Guarded {
    hosts: Vec<(String, u16)>,
    reason: String,
    open: AtomicBool,
}

impl Guarded {
    /// Closed for now; the reason goes on after "the way to … is closed:".
    #[must_use]
    pub fn new(hosts: Vec<(String, u16)>, reason: String) -> Self {
        Self {
            hosts,
            reason,
            open: AtomicBool::new(false),
        }
    }

    pub(super) fn admit(&self, admission: Admission) {
        self.open
            .store(admission == Admission::Open, Ordering::SeqCst);
    }

    /// Whether this address, however it was found, is not one that is guarded now.
    ///
    /// # Errors
    /// Why it is closed.
    pub(super) async fn judge(&self, name: Option<&str>, at: SocketAddr) -> Result<(), String> {
        if self.open.load(Ordering::SeqCst) {
            return Ok(());
        }
        let same_port = self.hosts.iter().filter(|(_, port)| *port == at.port());
        for (host, port) in same_port {
            if name == Some(host.as_str()) || is_found(host, *port, at.ip().to_canonical()).await {
                return Err(self.reason.clone());
            }
        }
        Ok(())
    }
}

/// Whether a host has an address, by whichever of its names a machine is reached.
async fn is_found(host: &str, port: u16, address: IpAddr) -> bool {
    let found: Vec<IpAddr> = match host.parse() {
        Ok(parsed) => vec![parsed],
        // What cannot be resolved is no server at this moment.
        Err(_) => match lookup_host((host, port)).await {
            Ok(found) => found.map(|at| at.ip()).collect(),
            Err(_) => Vec::new(),
        },
    };
    let mut found = found.into_iter().map(|found| found.to_canonical());
    found.any(|found| found == address || is_here(found) && is_here(address))
}

/// Whether an address is one of this machine's.
fn is_here(address: IpAddr) -> bool {
    // No packet is sent: the system takes its own addresses alone.
    address.is_loopback() || address.is_unspecified() || UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_open(guarded: &Guarded, name: Option<&str>, at: &str) -> bool {
        guarded.judge(name, at.parse().unwrap()).await.is_ok()
    }

    #[tokio::test]
    async fn a_server_here_is_closed_by_every_address_of_the_machine_until_it_is_opened() {
        let hosts = vec![("127.0.0.1".to_owned(), 8080), ("192.0.2.7".to_owned(), 80)];
        let guarded = Guarded::new(hosts, "because".to_owned());
        for (name, at, expected) in [
            (None, "127.0.0.1:8080", false),
            (None, "127.0.0.9:8080", false),
            (None, "[::1]:8080", false),
            (None, "[::ffff:127.0.0.1]:8080", false),
            (None, "0.0.0.0:8080", false),
            (Some("localhost"), "127.0.0.1:8080", false),
            (None, "127.0.0.1:8081", true),
            (None, "192.0.2.7:80", false),
            (None, "192.0.2.7:8080", true),
            (Some("192.0.2.7"), "192.0.2.8:80", false),
            (None, "192.0.2.8:80", true),
        ] {
            assert_eq!(is_open(&guarded, name, at).await, expected, "{name:?} {at}");
        }
        guarded.admit(Admission::Open);
        assert!(is_open(&guarded, None, "127.0.0.1:8080").await);
        guarded.admit(Admission::Closed);
        assert!(!is_open(&guarded, None, "127.0.0.1:8080").await);
        assert!(is_open(&Guarded::default(), None, "127.0.0.1:8080").await);
    }
}
