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
pub enum Origin {
    /// A catalog entry: encrypted, or this machine.
    Entry,
    /// The user's own configuration of a package manager: as it says.
    Configured,
}

impl Origin {
    /// Whether it may name this address.
    pub(super) fn judge(self, url: &Url) -> Result<(), String> {
        match (url.scheme(), self) {
            ("https", _) | ("http", Self::Configured) => Ok(()),
            ("http", Self::Entry) if is_loopback(url) => Ok(()),
            ("http", Self::Entry) => {
                Err("http without encryption is for this machine alone; use https".to_owned())
            }
            (scheme, _) => Err(format!("`{scheme}` is not among https, http and file")),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address: Option<IpAddr> = bare.parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}
