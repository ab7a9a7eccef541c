//! What may be fetched, from where, and for how long.

use std::{net::IpAddr, time::Duration};

use reqwest::Url;

/// Bounds of one fetch.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The largest file.
    pub bytes: u64,
    /// The longest time without a byte.
    pub silence: Duration,
    /// The longest time in all.
    pub total: Duration,
    /// Attempts after failures that may pass.
    pub attempts: u32,
    /// The pause before the second attempt; it doubles.
    pub pause: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            bytes: 4 << 30,
            silence: Duration::from_secs(30),
            total: Duration::from_secs(30 * 60),
            attempts: 4,
            pause: Duration::from_millis(500),
        }
    }
}

/// Who named an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'o> {
    /// A catalog entry: encrypted, or this machine.
    Entry,
    /// The user's own configuration of a package manager: as it says.
    Configured,
    /// An answer of the registry at this address: encrypted and public, or that registry itself.
    Told(&'o str),
    /// This program, of a file that it keeps.
    Kept,
}

impl Origin<'_> {
    /// Whether it may name this address.
    pub(super) fn judge(self, url: &Url) -> Result<(), String> {
        match (url.scheme(), self) {
            ("file", Self::Entry | Self::Configured | Self::Kept) => match url.host_str() {
                None | Some("") => Ok(()),
                Some(_) => Err("it names a file of another machine".to_owned()),
            },
            ("file", Self::Told(_)) => {
                Err("a registry may name no file of this machine".to_owned())
            }
            (_, Self::Kept) => Err("it is no file".to_owned()),
            ("https", Self::Entry | Self::Configured) | ("http", Self::Configured) => Ok(()),
            ("http", Self::Entry) if is_loopback(url) => Ok(()),
            ("http", Self::Entry) => {
                Err("http without encryption is for this machine alone; use https".to_owned())
            }
            ("https" | "http", Self::Told(registry)) if is_of(registry, url) => Ok(()),
            ("https", Self::Told(_)) => match literal(url) {
                Some(address) => public(address),
                None if is_loopback(url) => Err(not_public("this machine")),
                None => Ok(()),
            },
            ("http", Self::Told(_)) => Err(
                "a registry may name addresses without encryption only where it is itself"
                    .to_owned(),
            ),
            (scheme, _) => Err(format!("`{scheme}` is not among https, http and file")),
        }
    }

    /// Whether an address that it may name leads to a public place, as far as this machine's names tell.
    ///
    /// A connection is encrypted to the name: one that leads elsewhere a moment later fails on its
    /// certificate.
    pub(super) async fn judge_place(self, url: &Url) -> Result<(), String> {
        let Self::Told(registry) = self else {
            return Ok(());
        };
        if is_of(registry, url) {
            return Ok(());
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err("it names no host".to_owned());
        };
        // A name that is unknown here may be known to a proxy.
        let Ok(found) = tokio::net::lookup_host((host, port)).await else {
            return Ok(());
        };
        found.map(|address| address.ip()).try_for_each(public)
    }
}

/// Whether both are of one scheme, host and port.
pub(crate) fn is_of(registry: &str, url: &Url) -> bool {
    Url::parse(registry).is_ok_and(|registry| registry.origin() == url.origin())
}

fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok()
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    let is_named = host == "localhost" || host.ends_with(".localhost");
    is_named || literal(url).is_some_and(|address| address.is_loopback())
}

fn not_public(place: &str) -> String {
    format!("a registry may name no private address but its own, and this is {place}")
}

fn public(address: IpAddr) -> Result<(), String> {
    let address = address.to_canonical();
    let is_public = match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            // 100.64.0.0/10 is what providers and overlay networks use among themselves.
            let is_shared = first == 100 && (64..128).contains(&second);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || is_shared
                || first == 0
                || first >= 240)
        }
        IpAddr::V6(v6) => {
            !(v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local())
        }
    };
    match is_public {
        true => Ok(()),
        false => Err(not_public(&address.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(origin: Origin<'_>, url: &str) -> bool {
        origin.judge(&Url::parse(url).unwrap()).is_ok()
    }

    #[test]
    fn a_registry_names_public_encrypted_addresses_and_itself() {
        let told = Origin::Told("http://10.0.0.5:4873/npm");
        for fine in [
            "https://files.example.com/a.tgz",
            "https://8.8.8.8/a.tgz",
            "http://10.0.0.5:4873/npm/a.tgz",
        ] {
            assert!(judge(told, fine), "{fine}");
        }
        for refused in [
            "file:///etc/passwd",
            "file://host/etc/passwd",
            "http://files.example.com/a.tgz",
            "http://10.0.0.5/a.tgz",
            "http://10.0.0.5:4874/a.tgz",
            "https://10.0.0.5:4873/a.tgz",
            "https://169.254.169.254/latest/meta-data",
            "https://[::ffff:169.254.169.254]/",
            "https://[fd00:ec2::254]/",
            "https://127.0.0.1/a",
            "https://2130706433/a",
            "https://localhost/a",
            "https://a.localhost./a",
            "https://100.64.0.1/a",
            "https://0.0.0.0/a",
            "ftp://files.example.com/a",
        ] {
            assert!(!judge(told, refused), "{refused}");
        }
    }

    #[test]
    fn whoever_names_a_file_of_this_machine_belongs_to_it() {
        for origin in [Origin::Entry, Origin::Configured, Origin::Kept] {
            assert!(judge(origin, "file:///srv/a.tgz"), "{origin:?}");
        }
        assert!(!judge(Origin::Kept, "https://example.com/a.tgz"));
        assert!(!judge(Origin::Entry, "file://host/a.tgz"));
        assert!(judge(Origin::Configured, "http://10.0.0.5/a"));
    }
}
