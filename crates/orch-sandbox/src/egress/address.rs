//! Which addresses belong to the public network, and what the others are for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is not a public one; `None` where it is.
pub(super) fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => not_public_v4(address),
        IpAddr::V6(address) => not_public_v6(address),
    }
}

fn not_public_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = address.octets();
    Some(match (a, b, c) {
        (0, ..) => "it is no host's address",
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => "it is private",
        (100, 64..=127, _) => "it is a provider's own",
        (127, ..) => "it is this machine",
        (169, 254, _) => "it is link-local, where clouds keep credentials",
        (192, 0, 0 | 2) | (198, 51, 100) | (203, 0, 113) | (198, 18..=19, _) => "it is reserved",
        (192, 88, 99) => "it leads into another network",
        (224.., ..) => "it is a group of hosts, or reserved",
        _ => return None,
    })
}

fn not_public_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        not_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("it is this machine"),
        // Of IPv4, in several notations.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low).or(Some("it leads into another network")),
        [0, 0, 0, 0, ..] => Some("it is no host's address"),
        [0x64, 0xff9b, ..] => Some("it leads into another network"),
        [0x2001, 0x0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, ..] => Some("it is reserved"),
        [0xfc00..=0xfdff, ..] => Some("it is private"),
        [0xfe80..=0xfeff, ..] => Some("it is link-local"),
        [0x2000..=0x3fff, ..] => None,
        _ => Some("it is a group of hosts, or reserved"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_clouds_machines_and_companies_are_not_public() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.100.100.200",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:808:808::",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
        ] {
            let address = address.parse().unwrap();
            assert!(not_public(address).is_some(), "{address}");
        }
    }

    #[test]
    fn addresses_of_the_public_network_are_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "192.0.1.1",
            "2606:4700:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            let address = address.parse().unwrap();
            assert_eq!(not_public(address), None, "{address}");
        }
    }
}
