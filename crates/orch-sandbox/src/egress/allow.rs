//! Which hosts and addresses a run may reach.

use std::net::{IpAddr, SocketAddr};

use orch_core::recipe::Network;

use super::address::not_public;

/// Which hosts and addresses a run may reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList {
    /// Every public address, beside what is listed.
    open: bool,
    hosts: Vec<Listed>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Name(String),
    /// Any name below this one.
    Below(String),
}

impl AllowList {
    /// What the recipe's permissions and tools ask for together; `None` where that is nothing.
    #[must_use]
    pub fn of<'n>(networks: impl IntoIterator<Item = &'n Network>) -> Option<Self> {
        let mut list = Self::default();
        for network in networks {
            match network {
                Network::Denied => {}
                Network::Open => list.open = true,
                Network::Hosts(hosts) => list.hosts.extend(hosts.iter().map(|host| read(host))),
            }
        }
        let is_something = list.open || !list.hosts.is_empty();
        is_something.then_some(list)
    }

    /// Whether a host of this name may be looked for at all.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn judge_name(&self, name: &str, port: u16) -> Result<(), String> {
        if self.open || self.lists_name(name, port) {
            return Ok(());
        }
        Err("it is not on the recipe's list".to_owned())
    }

    /// Whether this address may be connected to, by whatever name it was found.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn judge_address(&self, name: Option<&str>, at: SocketAddr) -> Result<(), String> {
        let address = at.ip().to_canonical();
        if self.lists_address(address, at.port()) {
            return Ok(());
        }
        // The one name that stands for this machine everywhere.
        if name == Some("localhost") && address.is_loopback() {
            return self.judge_listed("localhost", at.port());
        }
        match (not_public(address), name) {
            (None, Some(_)) => Ok(()),
            (None, None) if self.open => Ok(()),
            (None, None) => Err("it is not on the recipe's list".to_owned()),
            (Some(why), name) => {
                let it = name.map_or(String::new(), |_| format!("it leads to {address}, and "));
                Err(format!(
                    "{it}{why}; list the address itself if it must be reached"
                ))
            }
        }
    }

    /// Whether some address of this machine is listed: it must go through the proxy too then.
    pub(super) fn lists_loopback(&self) -> bool {
        self.hosts.iter().any(|listed| match &listed.host {
            Host::Address(address) => address.is_loopback(),
            Host::Name(name) => name == "localhost",
            Host::Below(_) => false,
        })
    }

    fn judge_listed(&self, name: &str, port: u16) -> Result<(), String> {
        match self.lists_name(name, port) {
            true => Ok(()),
            false => Err(format!("{name} is not on the recipe's list")),
        }
    }

    fn lists_name(&self, name: &str, port: u16) -> bool {
        self.fits(port, |host| match host {
            Host::Address(_) => false,
            Host::Name(listed) => listed == name,
            Host::Below(above) => name
                .strip_suffix(above.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        })
    }

    fn lists_address(&self, address: IpAddr, port: u16) -> bool {
        self.fits(port, |host| *host == Host::Address(address))
    }

    fn fits(&self, port: u16, is: impl Fn(&Host) -> bool) -> bool {
        let mut hosts = self.hosts.iter();
        hosts.any(|listed| listed.port.is_none_or(|only| only == port) && is(&listed.host))
    }
}

/// Reads an entry that has passed the recipe's rules.
fn read(entry: &str) -> Listed {
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => {
            (host, port.parse().ok())
        }
        _ => (entry, None),
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let host = match (bare.parse::<IpAddr>(), host.strip_prefix("*.")) {
        (Ok(address), _) => Host::Address(address.to_canonical()),
        (Err(_), Some(above)) => Host::Below(above.to_owned()),
        (Err(_), None) => Host::Name(host.trim_end_matches('.').to_owned()),
    };
    Listed { host, port }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(hosts: &[&str]) -> AllowList {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        AllowList::of([&Network::Hosts(hosts)]).unwrap()
    }

    fn reaches(list: &AllowList, name: Option<&str>, at: &str) -> bool {
        let at: SocketAddr = at.parse().unwrap();
        let name_fits = name.is_none_or(|name| list.judge_name(name, at.port()).is_ok());
        name_fits && list.judge_address(name, at).is_ok()
    }

    #[test]
    fn nothing_asked_for_is_no_list() {
        assert_eq!(AllowList::of([&Network::Denied]), None);
        assert_eq!(AllowList::of([]), None);
    }

    #[test]
    fn listed_names_are_reached_at_public_addresses_alone() {
        let list = hosts(&["registry.npmjs.org", "*.example.com", "git.local:9418"]);
        let public = "1.1.1.1:443";
        for (name, at, expected) in [
            ("registry.npmjs.org", public, true),
            ("npmjs.org", public, false),
            ("registry.npmjs.org.evil.test", public, false),
            ("a.example.com", public, true),
            ("a.b.example.com", public, true),
            ("example.com", public, false),
            ("notexample.com", public, false),
            ("git.local", public, false),
            ("git.local", "1.1.1.1:9418", true),
            ("registry.npmjs.org", "169.254.169.254:80", false),
            ("registry.npmjs.org", "127.0.0.1:443", false),
            ("registry.npmjs.org", "[::ffff:10.0.0.1]:443", false),
        ] {
            assert_eq!(reaches(&list, Some(name), at), expected, "{name} at {at}");
        }
        assert!(!reaches(&list, None, public));
    }

    #[test]
    fn an_open_network_ends_where_the_public_one_does() {
        let list = AllowList::of([&Network::Open]).unwrap();
        assert!(reaches(&list, Some("anything.test"), "1.1.1.1:1"));
        assert!(reaches(&list, None, "1.1.1.1:1"));
        assert!(!reaches(&list, Some("localhost"), "127.0.0.1:8080"));
        assert!(!reaches(&list, None, "10.0.0.1:80"));
        assert!(!reaches(&list, None, "169.254.169.254:80"));
    }

    #[test]
    fn private_addresses_are_reached_where_they_are_listed() {
        let list = hosts(&["10.0.0.1:8443", "localhost:3000", "[::1]:5000"]);
        assert!(reaches(&list, None, "10.0.0.1:8443"));
        assert!(!reaches(&list, None, "10.0.0.1:8444"));
        assert!(!reaches(&list, None, "10.0.0.2:8443"));
        assert!(reaches(&list, Some("localhost"), "127.0.0.1:3000"));
        assert!(!reaches(&list, Some("localhost"), "127.0.0.1:3001"));
        assert!(!reaches(&list, Some("localhost"), "10.0.0.2:3000"));
        assert!(reaches(&list, None, "[::1]:5000"));
        assert!(list.lists_loopback());
    }
}
