//! Host and port as a client writes them, normalised so that equal ones compare equal.
//!
//! Pure text; decides nothing about who is allowed.

use std::net::{IpAddr, Ipv6Addr};

/// A host in its normal form (lower case, no trailing dot, IPv6 in brackets) and its port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Authority {
    pub host: String,
    pub port: Option<u16>,
}

impl Authority {
    /// Reads `host`, `host:port` or `[v6]:port`; anything else, user information included, is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, after) = rest.split_once(']')?;
                let address: Ipv6Addr = address.parse().ok()?;
                (format!("[{address}]"), after)
            }
            None => {
                let end = text.find(':').unwrap_or(text.len());
                (name(&text[..end])?, &text[end..])
            }
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            None => return None,
            Some("") => None,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            Some(_) => return None,
        };
        Some(Self { host, port })
    }

    /// Reads a host alone, as in a setting; IPv6 with or without brackets.
    pub fn parse_host(text: &str) -> Option<String> {
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            return Some(format!("[{address}]"));
        }
        Self::parse(text)
            .filter(|_| !text.ends_with(':'))
            .filter(|authority| authority.port.is_none())
            .map(|authority| authority.host)
    }

    /// The port, or the one that `scheme` implies.
    pub fn port_under(&self, scheme: &str) -> Option<u16> {
        self.port.or(match scheme {
            "http" | "ws" => Some(80),
            "https" | "wss" => Some(443),
            _ => None,
        })
    }
}

/// The address, when `host` (in normal form) is one.
pub(super) fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

fn name(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let fits = !text.is_empty() && text.len() <= 253;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    (fits && text.bytes().all(plain)).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(String, Option<u16>)> {
        Authority::parse(text).map(|a| (a.host, a.port))
    }

    #[test]
    fn spellings_of_one_host_become_equal() {
        let localhost = |port| Some(("localhost".to_owned(), port));
        assert_eq!(parsed("LocalHost:18080"), localhost(Some(18080)));
        assert_eq!(parsed("localhost."), localhost(None));
        assert_eq!(parsed("localhost:"), localhost(None));
        let v6 = Some(("[::1]".to_owned(), Some(80)));
        assert_eq!(parsed("[0:0:0:0:0:0:0:1]:80"), v6);
    }

    #[test]
    fn anything_but_host_and_port_is_refused() {
        for text in [
            "",
            ":80",
            "a b",
            "user@localhost",
            "localhost:80:80",
            "localhost:+80",
            "host:65536",
            "[::1",
            "[::1]80",
            "::1",
            "evil.com/localhost",
            "evil.com#",
            "%6cocalhost",
            "..\u{0}",
        ] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_setting_is_a_host_without_a_port() {
        assert_eq!(Authority::parse_host("::1"), Some("[::1]".to_owned()));
        assert_eq!(Authority::parse_host("[::1]"), Some("[::1]".to_owned()));
        assert_eq!(Authority::parse_host("a.b"), Some("a.b".to_owned()));
        assert_eq!(Authority::parse_host("a.b:80"), None);
        assert_eq!(Authority::parse_host("http://a.b"), None);
    }
}
