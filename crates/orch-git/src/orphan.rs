//! Programs that the kernel ends with whoever waits for them, also where that one is killed.
//!
//! The kernel looks at the thread that started them: it must wait until they ended, as every call does.

#![expect(
    unsafe_code,
    reason = "no safe interface says what a program does before it begins"
)]

use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};

/// Has the program killed when the calling thread ends.
pub(crate) fn ends_with_its_caller(command: &mut Command) {
    let caller = Pid::this();
    let before = move || {
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        // Whoever ended before that ends it no more.
        if getppid() != caller {
            return Err(std::io::ErrorKind::NotFound.into());
        }
        Ok(())
    };
    // SAFETY: between fork and exec it makes two system calls, and neither allocates nor locks.
    unsafe { command.pre_exec(before) };
}
