//! Reaching whoever started us where no descriptor can be inherited: in a container.

use std::{
    io,
    os::fd::{AsRawFd, IntoRawFd},
    path::Path,
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};

use super::talk::HAND;

/// Connects to a socket, and has it under the number at which it would have been inherited.
pub(super) fn reach(path: &Path) -> io::Result<()> {
    let kind = SockType::SeqPacket;
    let hand = socket(AddressFamily::Unix, kind, SockFlag::empty(), None)?;
    connect(hand.as_raw_fd(), &UnixAddr::new(path)?)?;
    if hand.as_raw_fd() == HAND {
        // Whoever takes it owns it.
        let _ = hand.into_raw_fd();
        return Ok(());
    }
    #[expect(
        unsafe_code,
        reason = "no safe library makes a descriptor of a given number"
    )]
    // SAFETY: nothing here owns that number yet, and the call writes to no memory.
    let made = unsafe { nix::libc::dup2(hand.as_raw_fd(), HAND) };
    match made {
        HAND => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
