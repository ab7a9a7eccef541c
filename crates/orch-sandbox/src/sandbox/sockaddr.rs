//! The address in a `connect`, as it lies in the caller's memory: anything may stand there.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use nix::libc;

/// The longest that is looked at: one of IPv6.
pub(super) const MOST_BYTES: usize = 28;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// An internet address; one of IPv4 that is written as one of IPv6 is one of IPv4.
    Address(SocketAddr),
    /// Something else: another family, or none.
    Other,
    /// Too short for what it says that it is.
    Malformed,
}

/// Reads an address.
pub(super) fn read(bytes: &[u8]) -> Asked {
    const INET: libc::sa_family_t = libc::AF_INET as libc::sa_family_t;
    const INET6: libc::sa_family_t = libc::AF_INET6 as libc::sa_family_t;
    let Some((family, rest)) = bytes.split_first_chunk() else {
        return Asked::Malformed;
    };
    let port_and_address = match libc::sa_family_t::from_ne_bytes(*family) {
        INET => v4(rest),
        INET6 => v6(rest),
        _ => return Asked::Other,
    };
    port_and_address.map_or(Asked::Malformed, Asked::Address)
}

/// Port and address, then eight bytes that mean nothing and must be there.
fn v4(bytes: &[u8]) -> Option<SocketAddr> {
    let (port, rest) = bytes.split_first_chunk()?;
    let (address, padding) = rest.split_first_chunk::<4>()?;
    let at = (Ipv4Addr::from(*address), u16::from_be_bytes(*port));
    (padding.len() >= 8).then_some(at.into())
}

/// Port, flow, address, and a scope that old programs leave out.
fn v6(bytes: &[u8]) -> Option<SocketAddr> {
    let (port, rest) = bytes.split_first_chunk()?;
    let (_flow, rest) = rest.split_first_chunk::<4>()?;
    let (address, _scope) = rest.split_first_chunk::<16>()?;
    let address = Ipv6Addr::from(*address).to_canonical();
    Some((address, u16::from_be_bytes(*port)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(family: libc::c_int, rest: &[u8]) -> Vec<u8> {
        let family = libc::sa_family_t::try_from(family).unwrap();
        [&family.to_ne_bytes()[..], rest].concat()
    }

    #[test]
    fn an_address_is_what_it_is_however_it_is_written() {
        let loopback: SocketAddr = "127.0.0.1:3128".parse().unwrap();
        let v4 = bytes(libc::AF_INET, b"\x0c\x38\x7f\0\0\x01\0\0\0\0\0\0\0\0");
        assert_eq!(read(&v4), Asked::Address(loopback));
        let mapped = b"\x0c\x38\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\x01\0\0\0\0";
        assert_eq!(
            read(&bytes(libc::AF_INET6, mapped)),
            Asked::Address(loopback)
        );
        let v6 = b"\x0c\x38\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0";
        let at = "[::1]:3128".parse().unwrap();
        assert_eq!(read(&bytes(libc::AF_INET6, v6)), Asked::Address(at));
    }

    #[test]
    fn what_is_no_internet_address_is_none() {
        for family in [libc::AF_UNSPEC, libc::AF_UNIX, libc::AF_VSOCK] {
            assert_eq!(read(&bytes(family, &[0; 26])), Asked::Other);
        }
        for short in [
            Vec::new(),
            vec![2],
            bytes(libc::AF_INET, b"\x0c\x38\x7f\0\0\x01"),
            bytes(libc::AF_INET6, &[0; 20]),
        ] {
            assert_eq!(read(&short), Asked::Malformed, "{short:?}");
        }
    }
}
